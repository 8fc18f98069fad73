//! The first line of a head: what is asked, or what came of it (RFC 9112 sections 3 and 4).

use http::{Uri, uri::Scheme};

use super::{
    Limits, Violation,
    line::{ByteSet, TOKEN},
};

/// The versions of HTTP that this scanner reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// What a path may hold as it is sent. More than RFC 3986 has, because clients send braces and the like, but nothing
/// that the next parser stumbles over.
static PATH: ByteSet = ByteSet::alphanumeric_and(b"!$%&'()*+,-./:;=@[]\\^_|~\"{}");
/// What a query may hold as it is sent.
static QUERY: ByteSet = ByteSet::alphanumeric_and(b"!$%&'()*+,-./:;=@[]\\^_|~{}`?");
/// What an absolute target may hold as it is sent.
static ABSOLUTE: ByteSet = ByteSet::alphanumeric_and(b"!$%&'()*+,-./:;=@[]\\^_|~{}`?\"");

/// Reads a request line: a method, a target and a version, with one space between them.
pub(super) fn request_line(line: &[u8], limits: &Limits) -> Result<Version, Violation> {
    let (method, rest) = line.split_at(TOKEN.prefix(line));
    let rest = rest.strip_prefix(b" ").filter(|_| !method.is_empty()).ok_or(Violation::RequestLine)?;
    // The version is as long as it is: what stands before it must be the target.
    let (target, version) = rest.split_last_chunk::<9>().ok_or(Violation::RequestLine)?;
    if target.is_empty() || target.contains(&b' ') {
        return Err(Violation::RequestLine);
    }
    let version = version.strip_prefix(b" ").ok_or(Violation::RequestLine).and_then(self::version)?;
    if target.len() > limits.target {
        return Err(Violation::TargetTooLong);
    }
    match (method, target) {
        (b"CONNECT", _) => Err(Violation::Connect),
        (_, [b'/', ..]) if is_path_and_query(target) => Ok(version),
        (b"OPTIONS", b"*") => Ok(version),
        (_, [first, ..]) if first.is_ascii_alphabetic() && is_absolute(target) => Ok(version),
        _ => Err(Violation::Target),
    }
}

fn is_path_and_query(target: &[u8]) -> bool {
    match &target[PATH.prefix(target)..] {
        [] => true,
        [b'?', query @ ..] => QUERY.holds_all(query),
        _ => false,
    }
}

/// Whether this is an absolute URI of ours. Only a client that takes this for its proxy sends one, so it may cost more.
fn is_absolute(target: &[u8]) -> bool {
    ABSOLUTE.holds_all(target)
        && Uri::try_from(target).is_ok_and(|uri| {
            let ours = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
            ours && uri.authority().is_some()
        })
}

/// Reads a status line: a version, three digits, and a reason that may be left out.
pub(super) fn status_line(line: &[u8]) -> Result<(Version, u16), Violation> {
    let (version, rest) = line.split_at_checked(8).ok_or(Violation::StatusLine)?;
    let version = self::version(version).map_err(|violation| match violation {
        Violation::Version => violation,
        _ => Violation::StatusLine,
    })?;
    match rest.split_at_checked(4) {
        Some(([b' ', one @ b'1'..=b'5', two @ b'0'..=b'9', three @ b'0'..=b'9'], [] | [b' ', ..])) => {
            let digits = [one, two, three];
            Ok((version, digits.into_iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))))
        }
        _ => Err(Violation::StatusLine),
    }
}

fn version(bytes: &[u8]) -> Result<Version, Violation> {
    match bytes {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Violation::Version),
        _ => Err(Violation::RequestLine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { head: 1 << 16, fields: 100, target: 100 };

    fn line(line: &str) -> Result<Version, Violation> {
        request_line(line.as_bytes(), &LIMITS)
    }

    #[test]
    fn a_request_line_has_a_method_a_target_and_a_version() {
        for good in [
            "GET / HTTP/1.1",
            "M-SEARCH /a?b=%20&c?/ HTTP/1.1",
            "OPTIONS * HTTP/1.1",
            "GET http://api.example HTTP/1.1",
            "GET HTTPS://api.example:8443/a?b HTTP/1.1",
            "GET /{\"a\":[1]} HTTP/1.1",
        ] {
            assert_eq!(line(good), Ok(Version::Http11), "{good}");
        }
        assert_eq!(line("GET / HTTP/1.0"), Ok(Version::Http10));
        for bad in [
            "",
            " ",
            "GET",
            "GET /",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET /\tHTTP/1.1",
            "GET\t/ HTTP/1.1",
            "G(T / HTTP/1.1",
            "GET /a b HTTP/1.1",
            "GET  HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.",
            "GET / HTTP/1.10",
            "GET / HTTP/01.1",
            "GET / FTP/1.1",
            "HTTP/1.1 200 OK",
        ] {
            assert_eq!(line(bad), Err(Violation::RequestLine), "{bad:?}");
        }
        for old in ["GET / HTTP/0.9", "GET / HTTP/1.2", "GET / HTTP/2.0", "PRI * HTTP/2.0", "GET / HTTP/3.0"]
        {
            assert_eq!(line(old), Err(Violation::Version), "{old:?}");
        }
    }

    #[test]
    fn a_target_has_one_of_its_forms() {
        for bad in [
            "GET * HTTP/1.1",
            "GET api.example HTTP/1.1",
            "GET api.example:80 HTTP/1.1",
            "GET a/b HTTP/1.1",
            "GET ?a HTTP/1.1",
            "GET /a#b HTTP/1.1",
            "GET /a?b#c HTTP/1.1",
            "GET /<a> HTTP/1.1",
            "GET /\u{e9} HTTP/1.1",
            "GET /?\" HTTP/1.1",
            "GET ftp://api.example/ HTTP/1.1",
            "GET http:///a HTTP/1.1",
            "GET http://[::1/a HTTP/1.1",
            "GET http://a/#b HTTP/1.1",
            "OPTIONS ** HTTP/1.1",
            "GET //\u{7f} HTTP/1.1",
        ] {
            assert_eq!(line(bad), Err(Violation::Target), "{bad:?}");
        }
        assert_eq!(line(&format!("GET /{} HTTP/1.1", "a".repeat(99))), Ok(Version::Http11));
        assert_eq!(line(&format!("GET /{} HTTP/1.1", "a".repeat(100))), Err(Violation::TargetTooLong));
        assert_eq!(line("CONNECT api.example:443 HTTP/1.1"), Err(Violation::Connect));
    }

    /// What this lets through, the next parser can read: it never has to refuse in its own words.
    #[test]
    fn the_next_parser_reads_every_target_that_is_let_through() {
        for first in 0..=255u8 {
            for template in ["/@", "/a?@", "http://a/@", "http://a/?@", "http://@/", "http://a@/", "@"] {
                let target: Vec<u8> =
                    template.bytes().map(|byte| if byte == b'@' { first } else { byte }).collect();
                let line = [b"GET ", &target[..], b" HTTP/1.1"].concat();
                if request_line(&line, &LIMITS).is_ok() {
                    assert!(Uri::try_from(&target[..]).is_ok(), "{}", target.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_status_line_has_a_version_and_a_status() {
        for (line, status) in [
            ("HTTP/1.1 200 OK", 200),
            ("HTTP/1.1 404 ", 404),
            ("HTTP/1.1 599", 599),
            ("HTTP/1.1 103 Early\tHints \u{e9}", 103),
        ] {
            assert_eq!(status_line(line.as_bytes()), Ok((Version::Http11, status)), "{line:?}");
        }
        for line in [
            "",
            "HTTP/1.1",
            "HTTP/1.1 ",
            "HTTP/1.1 20",
            "HTTP/1.1 2000",
            "HTTP/1.1  200",
            "HTTP/1.1 099",
            "HTTP/1.1 600",
            "HTTP/1.1 2x0",
            "HTTP/1.1 200OK",
            "http/1.1 200 OK",
            "ICY 200 OK",
            "HTTP/1.1\t200",
        ] {
            assert_eq!(status_line(line.as_bytes()), Err(Violation::StatusLine), "{line:?}");
        }
        assert_eq!(status_line(b"HTTP/2.0 200 OK"), Err(Violation::Version));
    }
}
