//! QUERY: a safe method whose content is explicit state.

use std::collections::BTreeSet;

use super::{super::twice, HIT, MISS, with_route};
use crate::support::{Ask, Proxy, Scripted, clock, ok, proxy, raw, scripted};

async fn echoing() -> Scripted {
    scripted(|_, seen| {
        let method = seen.line.split(' ').next().unwrap_or_default();
        ok("", &format!("{method} {}", String::from_utf8_lossy(&seen.body)))
    })
    .await
}

fn query(proxy: &Proxy, content: &str) -> Ask {
    proxy.get("/r/1").method("QUERY").field("content-type", "text/plain").body(content.to_owned())
}

#[tokio::test]
async fn the_content_of_a_query_is_in_its_key() {
    let origin = echoing().await;
    let proxy = with_route(origin.address, "").await;
    for content in ["select a", "select b"] {
        let answers = twice(query(&proxy, content).field("cookie", "s=1").field("x-junk", "1")).await;
        assert!(answers.iter().all(|answer| answer.text() == format!("QUERY {content}")));
        assert_eq!(answers.map(|answer| answer.cache()), [MISS, HIT]);
    }
    let other_type = query(&proxy, "select a").field("content-type", "text/x-sql");
    assert_eq!(other_type.send().await.cache(), MISS);
    let coded = query(&proxy, "select a").field("content-encoding", "br").send().await;
    assert_eq!(coded.cache(), MISS);
    assert_eq!(proxy.get("/r/1").send().await.text(), "GET ");
    assert_eq!(origin.count(), 5);
}

#[tokio::test]
async fn the_origin_gets_the_query_and_nothing_else() {
    let origin = echoing().await;
    let proxy = with_route(origin.address, "").await;
    query(&proxy, "select a").field("cookie", "s=1").field("range", "bytes=0-0").send().await;
    let seen = &origin.seen()[0];
    assert_eq!((seen.line.as_str(), seen.body.as_slice()), ("QUERY /r/1 HTTP/1.1", b"select a".as_slice()));
    let names: BTreeSet<&str> = seen.fields.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "accept-encoding",
        "content-length",
        "content-type",
        "forwarded",
        "host",
        "traceparent",
        "user-agent",
        "via",
        "x-forwarded-host",
        "x-forwarded-proto",
    ];
    assert_eq!(names, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_query_without_content_is_no_get() {
    let origin = scripted(|_, seen| ok("", seen.line.split(' ').next().unwrap_or_default())).await;
    let proxy = with_route(origin.address, "").await;
    assert_eq!(proxy.get("/r/1").send().await.text(), "GET");
    assert_eq!(proxy.get("/r/1").method("QUERY").send().await.text(), "QUERY");
}

#[tokio::test]
async fn the_framing_of_a_query_is_no_state() {
    let origin = echoing().await;
    let proxy = with_route(origin.address, "").await;
    assert_eq!(query(&proxy, "select a").send().await.cache(), MISS);
    let chunked = "QUERY /r/1 HTTP/1.1\r\nhost: api.example\r\ncontent-type: text/plain\r\nconnection: close\r\n\
                   transfer-encoding: chunked\r\n\r\n3\r\nsel\r\n5\r\nect a\r\n0\r\n\r\n";
    let answer = raw(proxy.address, chunked).await;
    assert!(answer.contains(&format!("cache-status: plimsoll; {HIT}")), "{answer}");
    assert!(answer.ends_with("QUERY select a"), "{answer}");
}

#[tokio::test]
async fn a_query_too_large_for_a_key_is_forwarded_intact() {
    let origin = echoing().await;
    let route = super::ROUTE;
    let proxy =
        proxy().cache("max_query_content = '1 KiB'").route(route).start(origin.address, &clock()).await;
    let fits = "x".repeat(1024);
    assert_eq!(twice(query(&proxy, &fits)).await.map(|answer| answer.cache()), [MISS, HIT]);
    let too_large = "y".repeat(1025);
    for answer in twice(query(&proxy, &too_large).field("x-own", "1")).await {
        assert_eq!(answer.text(), format!("QUERY {too_large}"));
        assert_eq!(answer.cache(), "fwd=bypass; level=2; route=r; detail=query-content-too-large");
    }
    assert_eq!(origin.count(), 3);
    assert_eq!(origin.seen()[1].field("x-own"), Some("1"));
}

#[tokio::test]
async fn a_write_ends_stored_queries_too() {
    let origin = echoing().await;
    let proxy = with_route(origin.address, "").await;
    assert_eq!(query(&proxy, "select a").send().await.cache(), MISS);
    assert_eq!(query(&proxy, "select a").send().await.cache(), HIT);
    proxy.get("/r/1").method("PUT").send().await;
    assert_eq!(query(&proxy, "select a").send().await.cache(), MISS);
}
