//! Cache-Control as it is read by a shared cache (RFC 9111 section 5.2), from any number of field lines.
//!
//! The parser is total: whatever a peer sends has a meaning, and where the RFC leaves a choice the cautious one is
//! taken, which for a freshness lifetime that cannot be read is zero (section 4.2.1).

use std::time::Duration;

use http::{
    HeaderMap, HeaderName,
    header::{CACHE_CONTROL, PRAGMA},
};

/// The largest delta-seconds that is told apart from larger ones (RFC 9111 section 1.2.2).
const MAX_DELTA_SECONDS: u64 = 1 << 31;

/// The directives of a request or a response that a shared cache acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the presence of one directive, as the field has it"
)]
pub struct CacheControl {
    /// `max-age`.
    pub max_age: Option<Duration>,
    /// `s-maxage` of a response.
    pub s_maxage: Option<Duration>,
    /// `max-stale` of a request.
    pub max_stale: Option<MaxStale>,
    /// `min-fresh` of a request.
    pub min_fresh: Option<Duration>,
    /// `stale-while-revalidate` of a response (RFC 5861 section 3).
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 section 4).
    pub stale_if_error: Option<Duration>,
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`, or the fields that it names.
    pub no_cache: Qualified,
    /// `private` of a response, or the fields that it names.
    pub private: Qualified,
    /// `public` of a response.
    pub public: bool,
    /// `must-revalidate` of a response.
    pub must_revalidate: bool,
    /// `proxy-revalidate` of a response.
    pub proxy_revalidate: bool,
    /// `must-understand` of a response: only for caches that know what its status means for them.
    pub must_understand: bool,
    /// `immutable` of a response (RFC 8246): it does not change while it is fresh.
    pub immutable: bool,
    /// `only-if-cached` of a request.
    pub only_if_cached: bool,
}

/// A directive that is absent, names fields, or concerns the whole response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Qualified {
    /// Not there.
    #[default]
    Absent,
    /// Only these fields of the response.
    Fields(Vec<HeaderName>),
    /// The whole response.
    Whole,
}

impl Qualified {
    /// Whether the whole response is concerned.
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    /// The fields that are named.
    pub fn fields(&self) -> &[HeaderName] {
        match self {
            Self::Fields(names) => names,
            Self::Absent | Self::Whole => &[],
        }
    }

    fn add(&mut self, argument: Option<&str>) {
        // A list that names something which cannot be a field is taken for the whole response.
        let names = argument.and_then(|list| {
            list.split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
                .collect::<Option<Vec<_>>>()
        });
        match (names, &mut *self) {
            (_, Self::Whole) => {}
            (Some(names), Self::Fields(known)) if !names.is_empty() => known.extend(names),
            (Some(names), Self::Absent) if !names.is_empty() => *self = Self::Fields(names),
            _ => *self = Self::Whole,
        }
    }
}

/// How stale a response a request accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxStale {
    /// However stale.
    Any,
    /// Up to this long after its lifetime has ended.
    Within(Duration),
}

impl CacheControl {
    /// Reads the directives of a response.
    pub fn of_response(fields: &HeaderMap) -> Self {
        Self::parse(fields, Reading::Response)
    }

    /// Reads the directives of a request; `Pragma: no-cache` counts where there is no Cache-Control (RFC 7234 section 5.4,
    /// which RFC 9111 deprecates).
    pub fn of_request(fields: &HeaderMap) -> Self {
        if fields.contains_key(CACHE_CONTROL) {
            return Self::parse(fields, Reading::Request);
        }
        let is_reload = fields.get_all(PRAGMA).iter().any(|line| has_token(line.as_bytes(), "no-cache"));
        Self { no_cache: if is_reload { Qualified::Whole } else { Qualified::Absent }, ..Self::default() }
    }

    /// Whether a stored response may never be used stale, not even where a stale-* window is open (RFC 9111
    /// section 4.2.4). `s-maxage` alone does not: an origin that sends it together with a window means the window.
    pub fn forbids_stale(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache.is_whole()
    }

    /// Whether a request wants no stale response: it limits the age, and does not say max-stale (RFC 9111
    /// section 5.2.1.1).
    pub const fn wants_fresh(&self) -> bool {
        self.max_age.is_some() && self.max_stale.is_none()
    }

    fn parse(fields: &HeaderMap, reading: Reading) -> Self {
        let mut directives = Self::default();
        for line in fields.get_all(CACHE_CONTROL) {
            let text = String::from_utf8_lossy(line.as_bytes());
            for item in split_list(&text) {
                directives.add(item, reading);
                // Some origins write a semicolon or a space where the comma belongs.
                for word in
                    split_unquoted(item, is_other_border).filter(|word| *word != item && forbids(word))
                {
                    directives.add(word, reading);
                }
            }
            // A stray quote may hide what follows it. Whatever forbids something counts all the same, and of the whole
            // response: what is quoted may not be the list of fields that was meant.
            if has_stray_quote(&text) {
                let words = text.split([',', ';', ' ', '\t']).map(|word| word.trim_matches('"'));
                for word in words.filter(|word| forbids(word)) {
                    directives.set(name_of(word), None, reading);
                }
            }
        }
        directives
    }

    fn add(&mut self, item: &str, reading: Reading) {
        let (name, argument) = match item.split_once('=') {
            Some((name, argument)) => (name.trim(), Some(unquote(argument.trim()))),
            None => (item, None),
        };
        self.set(name, argument.as_deref(), reading);
    }

    /// Adds one directive of a response, already taken apart.
    pub(super) fn set_of_response(&mut self, name: &str, argument: Option<&str>) {
        self.set(name, argument, Reading::Response);
    }

    fn set(&mut self, name: &str, argument: Option<&str>, reading: Reading) {
        let seconds = |known: Option<Duration>| known.or_else(|| delta_seconds(argument, reading));
        match name.to_ascii_lowercase().as_str() {
            "max-age" => self.max_age = seconds(self.max_age),
            "s-maxage" => self.s_maxage = seconds(self.s_maxage),
            "min-fresh" => self.min_fresh = seconds(self.min_fresh),
            "stale-while-revalidate" => self.stale_while_revalidate = seconds(self.stale_while_revalidate),
            "stale-if-error" => self.stale_if_error = seconds(self.stale_if_error),
            "max-stale" => {
                self.max_stale = self.max_stale.or(match argument {
                    None => Some(MaxStale::Any),
                    given => delta_seconds(given, reading).map(MaxStale::Within),
                });
            }
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache.add(argument),
            "private" => self.private.add(argument),
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "immutable" => self.immutable = true,
            "only-if-cached" => self.only_if_cached = true,
            _ => {}
        }
    }
}

/// Whose directives are read: a lifetime that cannot be read is zero in a response, and ignored in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Request,
    Response,
}

fn delta_seconds(argument: Option<&str>, reading: Reading) -> Option<Duration> {
    let digits = argument.unwrap_or_default();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = digits.parse().unwrap_or(MAX_DELTA_SECONDS);
        return Some(Duration::from_secs(seconds.min(MAX_DELTA_SECONDS)));
    }
    (reading == Reading::Response).then_some(Duration::ZERO)
}

/// Splits a list at its commas, but not at those inside quoted strings; empty members are left out.
pub(crate) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    split_unquoted(text, |c| c == ',')
}

/// What stands between two words where no comma does.
fn is_other_border(c: char) -> bool {
    matches!(c, ';' | ' ' | '\t')
}

fn split_unquoted(text: &str, is_border: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c: char| {
        let border = is_border(c) && !quoted;
        (quoted, escaped) = match (c, quoted, escaped) {
            ('"', _, false) => (!quoted, false),
            ('\\', true, false) => (true, true),
            _ => (quoted, false),
        };
        border
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}

/// Whether a quote stands elsewhere than around a whole argument, or is never closed.
fn has_stray_quote(text: &str) -> bool {
    enum At {
        Word,
        Argument,
        Quoted,
        Escaped,
        Closed,
    }
    let mut at = At::Word;
    for byte in text.bytes() {
        at = match (at, byte) {
            (At::Quoted, b'\\') => At::Escaped,
            (At::Quoted, b'"') | (At::Closed, b' ' | b'\t') => At::Closed,
            (At::Quoted | At::Escaped, _) | (At::Argument, b'"') => At::Quoted,
            (At::Closed, b',') => At::Word,
            (At::Closed, _) | (_, b'"') => return true,
            (At::Argument, b' ' | b'\t') | (_, b'=') => At::Argument,
            (At::Word | At::Argument, _) => At::Word,
        };
    }
    matches!(at, At::Quoted | At::Escaped)
}

/// Whether a directive can only ever forbid.
fn forbids(item: &str) -> bool {
    let name = name_of(item);
    ["no-store", "no-cache", "private", "must-revalidate", "proxy-revalidate"]
        .iter()
        .any(|directive| name.eq_ignore_ascii_case(directive))
}

fn name_of(item: &str) -> &str {
    item.split('=').next().unwrap_or_default().trim()
}

fn has_token(line: &[u8], token: &str) -> bool {
    String::from_utf8_lossy(line).split(',').any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn unquote(argument: &str) -> String {
    let Some(inner) = argument.strip_prefix('"') else { return argument.to_owned() };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for c in inner.chars() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => break,
            _ => {
                text.push(c);
                escaped = false;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn response(lines: &[&'static str]) -> CacheControl {
        let fields = lines.iter().map(|line| (CACHE_CONTROL, HeaderValue::from_static(line))).collect();
        CacheControl::of_response(&fields)
    }

    #[test]
    fn rfc9111_section_5_2_directives_are_read_in_any_case_and_from_split_lines() {
        let read = response(&["Max-Age=60, PUBLIC", "No-Store", "s-maxage=\"5\""]);
        assert_eq!(read.max_age, Some(Duration::from_secs(60)));
        assert_eq!(read.s_maxage, Some(Duration::from_secs(5)));
        assert!(read.public && read.no_store);
    }

    #[test]
    fn rfc9111_section_4_2_1_a_lifetime_that_cannot_be_read_is_zero() {
        for line in ["max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=1h", "max-age=\"\""] {
            assert_eq!(response(&[line]).max_age, Some(Duration::from_secs(0)), "{line}");
        }
    }

    #[test]
    fn rfc9111_section_1_2_2_a_huge_lifetime_saturates() {
        assert_eq!(
            response(&["max-age=99999999999999999999999"]).max_age,
            Some(Duration::from_secs(MAX_DELTA_SECONDS))
        );
    }

    #[test]
    fn rfc9111_section_4_2_1_the_first_of_two_lifetimes_counts() {
        assert_eq!(response(&["max-age=1, max-age=100"]).max_age, Some(Duration::from_secs(1)));
    }

    #[test]
    fn rfc9111_section_5_2_a_comma_in_a_quoted_list_does_not_split_it() {
        let read = response(&["private=\"Set-Cookie, X-User\", max-age=9"]);
        assert_eq!(read.private.fields(), ["set-cookie", "x-user"]);
        assert_eq!(read.max_age, Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_stray_quote_hides_nothing_that_forbids() {
        for line in [
            "x=\"a, no-store",
            "x\"a, no-store, b\"c",
            "max-age=\"60, no-store",
            "x=\"a\\\", no-store",
            "x=\"a\" \", no-store",
        ] {
            assert!(response(&[line]).no_store, "{line}");
        }
        let read = response(&["x=\"a, public, s-maxage=9, private, must-revalidate"]);
        assert!(read.private.is_whole() && read.must_revalidate);
        assert!(!read.public && read.s_maxage.is_none(), "what allows something stays hidden");
        for line in ["private=\"x", "private=\"x\"y", "private = \"x, max-age=60"] {
            assert!(response(&[line]).private.is_whole(), "{line}");
        }
        for line in ["no-cache=\"x", "no-cache=\"x\"y, max-age=60"] {
            assert!(response(&[line]).no_cache.is_whole(), "{line}");
        }
    }

    #[test]
    fn another_border_than_a_comma_hides_nothing_that_forbids() {
        for line in ["private; max-age=60", "max-age=60 private", "public;Private", "x=1 ; private;"] {
            assert!(response(&[line]).private.is_whole(), "{line}");
        }
        assert!(!response(&["max-age=60; x=private", "y=\"a; private\""]).private.is_whole());
    }

    #[test]
    fn rfc9110_section_5_6_4_what_is_rightly_quoted_is_no_directive() {
        for line in
            ["x=\"a, no-store, b\"", "x= \"\\\", no-store\" , y=\"no-store\"", "x=\"a\\\\\", y=\"no-store\""]
        {
            assert!(!response(&[line]).no_store, "{line}");
        }
    }

    #[test]
    fn rfc9111_section_5_2_2_7_unqualified_private_wins_over_a_qualified_one() {
        assert!(response(&["private=\"x-a\"", "private"]).private.is_whole());
        assert!(response(&["private", "private=\"x-a\""]).private.is_whole());
        assert!(response(&["private=\"\""]).private.is_whole());
        assert!(response(&["private=\"not a field\""]).private.is_whole());
    }

    #[test]
    fn rfc7234_section_5_4_pragma_counts_only_without_cache_control() {
        let mut fields = HeaderMap::new();
        fields.insert(PRAGMA, HeaderValue::from_static("x, No-Cache"));
        assert!(CacheControl::of_request(&fields).no_cache.is_whole());
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
        assert!(!CacheControl::of_request(&fields).no_cache.is_whole());
    }

    #[test]
    fn a_request_lifetime_that_cannot_be_read_is_ignored() {
        let mut fields = HeaderMap::new();
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=x, max-stale, min-fresh=3"));
        let read = CacheControl::of_request(&fields);
        assert_eq!(read.max_age, None);
        assert_eq!(read.max_stale, Some(MaxStale::Any));
        assert_eq!(read.min_fresh, Some(Duration::from_secs(3)));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_has_a_meaning(line in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = HeaderValue::from_bytes(&line) {
                let fields = std::iter::once((CACHE_CONTROL, value)).collect();
                let _ = (CacheControl::of_response(&fields), CacheControl::of_request(&fields));
            }
        }

        #[test]
        fn rfc9111_section_5_2_2_5_no_store_is_found_wherever_it_stands(before in "[a-z=0-9, -]{0,20}", after in "[a-z=0-9, -]{0,20}") {
            let line = format!("{before}, no-store, {after}");
            let fields = std::iter::once((CACHE_CONTROL, HeaderValue::from_str(&line).unwrap())).collect();
            prop_assert!(CacheControl::of_response(&fields).no_store);
        }
    }
}
