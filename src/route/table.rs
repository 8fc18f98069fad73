//! The route table: of all routes that match a request, the most specific one.
//!
//! Precedence, each step only among those that the steps before left equal:
//!
//! 1. an exact host, then the longer suffix, then no host; with a port before without;
//! 2. the path, segment by segment from the left: a literal, then text mixed with parameters (more literal bytes, then
//!    fewer parameters, then the longer text at its beginning), then `{name}`, then `{*rest}`;
//! 3. more parameters in `with_query`;
//! 4. limited methods before any method;
//! 5. the order of the config.
//!
//! All of this is known before any request: routes are numbered in that order once, and a look-up finds the lowest number
//! that matches.

use std::{cmp::Ordering, cmp::Reverse, collections::HashMap, sync::Arc};

use http::Method;

use super::{
    HostPattern, Pattern, Route, RouteMatch, Treatment,
    trie::{Node, Rank},
};
use crate::key;

/// All routes, and the built-in one for requests that match none.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// In the order of the config.
    routes: Vec<Arc<Route>>,
    /// The same routes, by rank.
    ranked: Vec<Arc<Route>>,
    default: Arc<Route>,
    /// By authority, with the port where the pattern has one.
    exact: HashMap<String, Node>,
    /// By suffix, without star and dot, likewise.
    suffix: HashMap<String, Node>,
    any: Node,
}

/// Two routes match exactly the same requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteConflict {
    /// The place of the earlier route in the config, from 0.
    pub first: usize,
    /// The place of the later one.
    pub second: usize,
    /// The name of the earlier route.
    pub first_name: String,
    /// The name of the later one.
    pub second_name: String,
}

impl std::fmt::Display for RouteConflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "routes {:?} and {:?} match exactly the same requests", self.first_name, self.second_name)
    }
}

impl std::error::Error for RouteConflict {}

impl RouteTable {
    /// The name of the built-in route.
    pub const DEFAULT_NAME: &'static str = "default";

    /// Builds the table from routes in the order of the config.
    pub fn new(routes: Vec<Route>) -> Result<Self, RouteConflict> {
        let numbered =
            routes.into_iter().enumerate().map(|(number, route)| Arc::new(Route { number, ..route }));
        let routes: Vec<Arc<Route>> = numbered.collect();
        let mut order: Vec<usize> = (0..routes.len()).collect();
        // A stable sort: what is equally specific keeps the order of the config.
        order.sort_by(|a, b| specificity(&routes[*a].matches, &routes[*b].matches));
        refuse_conflicts(&routes)?;
        let ranked = order.iter().map(|place| Arc::clone(&routes[*place])).collect();
        let default = Arc::new(Route { number: routes.len(), ..built_in() });
        let mut table = Self { routes, ranked, default, ..Self::default() };
        for (rank, route) in table.ranked.iter().enumerate() {
            let node = match &route.matches.host {
                None => &mut table.any,
                Some(host) if host.is_suffix() => table.suffix.entry(host.authority()).or_default(),
                Some(host) => table.exact.entry(host.authority()).or_default(),
            };
            node.insert(route.matches.path.segments(), rank);
        }
        Ok(table)
    }

    /// The route of a request, from its canonical authority and path and its query as it came.
    ///
    /// A host's port counts only where the route's host has one. A path that is none (`*`) gets the built-in route.
    pub fn find(&self, method: &Method, authority: &str, path: &str, query: Option<&str>) -> &Arc<Route> {
        let Some(left) = path.strip_prefix('/') else { return &self.default };
        let admits = |rank: Rank| {
            self.ranked.get(rank).is_some_and(|route| {
                route.matches.allows_method(method) && key::has_parameters(query, &route.matches.with_query)
            })
        };
        let of_host = if self.exact.is_empty() && self.suffix.is_empty() {
            None
        } else {
            self.nodes_for(authority).find_map(|node| node.find(Some(left), &admits))
        };
        let rank = of_host.or_else(|| self.any.find(Some(left), &admits));
        rank.and_then(|rank| self.ranked.get(rank)).unwrap_or(&self.default)
    }

    /// The routes of the config, in its order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Route>> {
        self.routes.iter()
    }

    /// The built-in route for requests that match no other: the origin decides.
    pub const fn default_route(&self) -> &Arc<Route> {
        &self.default
    }

    /// The routes that name the host of this authority, most specific host first.
    fn nodes_for<'a>(&'a self, authority: &'a str) -> impl Iterator<Item = &'a Node> {
        let (host, port) = key::split_canonical(authority);
        // Host and port are side by side in the authority, unless the dot of the root is between them.
        let with_port = port.filter(|port| host.len() + 1 + port.len() == authority.len()).map(|_| authority);
        let exact = with_port.and_then(|all| self.exact.get(all)).into_iter().chain(self.exact.get(host));
        let suffixes = host.match_indices('.').filter(|(dot, _)| *dot > 0).flat_map(move |(dot, _)| {
            let with_port = with_port.and_then(|all| self.suffix.get(&all[dot + 1..]));
            with_port.into_iter().chain(self.suffix.get(&host[dot + 1..]))
        });
        exact.chain(suffixes)
    }
}

impl Default for RouteTable {
    /// A table without routes of its own.
    fn default() -> Self {
        Self {
            routes: Vec::new(),
            ranked: Vec::new(),
            default: Arc::new(built_in()),
            exact: HashMap::new(),
            suffix: HashMap::new(),
            any: Node::default(),
        }
    }
}

fn built_in() -> Route {
    Route::new(RouteTable::DEFAULT_NAME, Pattern::everything(), Treatment::Origin)
}

/// The more specific one is less.
fn specificity(a: &RouteMatch, b: &RouteMatch) -> Ordering {
    let by_host = match (&a.host, &b.host) {
        (Some(a), Some(b)) => a.specificity(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    let by_path = || {
        let segments = a.path.segments().iter().zip(b.path.segments());
        let first = segments.map(|(a, b)| a.specificity(b)).find(|order| order.is_ne());
        // No path matches both a pattern and its beginning, but the order has to be one.
        first.unwrap_or_else(|| a.path.segments().len().cmp(&b.path.segments().len()))
    };
    let others = |m: &RouteMatch| (Reverse(m.with_query.len()), m.methods.is_empty());
    by_host.then_with(by_path).then_with(|| others(a).cmp(&others(b)))
}

fn refuse_conflicts(routes: &[Arc<Route>]) -> Result<(), RouteConflict> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (second, route) in routes.iter().enumerate() {
        let first = *seen.entry(extent(&route.matches)).or_insert(second);
        if first != second {
            return Err(RouteConflict {
                first,
                second,
                first_name: routes[first].name.clone(),
                second_name: route.name.clone(),
            });
        }
    }
    Ok(())
}

/// A text that two routes share only if they match the same requests. None of its parts can hold a line feed.
fn extent(matches: &RouteMatch) -> String {
    let mut methods: Vec<&str> = matches.methods.iter().map(Method::as_str).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.dedup();
    let mut query: Vec<&str> = matches.with_query.iter().map(String::as_str).collect();
    query.sort_unstable();
    query.dedup();
    let host = matches.host.as_ref().map(HostPattern::to_string).unwrap_or_default();
    [host, matches.path.shape(), methods.join(" "), query.join("&")].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str, path: &str, change: impl FnOnce(&mut RouteMatch)) -> Route {
        let mut route = Route::new(name, Pattern::parse(path).unwrap(), Treatment::Origin);
        change(&mut route.matches);
        route
    }

    fn plain(path: &str) -> Route {
        route(path, path, |_| {})
    }

    fn found<'a>(table: &'a RouteTable, method: &Method, authority: &str, target: &str) -> &'a str {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        &table.find(method, authority, path, query).name
    }

    #[test]
    fn the_most_specific_path_wins_whatever_the_order() {
        let paths = [
            "/{*rest}",
            "/product/{id}",
            "/product/{id}&language={language}",
            "/product/list",
            "/{kind}/list",
            "/product/{id}/price",
            "/{a}/{b}/{*rest}",
        ];
        let forwards = RouteTable::new(paths.map(plain).into()).unwrap();
        let backwards = RouteTable::new(paths.iter().rev().map(|path| plain(path)).collect()).unwrap();
        for (target, name) in [
            ("/product/list", "/product/list"),
            ("/product/1", "/product/{id}"),
            ("/product/1&language=fr", "/product/{id}&language={language}"),
            ("/product/1?language=fr", "/product/{id}"),
            ("/other/list", "/{kind}/list"),
            ("/product/1/price", "/product/{id}/price"),
            ("/product/1/stock", "/{a}/{b}/{*rest}"),
            ("/product/", "/{*rest}"),
            ("/", "/{*rest}"),
        ] {
            assert_eq!(found(&forwards, &Method::GET, "h", target), name, "{target}");
            assert_eq!(found(&backwards, &Method::GET, "h", target), name, "{target}");
        }
    }

    #[test]
    fn an_exact_host_beats_a_suffix_and_the_longer_suffix_wins() {
        let with_host =
            |host: &str| route(host, "/{*rest}", |m| m.host = Some(HostPattern::parse(host).unwrap()));
        let hosts = ["*.b.c", "*.c", "a.b.c", "a.b.c:81", "*.b.c:81"];
        let mut routes: Vec<Route> = hosts.map(with_host).into();
        routes.push(route("any", "/exact/path", |_| {}));
        let table = RouteTable::new(routes).unwrap();
        for (authority, name) in [
            ("a.b.c", "a.b.c"),
            ("a.b.c:82", "a.b.c"),
            ("a.b.c:81", "a.b.c:81"),
            ("a.b.c.", "a.b.c"),
            ("x.b.c", "*.b.c"),
            ("x.b.c:81", "*.b.c:81"),
            ("x.a.b.c", "*.b.c"),
            ("b.c", "*.c"),
            ("c", "any"),
            ("[::1]:81", "any"),
        ] {
            assert_eq!(found(&table, &Method::GET, authority, "/exact/path"), name, "{authority}");
        }
    }

    #[test]
    fn required_parameters_and_methods_decide_between_equal_paths() {
        let table = RouteTable::new(vec![
            plain("/p"),
            route("get", "/p", |m| m.methods = vec![Method::GET]),
            route("post", "/{x}", |m| m.methods = vec![Method::POST]),
            route("language", "/p", |m| m.with_query = vec!["language".to_owned()]),
        ])
        .unwrap();
        assert_eq!(found(&table, &Method::GET, "h", "/p"), "get");
        assert_eq!(found(&table, &Method::HEAD, "h", "/p?x"), "get");
        assert_eq!(found(&table, &Method::POST, "h", "/p"), "/p");
        assert_eq!(found(&table, &Method::GET, "h", "/p?a&l%61nguage=fr"), "language");
        assert_eq!(found(&table, &Method::GET, "h", "/q"), "default");
    }

    #[test]
    fn what_matches_nothing_gets_the_built_in_route() {
        let table = RouteTable::new(vec![plain("/a")]).unwrap();
        for target in ["/b", "/a/", "*"] {
            assert_eq!(found(&table, &Method::OPTIONS, "h", target), RouteTable::DEFAULT_NAME);
        }
        assert_eq!(table.default_route().treatment, Treatment::Origin);
        assert_eq!(RouteTable::default().find(&Method::GET, "h", "/", None).name, "default");
        assert_eq!(table.iter().map(|route| route.name.as_str()).collect::<Vec<_>>(), ["/a"]);
    }

    #[test]
    fn two_routes_for_the_same_requests_are_a_conflict() {
        let get = |name, methods: &[Method]| route(name, "/p/{a}", |m| m.methods = methods.to_vec());
        let conflict = RouteTable::new(vec![
            plain("/p/{a}"),
            get("one", &[Method::GET]),
            plain("/p/{a}x"),
            route("two", "/p/{b}", |m| m.methods = vec![Method::HEAD, Method::GET]),
        ])
        .unwrap_err();
        assert_eq!((conflict.first, conflict.second), (1, 3));
        assert_eq!(conflict.to_string(), "routes \"one\" and \"two\" match exactly the same requests");
    }
}
