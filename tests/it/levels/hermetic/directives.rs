//! A client's own cache directives on a declared route.

use super::{HIT, MISS, with_route};
use crate::support::{ok, scripted, secs};

const RELOADS: [(&str, &str); 6] = [
    ("cache-control", "no-cache"),
    ("cache-control", "max-age=0"),
    ("cache-control", "min-fresh=3600"),
    ("cache-control", "max-age=0, no-cache"),
    ("pragma", "no-cache"),
    ("pragma", "NO-CACHE"),
];

#[tokio::test]
async fn a_reload_button_is_no_purge() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = with_route(origin.address, "").await;
    assert_eq!(proxy.get("/r/1").field("cache-control", "no-cache").send().await.cache(), MISS);
    for (name, value) in RELOADS {
        assert_eq!(proxy.get("/r/1").field(name, value).send().await.cache(), HIT, "{name}: {value}");
    }
    proxy.advance(secs(61));
    let stale = proxy.get("/r/1").field("cache-control", "max-stale").send().await;
    assert_eq!(stale.cache(), "fwd=stale; stored; level=2; route=r");
}

#[tokio::test]
async fn a_reload_button_counts_where_the_route_honours_it() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = with_route(origin.address, "client_directives = 'honour'").await;
    proxy.get("/r/1").send().await;
    for (n, (name, value)) in RELOADS.into_iter().enumerate() {
        proxy.advance(secs(1));
        let answer = proxy.get("/r/1").field(name, value).send().await;
        assert_eq!(answer.cache(), "fwd=request; stored; level=2; route=r", "{name}: {value}");
        assert_eq!(origin.count(), n + 2);
        // They are answered by the proxy, and never sent on.
        assert_eq!(origin.seen()[n + 1].field(name), None);
    }
    proxy.advance(secs(10));
    let ask = |value: &str| proxy.get("/r/1").field("cache-control", value).send();
    assert_eq!(ask("max-age=10, min-fresh=50").await.cache(), "hit; ttl=50; level=2; route=r");
    assert_eq!(ask("min-fresh=51").await.cache(), "fwd=request; stored; level=2; route=r");
}

#[tokio::test]
async fn no_store_bypasses_both_ways() {
    for lines in ["", "client_directives = 'honour'"] {
        let origin = scripted(|_, _| ok("", "answer")).await;
        let proxy = with_route(origin.address, lines).await;
        let ask = || proxy.get("/r/1").field("cache-control", "No-Store").field("x-own", "1").send();
        let bypass = "fwd=bypass; level=2; route=r; detail=request-no-store";
        assert_eq!(ask().await.cache(), bypass);
        assert_eq!(proxy.get("/r/1").send().await.cache(), MISS);
        assert_eq!(ask().await.cache(), bypass);
        assert_eq!(origin.count(), 3);
        assert_eq!(origin.seen()[2].field("x-own"), Some("1"));
    }
}

#[tokio::test]
async fn only_if_cached_never_reaches_the_origin() {
    for lines in ["", "client_directives = 'honour'"] {
        let origin = scripted(|_, _| ok("", "answer")).await;
        let proxy = with_route(origin.address, lines).await;
        let ask = || proxy.get("/r/1").field("cache-control", "only-if-cached").send();
        let refused = ask().await;
        assert_eq!(refused.status, 504);
        assert_eq!(refused.field("content-type"), "application/problem+json");
        assert_eq!(refused.json()["type"], "urn:plimsoll:problem:only-if-cached");
        assert_eq!(refused.field("cache-status"), "");
        proxy.get("/r/1").send().await;
        assert_eq!(ask().await.cache(), HIT);
        proxy.advance(secs(60));
        assert_eq!(ask().await.status, 504);
        assert_eq!(origin.count(), 1);
    }
}
