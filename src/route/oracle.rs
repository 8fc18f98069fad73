//! The table against a slow reference that tries every route by itself and applies the documented precedence.

use std::{cmp::Reverse, fmt::Write as _};

use http::Method;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{HostPattern, Pattern, Route, RouteTable, Treatment};

/// A route as the reference sees it: segments in which `?` is a parameter, and `*` alone is the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spec {
    host: Option<&'static str>,
    segments: Vec<&'static str>,
    methods: Vec<Method>,
    with_query: Vec<&'static str>,
}

#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    host: &'static str,
    path: String,
    query: Option<&'static str>,
}

impl Spec {
    fn to_route(&self, name: usize) -> Route {
        let mut text = String::new();
        for (place, segment) in self.segments.iter().enumerate() {
            text.push('/');
            for (at, c) in segment.chars().enumerate() {
                match c {
                    '?' => write!(text, "{{p{place}-{at}}}").unwrap(),
                    '*' => text += "{*rest}",
                    _ => text.push(c),
                }
            }
        }
        let mut route = Route::new(name.to_string(), Pattern::parse(&text).unwrap(), Treatment::Origin);
        route.matches.host = self.host.map(|host| HostPattern::parse(host).unwrap());
        route.matches.methods.clone_from(&self.methods);
        route.matches.with_query = self.with_query.iter().map(|name| (*name).to_owned()).collect();
        route
    }

    fn matches(&self, asked: &Asked) -> bool {
        let is_host = self.host.is_none_or(|host| {
            let without_port = asked.host.split(':').next().unwrap();
            let seen = if host.contains(':') { asked.host } else { without_port };
            host.strip_prefix('*').map_or(host == seen, |suffix| seen.ends_with(suffix))
        });
        let is_method = self.methods.is_empty()
            || self.methods.contains(&asked.method)
            || (asked.method == Method::HEAD && self.methods.contains(&Method::GET));
        let names: Vec<&str> =
            asked.query.unwrap_or("").split('&').map(|part| part.split('=').next().unwrap()).collect();
        let is_query = self.with_query.iter().all(|name| names.contains(name));
        is_host && is_method && is_query && self.matches_path(&asked.path)
    }

    fn matches_path(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let is_rest = self.segments.last() == Some(&"*");
        let fixed = self.segments.len() - usize::from(is_rest);
        let is_length = if is_rest { parts.len() > fixed } else { parts.len() == fixed };
        is_length && self.segments[..fixed].iter().zip(&parts).all(|(s, p)| glob(s.as_bytes(), p.as_bytes()))
    }

    /// Everything that precedence looks at, the most specific least; the order of the config comes after.
    fn rank(&self) -> impl Ord + use<> {
        let host = match self.host {
            None => (2, 0, true),
            Some(host) => {
                let name = host.split(':').next().unwrap();
                let has_no_port = !host.contains(':');
                name.strip_prefix("*.")
                    .map_or((0, 0, has_no_port), |s| (1, usize::MAX - s.len(), has_no_port))
            }
        };
        let path: Vec<_> = self.segments.iter().map(|segment| segment_rank(segment)).collect();
        (host, path, Reverse(self.with_query.len()), self.methods.is_empty())
    }
}

fn segment_rank(segment: &str) -> impl Ord + use<> {
    let params = segment.matches('?').count();
    let literal = segment.len() - params;
    let kind = match (segment, params) {
        ("*", _) => 3,
        ("?", _) => 2,
        (_, 0) => 0,
        _ => 1,
    };
    let prefix = segment.find('?').unwrap_or(0);
    let detail =
        if kind == 1 { (Reverse(literal), params, Reverse(prefix)) } else { (Reverse(0), 0, Reverse(0)) };
    (kind, detail)
}

/// `?` is one byte or more.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'?', more)), Some((_, rest))) => glob(more, rest) || glob(pattern, rest),
        (Some((p, more)), Some((t, rest))) => p == t && glob(more, rest),
        _ => false,
    }
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let segment =
        select(vec!["", "a", "b", "ab", "?", "?", "a?", "?a", "?b", "?a?", "?b?", "a?b", "ab?", "?ab?a?"]);
    let methods =
        select(vec![vec![], vec![], vec![Method::GET], vec![Method::PUT], vec![Method::GET, Method::PUT]]);
    let with_query = select(vec![vec![], vec![], vec!["x"], vec!["y"], vec!["x", "y"]]);
    let host = option::weighted(0.4, select(vec!["a.b.c", "*.b.c", "*.c", "a.b.c:81", "*.c:81"]));
    (host, vec(segment, 1..4), any::<bool>(), methods, with_query).prop_map(
        |(host, mut segments, is_rest, methods, with_query)| {
            if is_rest {
                segments.pop();
                segments.push("*");
            }
            Spec { host, segments, methods, with_query }
        },
    )
}

fn any_request() -> impl Strategy<Value = Asked> {
    (
        select(vec![Method::GET, Method::HEAD, Method::PUT]),
        select(vec!["a.b.c", "a.b.c:81", "z.b.c", "z.c:81", "b.c", "c"]),
        vec(select(vec!["", "a", "b", "ab", "aab", "bab", "abaa", "bba"]), 1..5),
        option::of(select(vec!["", "x", "y=1", "x=1&y", "z&x"])),
    )
        .prop_map(|(method, host, parts, query)| Asked {
            method,
            host,
            path: format!("/{}", parts.join("/")),
            query,
        })
}

proptest! {
    #[test]
    fn the_table_finds_what_trying_every_route_finds(
        specs in vec(any_spec(), 0..24),
        requests in vec(any_request(), 1..12),
    ) {
        let mut unique: Vec<Spec> = Vec::new();
        for spec in specs {
            if !unique.contains(&spec) {
                unique.push(spec);
            }
        }
        let routes = unique.iter().enumerate().map(|(name, spec)| spec.to_route(name)).collect();
        let table = RouteTable::new(routes).unwrap();
        for asked in &requests {
            let best = unique.iter().enumerate().filter(|(_, spec)| spec.matches(asked));
            let best = best.min_by_key(|(place, spec)| (spec.rank(), *place));
            let expected = best.map_or("default".to_owned(), |(place, _)| place.to_string());
            let found = table.find(&asked.method, asked.host, &asked.path, asked.query);
            prop_assert_eq!(&found.name, &expected, "{:?}", asked);
        }
    }

    #[test]
    fn a_pattern_captures_exactly_where_the_reference_matches(spec in any_spec(), asked in any_request()) {
        let route = spec.to_route(0);
        let captures = route.matches.path.captures(&asked.path);
        prop_assert_eq!(captures.is_some(), spec.matches_path(&asked.path));
        for (name, value) in captures.unwrap_or_default() {
            prop_assert!(name == "rest" || !value.is_empty());
        }
    }

    #[test]
    fn hosts_match_alone_as_they_do_in_the_table(spec in any_spec(), asked in any_request()) {
        let spec = Spec { segments: vec!["*"], methods: vec![], with_query: vec![], ..spec };
        let route = spec.to_route(0);
        let matches = route.matches.host.as_ref().is_none_or(|host| host.matches(asked.host));
        prop_assert_eq!(matches, spec.matches(&asked));
    }
}
