//! The head of a stored response: the origin's fields as every client will get them, made once when it is stored.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue, Version,
    header::{AGE, CACHE_CONTROL, CONTENT_LENGTH, VARY, VIA},
};

use super::{forward::ensure_date, outgoing::own_via};
use crate::{
    level::Level,
    route::Route,
    semantics::{freshness::FreshnessLifetime, vary::Vary},
    store::HeadBlock,
};

/// How long a permanent response is declared fresh to clients, in seconds: a year, which stands for "for ever".
const PERMANENT: u64 = 365 * 24 * 60 * 60;

/// Turns the origin's fields into those that clients get. `fields` are without those of the connection, `version` is
/// that of the origin's message.
///
/// Age and Content-Length are left out: they are stated anew each time.
pub(super) fn dress(
    mut fields: HeaderMap,
    strip: &[HeaderName],
    route: &Route,
    lifetime: FreshnessLifetime,
    version: Version,
    received: SystemTime,
) -> HeaderMap {
    for name in strip.iter().chain([&AGE, &CONTENT_LENGTH]) {
        fields.remove(name);
    }
    merge_vary(&mut fields, route);
    if route.declare
        && !fields.contains_key(CACHE_CONTROL)
        && let Some(value) = declared_cache_control(route, lifetime)
    {
        fields.insert(CACHE_CONTROL, value);
    }
    fields.append(VIA, own_via(version));
    ensure_date(&mut fields, || received);
    fields
}

/// The origin's fields again, from those that clients get: what this proxy has added is taken away.
pub(super) fn undress(head: &HeadBlock, route: &Route, lifetime: FreshnessLifetime) -> HeaderMap {
    let mut fields: HeaderMap = HeaderMap::new();
    for (name, value) in head.fields() {
        fields.append(name, value);
    }
    let mut via: Vec<HeaderValue> = fields.get_all(VIA).iter().cloned().collect();
    if via.last().is_some_and(|last| last.as_bytes().ends_with(b" plimsoll")) {
        via.pop();
    }
    fields.remove(VIA);
    for value in via {
        fields.append(VIA, value);
    }
    // A Cache-Control that is exactly what the route declares says nothing that the route does not.
    if route.declare && fields.get(CACHE_CONTROL) == declared_cache_control(route, lifetime).as_ref() {
        fields.remove(CACHE_CONTROL);
    }
    fields
}

/// Merges the fields that the route declares into Vary: they decided the answer, whatever the origin says.
pub(super) fn merge_vary(fields: &mut HeaderMap, route: &Route) {
    let declared = route.level().is_some_and(Level::is_shared) && !route.state.fields.is_empty();
    if !declared {
        return;
    }
    let Vary::Fields(mut names) = Vary::of(fields) else { return };
    for field in &route.state.fields {
        if !names.contains(&field.name) {
            names.push(field.name.clone());
        }
    }
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    if let Ok(value) = HeaderValue::try_from(names.join(", ")) {
        fields.insert(VARY, value);
    }
}

/// What a route with `declare` tells clients where the origin sent no Cache-Control: what its level means.
pub(super) fn declared_cache_control(route: &Route, lifetime: FreshnessLifetime) -> Option<HeaderValue> {
    let public = |seconds: u64| HeaderValue::try_from(format!("public, max-age={seconds}")).ok();
    match (route.level()?, lifetime) {
        (Level::Permanent | Level::Changing, FreshnessLifetime::Forever) => {
            HeaderValue::try_from(format!("public, max-age={PERMANENT}, immutable")).ok()
        }
        (Level::Permanent | Level::Changing, FreshnessLifetime::Finite(lifetime)) => {
            public(lifetime.as_secs())
        }
        (Level::User, _) => Some(HeaderValue::from_static("private, no-cache")),
        (Level::Session | Level::Random, _) => Some(HeaderValue::from_static("no-store")),
    }
}

/// The lifetime of an answer that is not stored: none.
pub(super) const UNSTORED: FreshnessLifetime = FreshnessLifetime::Finite(Duration::ZERO);
