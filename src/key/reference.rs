//! References to other resources, as Location and Content-Location have them, resolved against the target URI that they
//! stand under (RFC 3986 section 5.2, RFC 9110 sections 8.7 and 10.2.2).

use super::{Scheme, Target, TargetError};

/// Why a text is not the URL of something that a client could ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlError {
    /// It does not begin with a scheme, two slashes and a host.
    NotAbsolute,
    /// Its scheme is neither http nor https.
    Scheme,
    /// No request could have it as its target.
    Target(TargetError),
}

impl std::fmt::Display for UrlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => {
                "it has no scheme and host: write it as clients do, as in http://example.com/path"
            }
            Self::Scheme => "its scheme is neither http nor https",
            Self::Target(error) => error.as_str(),
        })
    }
}

impl std::error::Error for UrlError {}

impl Target {
    /// The target of an absolute URL, as a browser shows it; without its fragment, which no server sees.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = split_scheme(url).ok_or(UrlError::NotAbsolute)?;
        // `localhost:8080/x` looks like a scheme and is none.
        let rest = rest.strip_prefix("//").ok_or(UrlError::NotAbsolute)?;
        let scheme = Scheme::parse(scheme).ok_or(UrlError::Scheme)?;
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (path, query) = split_query(rest.split('#').next().unwrap_or_default());
        let path = if path.is_empty() { "/" } else { path };
        Self::new(scheme, authority, path, query).map_err(UrlError::Target)
    }

    /// The target that a reference names, seen from this one; without a fragment, which no server sees. `None` where it
    /// is no http or https URI, or one that no request could have.
    pub fn resolve(&self, reference: &str) -> Option<Self> {
        let reference = reference.split('#').next().unwrap_or_default().trim();
        let (scheme, rest) = match split_scheme(reference) {
            Some((scheme, rest)) => (Some(Scheme::parse(scheme)?), rest),
            None => (None, reference),
        };
        if let Some(rest) = rest.strip_prefix("//") {
            let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let (path, query) = split_query(rest);
            let path = if path.is_empty() { "/" } else { path };
            return Self::new(scheme.unwrap_or(self.scheme()), authority, path, query).ok();
        }
        if scheme.is_some() {
            // A scheme without an authority names nothing on a server.
            return None;
        }
        let (path, query) = split_query(rest);
        let (path, query) = match path {
            "" => (self.path().to_owned(), query.or(self.query())),
            _ if path.starts_with('/') => (path.to_owned(), query),
            _ => {
                let directory = self.path().rfind('/').and_then(|slash| self.path().get(..=slash));
                ([directory.unwrap_or("/"), path].concat(), query)
            }
        };
        Self::new(self.scheme(), self.authority(), &path, query).ok()
    }

    /// Whether another target is of the same origin: scheme, host and port (RFC 9110 section 4.3.1).
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.scheme() == other.scheme() && self.authority() == other.authority()
    }
}

fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme.then_some((scheme, rest))
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> Target {
        Target::new(Scheme::Http, "a.example", "/b/c/d", Some("q")).unwrap()
    }

    fn resolved(reference: &str) -> Option<String> {
        base().resolve(reference).map(|target| target.to_string())
    }

    #[test]
    fn rfc3986_section_5_4_references_are_resolved_against_the_target() {
        for (reference, target) in [
            ("g", "http://a.example/b/c/g"),
            ("./g/", "http://a.example/b/c/g/"),
            ("/g", "http://a.example/g"),
            ("//g", "http://g/"),
            ("//g:80?x", "http://g/?x"),
            ("?y", "http://a.example/b/c/d?y"),
            ("g?y#s", "http://a.example/b/c/g?y"),
            ("#s", "http://a.example/b/c/d?q"),
            ("", "http://a.example/b/c/d?q"),
            ("..", "http://a.example/b/"),
            ("../../../g", "http://a.example/g"),
            ("HTTPS://G.example:443/x", "https://g.example/x"),
            ("http://a.example/%7eb", "http://a.example/~b"),
            ("g/h:i", "http://a.example/b/c/g/h:i"),
        ] {
            assert_eq!(resolved(reference).as_deref(), Some(target), "{reference}");
        }
    }

    #[test]
    fn what_no_request_could_name_is_no_target() {
        for reference in ["mailto:a@b", "http:g", "ftp://g/x", "//u:p@g/", "/a b", "/%zz", "//", "g:h"] {
            assert_eq!(resolved(reference), None, "{reference}");
        }
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |reference| base().resolve(reference).unwrap().has_origin_of(&base());
        assert!(same("/x") && same("http://A.example:80/"));
        assert!(!same("https://a.example/") && !same("//a.example:8080/") && !same("//b.example/"));
    }

    #[test]
    fn a_url_is_read_as_a_client_would_ask_for_it() {
        let read = |url| Target::parse(url).map(|target| target.to_string());
        for (url, target) in [
            ("http://a.example", "http://a.example/"),
            ("HTTP://A.example:80/%7eb/../c?q#frag?ment/", "http://a.example/c?q"),
            ("https://a.example:443?x=1", "https://a.example/?x=1"),
            ("http://[0::1]:8080#/x", "http://[::1]:8080/"),
        ] {
            assert_eq!(read(url).as_deref(), Ok(target), "{url}");
        }
        for (url, error) in [
            ("/path", UrlError::NotAbsolute),
            ("", UrlError::NotAbsolute),
            ("a.example/x", UrlError::NotAbsolute),
            ("localhost:8080/x", UrlError::NotAbsolute),
            ("//a.example/x", UrlError::NotAbsolute),
            ("http:/x", UrlError::NotAbsolute),
            ("ftp://a.example/", UrlError::Scheme),
            ("http:///x", UrlError::Target(TargetError::HostMissing)),
            ("http://u:p@a.example/", UrlError::Target(TargetError::UserInfo)),
            ("http://a.example/%zz", UrlError::Target(TargetError::PathEscape)),
            (" http://a.example/", UrlError::NotAbsolute),
            ("http://a.example/?a b", UrlError::Target(TargetError::QueryByte)),
        ] {
            assert_eq!(read(url), Err(error), "{url}");
        }
    }

    proptest! {
        #[test]
        fn any_reference_has_a_meaning_or_none(reference in "\\PC{0,24}") {
            if let Some(target) = base().resolve(&reference) {
                // What is resolved is canonical: it names itself.
                prop_assert_eq!(base().resolve(&target.to_string()).map(|t| t.path().to_owned()), Some(target.path().to_owned()));
            }
        }
    }
}
