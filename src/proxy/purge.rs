//! Purge: what an operator ends by name. What is named becomes what the store's clock of invalidations knows: the keys
//! that requests have, in their canonical form.

use std::borrow::Cow;

use http::Method;

use super::Shared;
use crate::{
    key::{
        Scheme, Target, TargetError, UrlError, canonical_authority, canonical_host, canonical_path,
        canonical_query, split_port, target_identity, without_root,
    },
    store::{End, Prefix, Reach, Scope},
};

/// What is to be purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purge {
    /// What is stored for an absolute http or https URL, in all variants, as the route of a GET for it canonicalises it.
    Url(String),
    /// What carries a tag: one of its route's, or one that the origin gave it. Exact, and case counts.
    Tag(String),
    /// What was stored for a route of the config, or for the built-in one.
    Route(String),
    /// What has a path that begins with this text, on every host; with a scheme and a host before it, only there.
    /// `/product` reaches `/products` too.
    Prefix(String),
    /// What was stored for a host: with a port only for that one, without for all.
    Host(String),
    /// Everything.
    All,
}

/// What becomes of what is purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeMode {
    /// It is gone.
    Hard,
    /// It is stale from now on, and goes by the rules for what is stale.
    Soft,
}

/// One thing that was purged, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purged {
    /// `url`, `tag`, `route`, `prefix`, `host` or `all`.
    pub kind: &'static str,
    /// Its name; empty for `all`.
    pub name: String,
}

impl std::fmt::Display for Purged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

/// Why nothing was purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurgeError {
    /// It is no URL that a client could ask for.
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        error: UrlError,
    },
    /// A tag without a single character that can be seen, or with one that no field can carry.
    BadTag,
    /// It has a star, which stands for itself, where a pattern was probably meant.
    Pattern {
        /// What was given.
        name: String,
    },
    /// No route of the config has this name.
    UnknownRoute {
        /// What was given.
        name: String,
        /// The route that was probably meant.
        nearest: Option<String>,
    },
    /// It is no beginning of a path.
    BadPrefix {
        /// What was given.
        prefix: String,
        /// What is wrong with it.
        fault: PrefixFault,
    },
    /// It is no host.
    BadHost {
        /// What was given.
        host: String,
        /// What is wrong with it; `None` where it is a URL or a path.
        error: Option<TargetError>,
    },
}

/// What can be wrong with a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixFault {
    /// It does not begin with a slash, with or without a scheme and a host before it.
    NoSlash,
    /// It has a query.
    Query,
    /// It has a fragment.
    Fragment,
    /// It cannot begin the target of a request.
    Target(TargetError),
}

impl std::fmt::Display for PurgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BadUrl { url, error } => write!(f, "cannot purge the URL {url:?}: {error}"),
            Self::BadTag => f.write_str(
                "cannot purge a tag without a name, or with a control character in it: give its name",
            ),
            Self::Pattern { name } => write!(
                f,
                "cannot purge {name:?}: a star stands for nothing else here; a prefix ends where its path goes on, as in \
                 /product/, and a tag or a route names what belongs together"
            ),
            Self::UnknownRoute { name, nearest: Some(nearest) } => {
                write!(f, "no route is called {name:?}: did you mean {nearest:?}?")
            }
            Self::UnknownRoute { name, nearest: None } => {
                write!(f, "no route is called {name:?}: give the name of a route of the config")
            }
            Self::BadPrefix { prefix, fault } => {
                write!(f, "cannot purge the prefix {prefix:?}: ")?;
                match fault {
                    PrefixFault::NoSlash => f.write_str(
                        "begin it with a slash, as in /product/, or with an origin, as in http://example.com/product/",
                    ),
                    PrefixFault::Query => f.write_str(
                        "a prefix is the beginning of a path: leave out the query, or purge the URL",
                    ),
                    PrefixFault::Fragment => f.write_str("leave out the fragment, which no server sees"),
                    PrefixFault::Target(error) => f.write_str(error.as_str()),
                }
            }
            Self::BadHost { host, error } => {
                let wrong = error.map_or("it is more than a host", TargetError::as_str);
                write!(
                    f,
                    "cannot purge the host {host:?}: {wrong}; write a name or an address, with or without a port, as in \
                     example.com:8080"
                )
            }
        }
    }
}

impl std::error::Error for PurgeError {}

/// One thing to purge, as the store names it.
enum Ends {
    /// Targets by their identities: those of a GET and of a QUERY, which may be of different routes.
    Targets([Vec<u8>; 2]),
    Tag(String),
    Route(String),
    Host(String),
    Prefix {
        origin: Option<(Scheme, String)>,
        path: String,
    },
    Everything,
}

impl Ends {
    fn reach(&self) -> Vec<Reach<'_>> {
        match self {
            Self::Targets(targets) => {
                targets.iter().map(|target| Reach::Scope(Scope::Target(target))).collect()
            }
            Self::Tag(tag) => [Scope::Tag(tag), Scope::ManyTags].map(Reach::Scope).into(),
            Self::Route(route) => vec![Reach::Scope(Scope::Route(route))],
            Self::Host(host) => vec![Reach::Scope(Scope::Host(host))],
            Self::Prefix { origin, path } => {
                let origin = origin.as_ref().map(|(scheme, authority)| (*scheme, authority.as_str()));
                vec![Reach::Prefix(Prefix { origin, path })]
            }
            Self::Everything => vec![Reach::Everything],
        }
    }
}

impl Shared {
    /// Purges all of this at once, or nothing of it where one of them is wrong. Says what was purged.
    ///
    /// When this has returned, no request that begins later is answered with anything that is gone, or with anything as if
    /// it were still fresh, and no fetch that began earlier is stored.
    pub fn purge(&self, what: &[Purge], mode: PurgeMode) -> Result<Vec<Purged>, PurgeError> {
        let read = what.iter().map(|one| self.read(one)).collect::<Result<Vec<_>, _>>()?;
        let (purged, ends): (Vec<Purged>, Vec<Ends>) = read.into_iter().unzip();
        let reach: Vec<Reach<'_>> = ends.iter().flat_map(Ends::reach).collect();
        let end = match mode {
            PurgeMode::Hard => End::Gone,
            PurgeMode::Soft => End::Stale(self.clock.now().mono),
        };
        self.store.purge_clock().purge(&reach, end);
        if mode == PurgeMode::Hard && !reach.is_empty() {
            self.sweeper.sweep(&self.store);
        }
        for one in &purged {
            tracing::info!(soft = mode == PurgeMode::Soft, "purged {one}");
            self.sink.purged(one.kind, mode == PurgeMode::Soft);
        }
        Ok(purged)
    }

    fn read(&self, what: &Purge) -> Result<(Purged, Ends), PurgeError> {
        let (kind, name, ends) = match what {
            Purge::Url(name) | Purge::Prefix(name) if name.ends_with('*') => {
                return Err(PurgeError::Pattern { name: name.clone() });
            }
            Purge::Host(name) if name.contains('*') => {
                return Err(PurgeError::Pattern { name: name.clone() });
            }
            Purge::Url(url) => {
                let target =
                    Target::parse(url).map_err(|error| PurgeError::BadUrl { url: url.clone(), error })?;
                let [get, query] =
                    [Method::GET, Method::QUERY].map(|method| self.canonical(&target, &method));
                let identities = [&get, &query].map(target_identity);
                ("url", get.to_string(), Ends::Targets(identities))
            }
            Purge::Tag(tag) if tag.trim().is_empty() || tag.chars().any(char::is_control) => {
                return Err(PurgeError::BadTag);
            }
            Purge::Tag(tag) => ("tag", tag.clone(), Ends::Tag(tag.clone())),
            Purge::Route(name) => {
                self.know_route(name)?;
                ("route", name.clone(), Ends::Route(name.clone()))
            }
            Purge::Prefix(prefix) => {
                let fault = |fault| PurgeError::BadPrefix { prefix: prefix.clone(), fault };
                let (origin, path) = read_prefix(prefix).map_err(fault)?;
                let name = match &origin {
                    Some((scheme, authority)) => format!("{scheme}://{authority}{path}"),
                    None => path.clone(),
                };
                ("prefix", name, Ends::Prefix { origin, path })
            }
            Purge::Host(host) => {
                let error = |error| PurgeError::BadHost { host: host.clone(), error };
                let host = read_host(host).map_err(error)?;
                ("host", host.clone(), Ends::Host(host))
            }
            Purge::All => ("all", String::new(), Ends::Everything),
        };
        Ok((Purged { kind, name }, ends))
    }

    /// A target as keys have it: on a declared route, with the declared parameters alone and in their order.
    fn canonical(&self, target: &Target, method: &Method) -> Target {
        let route = self.routes.find(method, target.authority(), target.path(), target.query());
        if route.level().is_none() {
            return target.clone();
        }
        let query = canonical_query(target.query(), &route.state.query);
        Target::new(target.scheme(), target.authority(), target.path(), query.as_deref())
            // It was a target with a longer query.
            .unwrap_or_else(|_| target.clone())
    }

    fn know_route(&self, name: &str) -> Result<(), PurgeError> {
        let known =
            || self.routes.iter().chain([self.routes.default_route()]).map(|route| route.name.as_str());
        if known().any(|known| known == name) {
            return Ok(());
        }
        let nearest = known()
            .map(|known| (strsim::damerau_levenshtein(name, known), known))
            .filter(|(distance, known)| *distance <= (known.chars().count() / 3).max(1))
            .min_by_key(|(distance, _)| *distance);
        let nearest = nearest.map(|(_, known)| known.to_owned());
        Err(PurgeError::UnknownRoute { name: name.to_owned(), nearest })
    }
}

/// The origin, if there is one, and the beginning of a path.
fn read_prefix(prefix: &str) -> Result<(Option<(Scheme, String)>, String), PrefixFault> {
    let (origin, path) = match (prefix.starts_with('/'), prefix.split_once("://")) {
        (false, Some((scheme, rest))) => {
            let scheme = Scheme::parse(scheme).ok_or(PrefixFault::NoSlash)?;
            let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            let authority = canonical_authority(authority, scheme).map_err(PrefixFault::Target)?;
            (Some((scheme, authority)), path)
        }
        (_, _) => (None, prefix),
    };
    if !path.starts_with('/') {
        return Err(PrefixFault::NoSlash);
    }
    match path.find(['?', '#']).map(|at| path.as_bytes()[at]) {
        Some(b'?') => return Err(PrefixFault::Query),
        Some(_) => return Err(PrefixFault::Fragment),
        None => {}
    }
    // What follows the last slash may be the beginning of a longer name: `/.` that of `/.well-known`.
    let (whole, begun) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let canonical = |path: &str| canonical_path(path).map(Cow::into_owned).map_err(PrefixFault::Target);
    let begun = canonical(&format!("/_{begun}"))?;
    Ok((origin, canonical(whole)? + begun.get(2..).unwrap_or_default()))
}

/// A host in canonical form, as [`Scope::Host`] has it: without a default port, and without the dot of the root.
fn read_host(host: &str) -> Result<String, Option<TargetError>> {
    if host.contains('/') {
        return Err(None);
    }
    if host.contains('@') {
        return Err(Some(TargetError::UserInfo));
    }
    let (name, port) = split_port(host)?;
    let name = canonical_host(without_root(name))?;
    // The port that is left out under one scheme is a port like any other under the other: both are reached by the host.
    let is_default = |port: &u16| [Scheme::Http, Scheme::Https].iter().any(|s| s.default_port() == *port);
    Ok(match port.filter(|port| !is_default(port)) {
        Some(port) => format!("{name}:{port}"),
        None => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_into_its_canonical_form() {
        for (text, host) in [
            ("Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("example.com:80", "example.com"),
            ("example.com:443", "example.com"),
            ("localhost:8080", "localhost:8080"),
            ("localhost:08080", "localhost:8080"),
            ("[0::1]", "[::1]"),
            ("[::1]:8080", "[::1]:8080"),
            ("example.com:", "example.com"),
        ] {
            assert_eq!(read_host(text).as_deref(), Ok(host), "{text}");
        }
        for (text, error) in [
            ("http://example.com", None),
            ("/path", None),
            ("", Some(TargetError::HostMissing)),
            ("u@example.com", Some(TargetError::UserInfo)),
            ("::1", Some(TargetError::PortInvalid)),
            ("a b", Some(TargetError::HostInvalid)),
            ("*.example.com:x", Some(TargetError::PortInvalid)),
        ] {
            assert_eq!(read_host(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_prefix_is_read_as_paths_are() {
        let at = |authority: &str| Some((Scheme::Http, authority.to_owned()));
        for (text, origin, path) in [
            ("/", None, "/"),
            ("/%7euser%2f", None, "/~user%2F"),
            ("/a/./b/../c", None, "/a/c"),
            ("/a/../b/", None, "/b/"),
            ("/a/..", None, "/a/.."),
            ("/.", None, "/."),
            ("/caf\u{e9}", None, "/caf%C3%A9"),
            ("/a:b://c", None, "/a:b://c"),
            ("http://A.example:80/x", at("a.example"), "/x"),
            ("HTTP://a.example:8080/", at("a.example:8080"), "/"),
        ] {
            assert_eq!(read_prefix(text), Ok((origin, path.to_owned())), "{text}");
        }
        for (text, fault) in [
            ("", PrefixFault::NoSlash),
            ("product", PrefixFault::NoSlash),
            ("*", PrefixFault::NoSlash),
            ("http://a.example", PrefixFault::NoSlash),
            ("ftp://a.example/", PrefixFault::NoSlash),
            ("http:///x", PrefixFault::Target(TargetError::HostMissing)),
            ("/a?b", PrefixFault::Query),
            ("/a?b#c", PrefixFault::Query),
            ("/a#b?c", PrefixFault::Fragment),
            ("/a%4", PrefixFault::Target(TargetError::PathEscape)),
            ("/a%", PrefixFault::Target(TargetError::PathEscape)),
            ("/a%00", PrefixFault::Target(TargetError::PathNul)),
            ("/a b", PrefixFault::Target(TargetError::PathByte)),
        ] {
            assert_eq!(read_prefix(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn an_error_says_what_to_do() {
        let url = "/x".to_owned();
        let error = PurgeError::BadUrl { url, error: UrlError::NotAbsolute }.to_string();
        assert!(error.contains("as clients do, as in http://"), "{error}");
        let (name, nearest) = ("prodct".to_owned(), Some("product".to_owned()));
        let error = PurgeError::UnknownRoute { name, nearest }.to_string();
        assert_eq!(error, "no route is called \"prodct\": did you mean \"product\"?");
    }
}
