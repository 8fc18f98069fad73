//! On a declared route the request to the origin is built from the key: what is not in the key is not sent.

mod bypass;
mod codings;
mod directives;
mod discard;
mod fetch;
mod invalidation;
mod lifetime;
mod negotiation;
mod query;
mod whole;

use crate::support::{Proxy, proxy};

/// Where a test's declared route is: `/r/{id}`, level changing, a minute.
const ROUTE: &str = "name = 'r'\npath = '/r/{id}'\nlevel = 'changing'\nttl = '60s'\n";

const MISS: &str = "fwd=uri-miss; stored; level=2; route=r";
const HIT: &str = "hit; ttl=60; level=2; route=r";

/// A proxy with the declared route `/r/{id}`, to which these lines are added.
async fn with_route(origin: std::net::SocketAddr, lines: &str) -> Proxy {
    proxy().route(&format!("{ROUTE}{lines}")).start(origin, &crate::support::clock()).await
}
