//! What the operator knows about an API: routes, and the table that finds the most specific one for a request.

mod duration;
mod host;
#[cfg(test)]
mod oracle;
mod pattern;
mod segment;
mod table;
mod tags;
mod trie;

use std::time::Duration;

use http::{HeaderName, Method};

use crate::{key::StateSpec, level::Level};

pub use duration::{DURATION_UNITS, format_duration};
pub use host::{HostError, HostPattern};
pub use pattern::{Pattern, PatternError, PatternFault};
pub use table::{RouteConflict, RouteTable};
pub use tags::{TagTemplate, TemplateError, TemplateFault};

/// One `[[route]]` of the config, valid by construction.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its place in the config, from 0; the built-in route comes after all others. Given by the table.
    pub number: usize,
    /// The name that Cache-Status and logs show.
    pub name: String,
    /// Which requests it matches.
    pub matches: RouteMatch,
    /// Whose word counts for the level.
    pub treatment: Treatment,
    /// What the answers depend on, on a route of level 1 or 2.
    pub state: StateSpec,
    /// How long answers live.
    pub lifetime: LifetimeRules,
    /// Unkeyed request fields that are sent to the origin all the same.
    pub forward: Vec<HeaderName>,
    /// Fields of the origin's responses that are disregarded; Set-Cookie among them is removed.
    pub ignore: Vec<HeaderName>,
    /// Whether a request's own cache directives count.
    pub client_directives: ClientDirectives,
    /// Whether clients get a Cache-Control that states the level, where the origin sent none.
    pub declare: bool,
    /// Templates of tags for purging: `product:{id}`.
    pub tags: Vec<TagTemplate>,
}

impl Route {
    /// A route for every host and method, with nothing declared but its treatment.
    pub fn new(name: impl Into<String>, path: Pattern, treatment: Treatment) -> Self {
        Self {
            number: 0,
            name: name.into(),
            matches: RouteMatch::new(path),
            treatment,
            state: StateSpec::default(),
            lifetime: LifetimeRules::default(),
            forward: Vec::new(),
            ignore: Vec::new(),
            client_directives: ClientDirectives::default(),
            declare: false,
            tags: Vec::new(),
        }
    }

    /// The level that the operator declared, if any.
    pub const fn level(&self) -> Option<Level> {
        self.treatment.level()
    }

    /// Whether the operator declared a level at which one stored answer serves everybody: 1 or 2.
    pub const fn is_declared_shared(&self) -> bool {
        matches!(self.treatment, Treatment::Declared(level) if level.is_shared())
    }

    /// The tags of what is stored for this canonical path, which the route matches. Values in them are
    /// percent-encoded as the path is.
    pub fn tags_for(&self, path: &str) -> Vec<String> {
        if self.tags.is_empty() {
            return Vec::new();
        }
        let Some(captures) = self.matches.path.captures(path) else { return Vec::new() };
        self.tags.iter().map(|template| template.expand(&captures)).collect()
    }
}

/// Whose word counts for the level of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// The operator's.
    Declared(Level),
    /// The origin's, as RFC 9111 tells a shared cache to read it.
    Origin,
}

impl Treatment {
    /// The declared level; `None` where the origin decides.
    pub const fn level(self) -> Option<Level> {
        match self {
            Self::Declared(level) => Some(level),
            Self::Origin => None,
        }
    }
}

/// Whether no-cache, max-age, min-fresh and Pragma of a request count on a declared route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientDirectives {
    /// They do not: a reload button is no purge.
    #[default]
    Ignore,
    /// They do, as RFC 9111 section 5.2.1 says.
    Honour,
}

/// How long stored answers of a route live.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LifetimeRules {
    /// Freshness lifetime where the origin gives no explicit one. Zero: stored, and validated each time.
    pub ttl: Duration,
    /// Shorter explicit lifetimes are raised to this; never overrides no-cache or no-store.
    pub min_ttl: Option<Duration>,
    /// Longer lifetimes are lowered to this.
    pub max_ttl: Option<Duration>,
    /// Lifetime of 404 and 410.
    pub negative_ttl: Duration,
    /// The largest part of a lifetime by which chance may shorten it, 0.0 to 1.0.
    pub jitter: f64,
    /// How long after expiry a stale answer is served at once while it is refreshed (RFC 5861 section 3).
    pub stale_while_revalidate: Option<Duration>,
    /// How long after expiry a stale answer is served where the origin fails (RFC 5861 section 4).
    pub stale_if_error: Option<Duration>,
}

impl Default for LifetimeRules {
    fn default() -> Self {
        Self {
            ttl: Duration::ZERO,
            min_ttl: None,
            max_ttl: None,
            negative_ttl: Duration::from_secs(5),
            jitter: 0.0,
            stale_while_revalidate: None,
            stale_if_error: None,
        }
    }
}

/// Which requests a route matches.
#[derive(Clone, Debug)]
pub struct RouteMatch {
    /// The path.
    pub path: Pattern,
    /// The host, where it is limited.
    pub host: Option<HostPattern>,
    /// The methods, where they are limited. GET includes HEAD.
    pub methods: Vec<Method>,
    /// Query parameters that must be present, sorted and without repeats, in canonical percent-encoding (see
    /// [`canonical_query_names`](crate::key::canonical_query_names)).
    pub with_query: Vec<String>,
}

impl RouteMatch {
    /// Every request with such a path.
    pub const fn new(path: Pattern) -> Self {
        Self { path, host: None, methods: Vec::new(), with_query: Vec::new() }
    }

    /// Whether a request of this method can match.
    pub fn allows_method(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_operators_word_for_levels_1_and_2_shares() {
        let route = |treatment| Route::new("r", Pattern::everything(), treatment);
        assert!(!route(Treatment::Origin).is_declared_shared());
        assert_eq!(route(Treatment::Origin).level(), None);
        for level in Level::ALL {
            let declared = route(Treatment::Declared(level));
            assert_eq!(declared.level(), Some(level));
            assert_eq!(declared.is_declared_shared(), level.is_shared());
        }
    }

    #[test]
    fn get_includes_head_and_not_the_other_way_round() {
        let mut matches = RouteMatch::new(Pattern::everything());
        assert!(matches.allows_method(&Method::PATCH));
        matches.methods = vec![Method::GET];
        assert!(matches.allows_method(&Method::HEAD) && !matches.allows_method(&Method::QUERY));
        matches.methods = vec![Method::HEAD];
        assert!(!matches.allows_method(&Method::GET));
    }
}
