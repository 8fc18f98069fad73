//! The target URI in canonical form (RFC 3986 section 6.2, RFC 9110 section 4.2): scheme, authority and path.
//!
//! What is keyed is what is forwarded: the canonical path is the one that goes to the origin, and a target that has no
//! single reading is refused. The query stays as the client sent it here; a declared route canonicalises its own part
//! of it (see [`canonical_query`](super::canonical_query)).

use std::{borrow::Cow, fmt::Write as _};

use super::{
    Place,
    authority::canonical_authority,
    percent::{self, Component, Escape},
};

/// The longest path and query, in bytes, that `http` can carry in a request.
const MAX_TARGET: usize = 65_534;

/// The scheme of a target URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `http`, whose default port is 80.
    Http,
    /// `https`, whose default port is 443.
    Https,
}

impl Scheme {
    /// The scheme in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that an authority without one means.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// Reads `http` or `https`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str()))
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a target is refused. The texts are stable, and may be shown to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TargetError {
    /// The path does not start with a slash.
    PathNotAbsolute,
    /// The path holds a control character, a space, a backslash, `?` or `#`.
    PathByte,
    /// A percent sign in the path is not followed by two hexadecimal digits.
    PathEscape,
    /// The path holds `%00`.
    PathNul,
    /// The query holds a byte that no request line can carry.
    QueryByte,
    /// Path and query together are longer than can be forwarded.
    TooLong,
    /// The authority names no host.
    HostMissing,
    /// The authority carries a user name or password.
    UserInfo,
    /// The host is neither a name nor an address.
    HostInvalid,
    /// The port is not a number from 0 to 65535.
    PortInvalid,
}

impl TargetError {
    /// The text for clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PathNotAbsolute => "the path must start with a slash",
            Self::PathByte => "the path holds a character that must be percent-encoded",
            Self::PathEscape => "the path holds an invalid percent-encoding",
            Self::PathNul => "the path holds an encoded NUL",
            Self::QueryByte => "the query holds a character that must be percent-encoded",
            Self::TooLong => "the path and query are too long",
            Self::HostMissing => "the host is empty",
            Self::UserInfo => "the host must not carry a user name",
            Self::HostInvalid => "the host is invalid",
            Self::PortInvalid => "the port is invalid",
        }
    }
}

impl std::fmt::Display for TargetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for TargetError {}

/// A target URI whose authority and path are canonical.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    scheme: Scheme,
    authority: String,
    path: String,
    query: Option<String>,
}

impl Target {
    /// Canonicalises the parts of a target: the authority as in Host, the path as in the request line up to the
    /// question mark, and the query behind it, if there is one.
    pub fn new(
        scheme: Scheme,
        authority: &str,
        path: &str,
        query: Option<&str>,
    ) -> Result<Self, TargetError> {
        let authority = canonical_authority(authority, scheme)?;
        let path = canonical_path(path)?;
        let query_room = query.map_or(Ok(0), query_room)?;
        if path.len() + query_room > MAX_TARGET {
            return Err(TargetError::TooLong);
        }
        Ok(Self { scheme, authority, path: path.into_owned(), query: query.map(str::to_owned) })
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host, and port where it is not the scheme's default: `example.com:8080`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The canonical path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as the client sent it; `Some("")` for a question mark with nothing behind it.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Where it is, without its query.
    pub fn place(&self) -> Place<'_> {
        Place { scheme: self.scheme, authority: &self.authority, path: &self.path }
    }

    /// Path and query, as a request line in origin form has them (RFC 9112 section 3.2.1).
    pub fn origin_form(&self) -> String {
        origin_form(&self.path, self.query())
    }
}

/// The target URI, safe to print: characters outside ASCII, which only a query can hold, are escaped.
impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_uri(f, self.scheme, &self.authority, &self.path, self.query())
    }
}

pub(super) fn write_uri(
    f: &mut std::fmt::Formatter<'_>,
    scheme: Scheme,
    authority: &str,
    path: &str,
    query: Option<&str>,
) -> std::fmt::Result {
    write!(f, "{scheme}://{authority}{path}")?;
    let Some(query) = query else { return Ok(()) };
    f.write_char('?')?;
    // A terminal may take what is outside ASCII for a command, or show it as something else.
    query
        .chars()
        .try_for_each(|c| if c.is_ascii() { f.write_char(c) } else { write!(f, "{}", c.escape_unicode()) })
}

pub(super) fn origin_form(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| [path, "?", query].concat())
}

/// How many bytes the query, with its question mark, can take at most, as it came or canonicalised.
fn query_room(query: &str) -> Result<usize, TargetError> {
    query.bytes().try_fold(1, |room, byte| match byte {
        0..=0x20 | b'"' | b'#' | b'<' | b'>' | 0x7f => Err(TargetError::QueryByte),
        b'%' => Ok(room + 1),
        _ if Component::Query.allows(byte) => Ok(room + 1),
        _ => Ok(room + 3),
    })
}

/// The path in canonical form: unreserved characters decoded, what stays encoded in upper case, then dot segments
/// removed, encoded ones too (RFC 3986 sections 5.2.4 and 6.2.2). Empty segments are kept, `%2F` is no slash.
///
/// Printable characters that a path may not hold, and those outside ASCII, are percent-encoded: the encoded form is
/// keyed and forwarded. A backslash, which some origins read as a slash, a space, a control character and `%00` are
/// refused.
pub fn canonical_path(raw: &str) -> Result<Cow<'_, str>, TargetError> {
    if !raw.starts_with('/') {
        return Err(TargetError::PathNotAbsolute);
    }
    let text = canonical_path_text(raw).map_err(|(_, error)| error)?;
    if !has_dot_segment(&text) {
        return Ok(text);
    }
    Ok(Cow::Owned(without_dot_segments(&text)))
}

/// A piece of a path in canonical percent-encoding, dot segments untouched. The error says where it is.
pub(crate) fn canonical_path_text(raw: &str) -> Result<Cow<'_, str>, (usize, TargetError)> {
    let bytes = raw.as_bytes();
    let mut is_canonical = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if Component::Path.allows(byte) {
            at += 1;
            continue;
        }
        match byte {
            b'%' => match percent::escape_at(bytes, at) {
                Escape::Invalid => return Err((at, TargetError::PathEscape)),
                Escape::Byte { byte: 0, .. } => return Err((at, TargetError::PathNul)),
                Escape::Byte { canonical, .. } => {
                    is_canonical &= canonical;
                    at += 3;
                }
            },
            0..=0x20 | 0x7f | b'\\' | b'?' | b'#' => return Err((at, TargetError::PathByte)),
            _ => {
                is_canonical = false;
                at += 1;
            }
        }
    }
    if is_canonical {
        return Ok(Cow::Borrowed(raw));
    }
    percent::canonical(raw, Component::Path).ok_or((0, TargetError::PathEscape))
}

fn has_dot_segment(path: &str) -> bool {
    // Most paths have no segment that begins with a dot, and then no segment is looked at.
    path.as_bytes().windows(2).any(|pair| pair == b"/.") && path.split('/').any(|s| matches!(s, "." | ".."))
}

fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut ends_in_dots = false;
    for segment in path.split('/').skip(1) {
        ends_in_dots = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    if ends_in_dots {
        kept.push("");
    }
    ["/", &kept.join("/")].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(raw: &str) -> String {
        canonical_path(raw).unwrap().into_owned()
    }

    #[test]
    fn dot_segments_are_removed_after_decoding() {
        for (raw, canonical) in [
            ("/", "/"),
            ("/a/./b/../c", "/a/c"),
            ("/a/%2e%2E/c", "/c"),
            ("/a/.%2e", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/../../a", "/a"),
            ("/a//../b", "/a/b"),
            ("/.//a", "//a"),
            ("/a/...", "/a/..."),
            ("/a/.b/c.", "/a/.b/c."),
        ] {
            assert_eq!(path(raw), canonical, "{raw}");
        }
    }

    #[test]
    fn an_encoded_slash_is_no_slash_and_empty_segments_stay() {
        assert_eq!(path("/a%2fb"), "/a%2Fb");
        assert_eq!(path("/static/..%2fme"), "/static/..%2Fme");
        assert_eq!(path("//a///b//"), "//a///b//");
    }

    #[test]
    fn an_ampersand_without_a_question_mark_is_part_of_the_path() {
        assert!(matches!(canonical_path("/product/1234&language=french"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn what_a_path_may_not_hold_is_encoded_or_refused() {
        assert_eq!(path("/caf\u{e9}/{x}|\"[^]`"), "/caf%C3%A9/%7Bx%7D%7C%22%5B%5E%5D%60");
        assert_eq!(path("/%5c%0d%0A"), "/%5C%0D%0A");
        for raw in ["/a\\b", "/a b", "/a\tb", "/\r\n", "/\0", "/\x7f", "/a?b", "/a#b"] {
            assert_eq!(canonical_path(raw), Err(TargetError::PathByte), "{raw:?}");
        }
        for raw in ["/%", "/%2", "/%zz", "/%%41", "/%4\u{e9}", "/%+1"] {
            assert_eq!(canonical_path(raw), Err(TargetError::PathEscape), "{raw:?}");
        }
        assert_eq!(canonical_path("/a%00"), Err(TargetError::PathNul));
        assert_eq!(canonical_path(""), Err(TargetError::PathNotAbsolute));
        assert_eq!(canonical_path("*"), Err(TargetError::PathNotAbsolute));
    }

    #[test]
    fn a_target_shows_its_parts_and_keeps_its_query_as_it_came() {
        let target = Target::new(Scheme::Https, "A:443", "/%7e/../b", Some("b=%41&a")).unwrap();
        assert_eq!(target.to_string(), "https://a/b?b=%41&a");
        let odd = Target::new(Scheme::Http, "a", "/", Some("\u{9b}1m")).unwrap();
        assert_eq!(odd.to_string(), "http://a/?\\u{9b}1m");
        assert_eq!(target.origin_form(), "/b?b=%41&a");
        assert_eq!(Target::new(Scheme::Http, "a", "/", Some("")).unwrap().origin_form(), "/?");
        assert_eq!(Target::new(Scheme::Http, "a", "/", Some("a b")), Err(TargetError::QueryByte));
    }

    #[test]
    fn a_target_that_could_outgrow_a_request_is_refused() {
        let long = "/".repeat(MAX_TARGET);
        assert!(Target::new(Scheme::Http, "a", &long, None).is_ok());
        assert_eq!(Target::new(Scheme::Http, "a", &long, Some("")), Err(TargetError::TooLong));
        let encoded = format!("/{}", "\u{e9}".repeat(MAX_TARGET / 6 + 1));
        assert_eq!(Target::new(Scheme::Http, "a", &encoded, None), Err(TargetError::TooLong));
        let query = "[".repeat(MAX_TARGET / 3 + 1);
        assert_eq!(Target::new(Scheme::Http, "a", "/", Some(&query)), Err(TargetError::TooLong));
    }

    /// RFC 3986 section 5.2.4, to the letter.
    fn remove_dot_segments(path: &str) -> String {
        let mut input = path.to_owned();
        let mut output = String::new();
        while !input.is_empty() {
            if input.starts_with("/./") {
                input.replace_range(..2, "");
            } else if input == "/." {
                input = "/".to_owned();
            } else if input.starts_with("/../") || input == "/.." {
                input = format!("/{}", input.get(4..).unwrap_or(""));
                output.truncate(output.rfind('/').unwrap_or(0));
            } else {
                let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
                output.push_str(&input[..end]);
                input.replace_range(..end, "");
            }
        }
        output
    }

    fn any_path() -> impl Strategy<Value = String> {
        let pieces = [
            "/", "/", ".", "..", "%2e", "%2E", "%2f", "%41", "a", "b", "%C3", "%c3", "&", "{", "\u{e9}", "%",
        ];
        proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..10)
            .prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn canonicalising_a_path_twice_changes_nothing_more(raw in any_path()) {
            if let Ok(canonical) = canonical_path(&raw) {
                prop_assert_eq!(canonical_path(&canonical), Ok(Cow::Borrowed(&*canonical)));
                prop_assert!(canonical.split('/').all(|segment| segment != "." && segment != ".."));
                prop_assert!(canonical.bytes().all(|b| b == b'%' || Component::Path.allows(b)));
            }
        }

        #[test]
        fn dot_segments_go_as_the_rfc_says(segments in proptest::collection::vec("[.a]{0,3}", 1..7)) {
            let raw = format!("/{}", segments.join("/"));
            prop_assert_eq!(canonical_path(&raw).unwrap(), remove_dot_segments(&raw));
        }

        #[test]
        fn an_accepted_target_can_always_be_put_in_a_request(path in any_path(), query in proptest::option::of("\\PC{0,8}")) {
            if let Ok(target) = Target::new(Scheme::Http, "a", &path, query.as_deref()) {
                let carried = http::uri::PathAndQuery::try_from(target.origin_form()).unwrap();
                prop_assert_eq!((carried.path(), carried.query()), (target.path(), target.query()));
            }
        }
    }
}
