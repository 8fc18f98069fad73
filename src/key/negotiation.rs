//! The lists of content negotiation (RFC 9110 section 12.5): their grammar, and the canonical form of what they say.
//!
//! What splits no cache is removed: case, white space, order, repeats and the particular numbers behind `q`. What the
//! client asked for is kept: which items, and how they rank.

use std::borrow::Cow;

/// The fields that are lists of ranges with a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Accept-Language.
    Language,
    /// Accept-Encoding.
    Coding,
    /// Accept-Charset.
    Charset,
    /// Accept.
    Media,
    /// Any other field, read as a list only to choose from it.
    Other,
}

/// One item of a list: its range in canonical spelling, and its weight in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item<'a> {
    pub(super) range: Cow<'a, str>,
    pub(super) weight: u16,
}

const FULL_WEIGHT: u16 = 1000;

/// The items of a list, `None` for each that is malformed. Empty ones are no items (RFC 9110 section 5.6.1).
pub(super) fn items(kind: Kind, list: &str) -> impl Iterator<Item = Option<Item<'_>>> {
    split_unquoted(list, b',')
        .map(str::trim_ascii)
        .filter(|text| !text.is_empty())
        .map(move |text| item(kind, text))
}

/// The canonical form of a list, or `None` where an item is malformed.
pub(super) fn canonical_list(kind: Kind, list: &str) -> Option<String> {
    let mut items: Vec<Item<'_>> = items(kind, list).collect::<Option<_>>()?;
    items.sort_by(|a, b| a.range.cmp(&b.range).then(b.weight.cmp(&a.weight)));
    items.dedup_by(|later, first| later.range == first.range);
    let (mut accepted, mut refused): (Vec<Item<'_>>, Vec<Item<'_>>) =
        items.into_iter().partition(|i| i.weight > 0);
    refused.retain(|item| restricts(kind, &item.range, &accepted));
    accepted.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.range.cmp(&b.range)));
    Some(write_ranked(&accepted, &refused))
}

/// What a list says, with the numbers behind `q`. `None` where an item is malformed, or two give one range different
/// weights: which of them counts is nowhere said.
pub(super) fn weighed_list(kind: Kind, list: &str) -> Option<String> {
    let mut items: Vec<Item<'_>> = items(kind, list).collect::<Option<_>>()?;
    items.sort_unstable_by(|a, b| a.range.cmp(&b.range).then(b.weight.cmp(&a.weight)));
    items.dedup();
    if items.windows(2).any(|two| two[0].range == two[1].range) {
        return None;
    }
    let mut out = String::with_capacity(items.iter().map(|item| item.range.len() + ",;q=0.000".len()).sum());
    for Item { range, weight } in items {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&range);
        if weight != FULL_WEIGHT {
            let digit = |unit: u16| char::from(b'0' + (weight / unit % 10) as u8);
            out.push_str(";q=0.");
            out.extend([digit(100), digit(10), digit(1)]);
        }
    }
    Some(out)
}

/// Writes the items with the ranks that their weights express: 1, 0.9, 0.8 and so on; in thousandths where there are
/// more ranks than tenths. There are at most a thousand weights, so that the ranks never run out.
fn write_ranked(accepted: &[Item<'_>], refused: &[Item<'_>]) -> String {
    let ranks = accepted.chunk_by(|a, b| a.weight == b.weight).count();
    let room = accepted.iter().chain(refused).map(|item| item.range.len() + 10).sum();
    let mut out = String::with_capacity(room);
    let mut push = |range: &str, weight: &str| {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(range);
        out.push_str(weight);
    };
    for (rank, equals) in accepted.chunk_by(|a, b| a.weight == b.weight).enumerate() {
        let weight = match rank {
            0 => String::new(),
            _ if ranks <= 10 => format!(";q=0.{}", 10 - rank),
            _ => format!(";q=0.{:03}", 1000 - rank),
        };
        for item in equals {
            push(&item.range, &weight);
        }
    }
    for item in refused {
        push(&item.range, ";q=0");
    }
    out
}

/// Whether refusing this range takes anything away from what the list accepts or leaves open.
fn restricts(kind: Kind, range: &str, accepted: &[Item<'_>]) -> bool {
    let open = accepted.is_empty()
        || range == "*"
        || range == "*/*"
        // Without a coding the content is acceptable unless the list says otherwise (RFC 9110 section 12.5.3).
        || (kind == Kind::Coding && range == "identity");
    open || accepted.iter().any(|item| {
        covers(kind, &item.range, range)
            // Who looks up a language falls back from `en-GB` to `en` (RFC 4647 section 3.4).
            || (kind == Kind::Language && covers(kind, range, &item.range))
    })
}

/// Whether everything that the narrow range names is in the broad one. Both are in canonical spelling.
pub(super) fn covers(kind: Kind, broad: &str, narrow: &str) -> bool {
    coverage(kind, broad, narrow).is_some()
}

/// How specific the broad range is where it covers the narrow one; more is more specific.
pub(super) fn coverage(kind: Kind, broad: &str, narrow: &str) -> Option<usize> {
    if broad == narrow {
        return Some(usize::MAX);
    }
    if broad == "*" || broad == "*/*" {
        return Some(0);
    }
    let is_within = match kind {
        Kind::Language => starts_with_part(narrow, broad, b'-'),
        Kind::Media => match broad.strip_suffix("/*") {
            Some(main) => starts_with_part(narrow, main, b'/'),
            None => starts_with_part(narrow, broad, b';'),
        },
        Kind::Coding | Kind::Charset | Kind::Other => false,
    };
    is_within.then_some(broad.len())
}

/// Whether the text is `part`, the separator, and something more. Language tags differ in case by position, which
/// is the same for both.
fn starts_with_part(text: &str, part: &str, separator: u8) -> bool {
    text.strip_prefix(part).is_some_and(|rest| rest.as_bytes().first() == Some(&separator))
}

fn item(kind: Kind, text: &str) -> Option<Item<'_>> {
    let mut parts = split_unquoted(text, b';').map(str::trim_ascii);
    let mut range = canonical_range(kind, parts.next()?)?;
    let mut weight = None;
    for part in parts {
        if part.is_empty() && kind == Kind::Media {
            continue;
        }
        // A weight ends its item (RFC 9110 section 12.4.2); what stands behind it has no agreed meaning.
        if weight.is_some() {
            return None;
        }
        let (name, value) = part.split_once('=')?;
        if name.eq_ignore_ascii_case("q") {
            weight = Some(parse_weight(value)?);
        } else if kind == Kind::Media && is_token(name) && (is_token(value) || is_quoted_string(value)) {
            range = Cow::Owned([&range, ";", &lower(name), "=", value].concat());
        } else {
            return None;
        }
    }
    Some(Item { range, weight: weight.unwrap_or(FULL_WEIGHT) })
}

/// The spelling that all spellings of a range share; `None` where it is none.
pub(super) fn canonical_range(kind: Kind, text: &str) -> Option<Cow<'_, str>> {
    match kind {
        Kind::Language => canonical_language(text),
        Kind::Coding => is_token(text).then(|| {
            let lower = lower(text);
            // RFC 9110 sections 8.4.1.1 and 8.4.1.3: the same codings by their old names.
            match &*lower {
                "x-gzip" => Cow::Borrowed("gzip"),
                "x-compress" => Cow::Borrowed("compress"),
                _ => lower,
            }
        }),
        Kind::Charset => is_token(text).then(|| lower(text)),
        Kind::Media => canonical_media_range(text),
        Kind::Other => is_token(text).then_some(Cow::Borrowed(text)),
    }
}

/// A basic language range (RFC 4647 section 2.1), in the case that RFC 5646 section 2.1.1 gives to tags: an origin that
/// compares byte by byte finds what it expects.
fn canonical_language(text: &str) -> Option<Cow<'_, str>> {
    if text == "*" {
        return Some(Cow::Borrowed(text));
    }
    let is_range = text.split('-').enumerate().all(|(place, part)| {
        matches!(part.len(), 1..=8)
            && part
                .bytes()
                .all(|b| if place == 0 { b.is_ascii_alphabetic() } else { b.is_ascii_alphanumeric() })
    });
    if !is_range {
        return None;
    }
    if in_language_case(text).eq(text.chars()) {
        return Some(Cow::Borrowed(text));
    }
    Some(Cow::Owned(in_language_case(text).collect()))
}

/// Regions in upper case, scripts with a capital, everything else in lower case, as is all that follows a singleton.
fn in_language_case(text: &str) -> impl Iterator<Item = char> {
    let mut is_plain = true;
    text.split_inclusive('-').enumerate().flat_map(move |(place, part)| {
        let len = part.trim_end_matches('-').len();
        let capitals = match len {
            2 if !is_plain => 2,
            4 if !is_plain => 1,
            _ => 0,
        };
        is_plain = len == 1 || (is_plain && place > 0);
        let in_case = move |(at, c): (usize, char)| {
            if at < capitals { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
        };
        part.chars().enumerate().map(in_case)
    })
}

fn canonical_media_range(text: &str) -> Option<Cow<'_, str>> {
    let (main, sub) = text.split_once('/')?;
    let is_range = is_token(main) && is_token(sub) && (main != "*" || sub == "*");
    is_range.then(|| lower(text))
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// A `qvalue` in thousandths (RFC 9110 section 12.4.2).
fn parse_weight(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths =
        decimals.bytes().chain(*b"000").take(3).fold(0, |sum, b| sum * 10 + u16::from(b - b'0'));
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(FULL_WEIGHT),
        _ => None,
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// A quoted-string (RFC 9110 section 5.6.4) that holds nothing but visible ASCII, spaces and tabs.
fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut is_escaped = false;
    for byte in inner.bytes() {
        if !matches!(byte, b'\t' | b' '..=b'~') || (byte == b'"' && !is_escaped) {
            return false;
        }
        is_escaped = byte == b'\\' && !is_escaped;
    }
    !is_escaped
}

/// Splits at a separator that stands outside quoted strings.
fn split_unquoted(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest?;
        let end = find_unquoted(all.as_bytes(), separator);
        rest = end.map(|end| &all[end + 1..]);
        Some(&all[..end.unwrap_or(all.len())])
    })
}

pub(super) fn find_unquoted(bytes: &[u8], separator: u8) -> Option<usize> {
    // Few lists have quotes, and up to the first nothing is quoted.
    let first = bytes.iter().position(|byte| *byte == separator || *byte == b'"')?;
    let (mut in_quotes, mut is_escaped) = (false, false);
    let found = bytes[first..].iter().position(|byte| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match byte {
            b'"' => in_quotes = !in_quotes,
            b'\\' => is_escaped = in_quotes,
            _ => {}
        }
        !in_quotes && *byte == separator
    });
    found.map(|found| first + found)
}
