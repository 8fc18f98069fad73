//! Requests of their own kind: ranges, conditions, HEAD, directives, writes.

use super::{HIT, MISS, bytes, house, reply};
use crate::support::{clock, ok, proxy, scripted, secs};

#[tokio::test]
async fn ranges_and_conditions_go_to_the_origin_until_the_whole_is_held() {
    let fields = "cache-control: max-age=60\r\netag: \"a\"\r\n";
    let origin = scripted(move |_, seen| match (seen.field("range"), seen.field("if-none-match")) {
        (Some(_), _) => reply("206 Partial Content", &format!("{fields}content-range: bytes 0-0/5\r\n"), "w"),
        (_, Some("\"a\"")) => reply("304 Not Modified", fields, ""),
        _ => ok(fields, "whole"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let part = || proxy.get("/x").field("range", "bytes=0-0").send();
    let held = || proxy.get("/x").field("if-none-match", "\"a\"").send();
    let partial = part().await;
    assert_eq!((partial.status.as_u16(), partial.text().as_str()), (206, "w"));
    assert_eq!(partial.cache(), MISS);
    assert_eq!(held().await.status, 304);
    assert_eq!(origin.count(), 2);
    let whole = proxy.get("/x").field("cache-control", "x").send().await;
    assert_eq!(
        (whole.text().as_str(), whole.cache().as_str()),
        ("whole", "fwd=partial; stored; level=2; route=default")
    );
    let (partial, current) = (part().await, held().await);
    assert_eq!((partial.status.as_u16(), partial.text().as_str(), partial.cache().as_str()), (206, "w", HIT));
    assert_eq!((current.status.as_u16(), current.cache().as_str()), (304, HIT));
}

#[tokio::test]
async fn head_is_answered_from_a_stored_get_and_never_the_other_way_round() {
    let origin = scripted(|_, seen| match seen.line.as_str() {
        "HEAD /x HTTP/1.1" => {
            bytes("HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 6\r\n\r\n")
        }
        _ => ok("cache-control: max-age=60\r\n", "answer"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let head = proxy.get("/x").method("HEAD");
    assert_eq!(
        head.clone().send().await.cache(),
        "fwd=uri-miss; level=2; route=default; detail=head-request"
    );
    let got = proxy.get("/x").send().await;
    assert_eq!((got.cache().as_str(), got.text().as_str()), (MISS, "answer"));
    let answered = head.send().await;
    assert_eq!((answered.cache().as_str(), answered.field("content-length").as_str()), (HIT, "6"));
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn a_query_without_content_is_no_get() {
    let origin = scripted(|_, seen| {
        ok("cache-control: max-age=60\r\n", seen.line.split(' ').next().unwrap_or_default())
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    assert_eq!(proxy.get("/x").method("QUERY").send().await.text(), "QUERY");
    assert_eq!(proxy.get("/x").send().await.text(), "GET");
}

#[tokio::test]
async fn a_clients_own_directives_count() {
    let (origin, proxy) = house("safe", "cache-control: max-age=60\r\n").await;
    let ask = |value: &str| proxy.get("/x").field("cache-control", value).send();
    assert_eq!(ask("only-if-cached").await.status, 504);
    assert_eq!(ask("no-store").await.cache(), "fwd=bypass; route=default; detail=request-no-store");
    assert_eq!(proxy.get("/x").send().await.cache(), MISS);
    assert_eq!(ask("only-if-cached").await.cache(), HIT);
    assert_eq!(ask("no-cache").await.cache(), "fwd=request; stored; level=2; route=default");
    proxy.advance(secs(10));
    assert_eq!(ask("max-age=10, min-fresh=50").await.cache(), "hit; ttl=50; level=2; route=default");
    assert_eq!(ask("max-age=9").await.cache(), "fwd=request; stored; level=2; route=default");
    proxy.advance(secs(65));
    assert_eq!(ask("max-stale=4").await.cache(), "fwd=stale; stored; level=2; route=default");
    proxy.advance(secs(65));
    assert_eq!(ask("max-stale=6").await.cache(), "hit; ttl=-5; level=2; route=default");
    assert_eq!(origin.count(), 5);
}

#[tokio::test]
async fn a_write_ends_its_exact_target() {
    let (_origin, proxy) = house("safe", "cache-control: max-age=60\r\n").await;
    for target in ["/x", "/x?page=2"] {
        assert_eq!(proxy.get(target).send().await.cache(), MISS);
    }
    assert_eq!(proxy.get("/x").method("POST").send().await.cache(), "fwd=method; route=default");
    assert_eq!(proxy.get("/x").send().await.cache(), MISS);
    assert_eq!(proxy.get("/x?page=2").send().await.cache(), HIT);
}
