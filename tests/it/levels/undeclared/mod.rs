//! Routes that say nothing: the origin's own fields decide, to the letter, and identity is special.

mod freshness;
mod identity;
mod kinds;
mod target;

use super::{bytes, reply, twice};
use crate::support::{Ask, Proxy, Scripted, clock, ok, proxy, scripted};

const MISS: &str = "fwd=uri-miss; stored; level=2; route=default";
const HIT: &str = "hit; ttl=60; level=2; route=default";

/// An origin that always answers with these fields, behind a proxy of this profile with no routes.
async fn house(profile: &str, fields: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |n, _| ok(fields, &format!("fetch {n}"))).await;
    let proxy = proxy().cache(&format!("profile = '{profile}'")).start(origin.address, &clock()).await;
    (origin, proxy)
}

/// The Cache-Status of this request and of its repetition.
async fn caches(ask: Ask) -> [String; 2] {
    twice(ask).await.map(|answer| answer.cache())
}
