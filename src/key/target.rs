//! The target URI in canonical form (RFC 3986 section 6.2, RFC 9110 section 4.2): scheme, authority and path.
//!
//! What is keyed is what is forwarded: the canonical path is the one that goes to the origin, and a target that has no
//! single reading is refused. The query stays as the client sent it here; a declared route canonicalises its own part
//! of it (see [`canonical_query`](super::canonical_query)).

use std::borrow::Cow;
use std::net::Ipv6Addr;

use super::percent::{self, Component, Escape};

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

    /// Path and query, as a request line in origin form has them (RFC 9112 section 3.2.1).
    pub fn origin_form(&self) -> String {
        origin_form(&self.path, self.query())
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
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

/// The authority in canonical form: the host in lower case, the port in digits and only where it is not the scheme's
/// default (RFC 3986 sections 3.2.2 and 6.2.3, RFC 9110 section 4.2.3).
///
/// An IPv6 address gets the form of RFC 5952. User information is refused (RFC 9110 section 4.2.4), and so is a
/// percent-encoded host, which no name of the DNS needs and which origins read differently.
pub fn canonical_authority(raw: &str, scheme: Scheme) -> Result<String, TargetError> {
    if raw.contains('@') {
        return Err(TargetError::UserInfo);
    }
    let (host, port) = split_port(raw)?;
    let mut authority = canonical_host(host)?;
    if let Some(port) = port.filter(|port| *port != scheme.default_port()) {
        authority.push(':');
        authority.push_str(&port.to_string());
    }
    Ok(authority)
}

/// Host and port of an authority. A colon with no port behind it is as none.
pub(crate) fn split_port(raw: &str) -> Result<(&str, Option<u16>), TargetError> {
    let host_end = raw.find(']').map_or(0, |bracket| bracket + 1);
    let (_, tail) = raw.split_at(host_end);
    let Some(colon) = tail.find(':') else { return Ok((raw, None)) };
    let host = &raw[..host_end + colon];
    let digits = &tail[colon + 1..];
    if digits.is_empty() {
        return Ok((host, None));
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TargetError::PortInvalid);
    }
    digits.parse().map(|port| (host, Some(port))).map_err(|_| TargetError::PortInvalid)
}

/// A host without port, in canonical form.
pub(crate) fn canonical_host(host: &str) -> Result<String, TargetError> {
    if host.is_empty() {
        return Err(TargetError::HostMissing);
    }
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|text| text.parse::<Ipv6Addr>().ok());
        return address.map(|address| format!("[{address}]")).ok_or(TargetError::HostInvalid);
    }
    if host.bytes().all(|byte| percent::is_unreserved(byte) || percent::is_sub_delim(byte)) {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(TargetError::HostInvalid)
    }
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
