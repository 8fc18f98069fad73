//! The canonical value of a request field that is explicit state: equal state has one spelling, and what differs
//! never gets the same.

use std::borrow::Cow;

use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HeaderName, HeaderValue,
};

use super::negotiation::{self, Item, Kind};

/// The canonical value of a field, from all its lines. `None` where the field is absent, which differs from empty.
///
/// Accept, Accept-Charset, Accept-Encoding and Accept-Language get one form for each ranking that they can express: items
/// by descending weight and then by name, weights as ranks, repeats merged, and refusals only where they restrict
/// something. A list with a malformed item stays as it came, and so does every other field, but for white space around
/// it; lines are joined as RFC 9110 section 5.2 says.
pub fn canonical_field<'a>(
    name: &HeaderName,
    values: impl Iterator<Item = &'a HeaderValue>,
) -> Option<Cow<'a, [u8]>> {
    let joined = joined(name, values)?;
    let Some(kind) = kind_of(name) else { return Some(joined) };
    match std::str::from_utf8(&joined).ok().and_then(|list| negotiation::canonical_list(kind, list)) {
        Some(list) => Some(Cow::Owned(list.into_bytes())),
        None => Some(joined),
    }
}

/// The choice that the field's lines like best, by weight; `None` only where there are no choices.
///
/// A language range matches what it is a prefix of, and falls back to its own prefixes (RFC 4647 sections 3.3.1 and
/// 3.4), after what matches directly at the same weight. Ties go to the operator's order, a weight of 0 excludes,
/// malformed items count for nothing, and where nothing matches the first choice is taken.
pub fn choose<'a, 'c>(
    name: &HeaderName,
    values: impl Iterator<Item = &'a HeaderValue>,
    choices: &'c [String],
) -> Option<&'c str> {
    let first = choices.first()?;
    let Some(joined) = joined(name, values) else { return Some(first) };
    let Ok(list) = std::str::from_utf8(&joined) else { return Some(first) };
    let kind = kind_of(name).unwrap_or(Kind::Other);
    if kind == Kind::Other
        && let Some(exact) = choices.iter().find(|choice| *choice == list)
    {
        return Some(exact);
    }
    let items: Vec<Item> = negotiation::items(kind, list).flatten().collect();
    let mut best: Option<(Liking, &str)> = None;
    for choice in choices {
        if let Some(liking) = liking(kind, choice, &items)
            && best.is_none_or(|(most, _)| liking > most)
        {
            best = Some((liking, choice));
        }
    }
    Some(best.map_or(first, |(_, choice)| choice))
}

/// How much a list likes a choice: its weight, and then whether a range matched it directly.
type Liking = (u16, bool);

fn liking(kind: Kind, choice: &str, items: &[Item]) -> Option<Liking> {
    let choice = canonical_choice(kind, choice);
    // The most specific range that covers the choice decides; of its repeats the heaviest.
    let direct = items
        .iter()
        .filter_map(|item| Some((negotiation::coverage(kind, &item.range, &choice)?, item.weight)))
        .max();
    let fallback = || {
        let is_narrower =
            |item: &&Item| kind == Kind::Language && negotiation::covers(kind, &choice, &item.range);
        items.iter().filter(is_narrower).map(|item| (item.weight, false)).max()
    };
    let liking = match direct {
        Some((specificity, weight)) if specificity > 0 => Some((weight, true)),
        Some((_, weight)) => Some((weight, true)).max(fallback()),
        None => fallback(),
    };
    liking.filter(|(weight, _)| *weight > 0)
}

fn canonical_choice(kind: Kind, choice: &str) -> Cow<'_, str> {
    // A media type among the choices may have parameters, which only the items of a list are read with.
    let canonical = match kind {
        Kind::Media => negotiation::items(kind, choice).next().flatten().map(|item| item.range),
        _ => negotiation::canonical_range(kind, choice),
    };
    canonical.map_or(Cow::Borrowed(choice), Cow::Owned)
}

fn kind_of(name: &HeaderName) -> Option<Kind> {
    match *name {
        ACCEPT => Some(Kind::Media),
        ACCEPT_CHARSET => Some(Kind::Charset),
        ACCEPT_ENCODING => Some(Kind::Coding),
        ACCEPT_LANGUAGE => Some(Kind::Language),
        _ => None,
    }
}

/// All lines of a field as one, without white space around it. Cookies have a separator of their own (RFC 9113
/// section 8.2.3).
pub(super) fn joined<'a>(
    name: &HeaderName,
    mut values: impl Iterator<Item = &'a HeaderValue>,
) -> Option<Cow<'a, [u8]>> {
    let first = values.next()?.as_bytes();
    let Some(second) = values.next() else { return Some(Cow::Borrowed(trim_bytes(first))) };
    let separator: &[u8] = if *name == COOKIE { b"; " } else { b", " };
    let mut all = first.to_vec();
    for value in std::iter::once(second).chain(values) {
        all.extend_from_slice(separator);
        all.extend_from_slice(value.as_bytes());
    }
    Some(Cow::Owned(trim_bytes(&all).to_vec()))
}

/// Without the optional white space (RFC 9110 section 5.6.3) around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn trim_bytes(bytes: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    match (bytes.iter().position(is_text), bytes.iter().rposition(is_text)) {
        (Some(start), Some(end)) => &bytes[start..=end],
        _ => &[],
    }
}
