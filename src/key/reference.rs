//! References to other resources, as Location and Content-Location have them, resolved against the target URI that they
//! stand under (RFC 3986 section 5.2, RFC 9110 sections 8.7 and 10.2.2).

use super::{Scheme, Target};

impl Target {
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
