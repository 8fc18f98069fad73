//! A success of an unsafe method ends what is stored for its target, in every query and variant, before its answer is seen.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use tokio::sync::Notify;

use super::{super::reply, HIT, MISS, ROUTE, with_route};
use crate::support::{Proxy, Reply, Scripted, clock, ok, proxy, scripted};

/// A proxy that holds `/r/1` in four ways, and `/r/2`.
async fn stocked(write: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |_, seen| match seen.line.split(' ').next() {
        Some("GET") if seen.field("accept-encoding") == Some("gzip") => {
            ok("vary: accept-encoding\r\ncontent-encoding: gzip\r\n", "packed")
        }
        Some("GET") => ok("vary: accept-encoding\r\n", "plain"),
        _ => reply(write, "location: http://other.example/r/2\r\n", ""),
    })
    .await;
    let state = "state = { query = ['page'], headers = ['accept-language'] }";
    let proxy = with_route(origin.address, state).await;
    for cache in [MISS, HIT] {
        assert_eq!(read_all(&proxy).await, [cache, cache, variant(cache), cache, cache]);
    }
    (origin, proxy)
}

/// The second coding of a target is a miss by Vary.
fn variant(cache: &'static str) -> &'static str {
    if cache == MISS { "fwd=vary-miss; stored; level=2; route=r" } else { cache }
}

async fn read_all(proxy: &Proxy) -> [String; 5] {
    let plain = proxy.get("/r/1").send().await.cache();
    let page = proxy.get("/r/1?page=2").send().await.cache();
    let packed = proxy.get("/r/1").field("accept-encoding", "gzip").send().await.cache();
    let french = proxy.get("/r/1").field("accept-language", "fr").send().await.cache();
    let other = proxy.get("/r/2").send().await.cache();
    [plain, page, packed, french, other]
}

#[tokio::test]
async fn a_write_that_succeeds_ends_every_query_and_variant_of_its_path() {
    for (method, status) in [
        ("PUT", "200 OK"),
        ("POST", "201 Created"),
        ("DELETE", "204 No Content"),
        ("PATCH", "303 See Other"),
        ("X-MERGE", "202 Accepted"),
    ] {
        let (_origin, proxy) = stocked(status).await;
        // As its GET route canonicalises it, whatever the write's own query and spelling.
        let write = proxy.get("/q/../r/%31?return=minimal").field("host", "API.example:80").method(method);
        assert_eq!(write.send().await.cache(), "fwd=method; route=r");
        assert_eq!(read_all(&proxy).await, [MISS, MISS, variant(MISS), MISS, HIT], "{method} {status}");
    }
}

#[tokio::test]
async fn a_write_that_fails_or_asks_only_ends_nothing() {
    for (method, status) in [
        ("PUT", "400 Bad Request"),
        ("DELETE", "403 Forbidden"),
        ("POST", "500 Internal Server Error"),
        ("OPTIONS", "200 OK"),
    ] {
        let (_origin, proxy) = stocked(status).await;
        proxy.get("/r/1").method(method).send().await;
        assert_eq!(read_all(&proxy).await, [HIT; 5], "{method} {status}");
    }
}

#[tokio::test]
async fn a_write_through_a_route_of_its_own_ends_what_the_reading_route_holds() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = proxy()
        .route(&format!("{ROUTE}methods = ['GET']"))
        .route("name = 'write'\npath = '/r/{id}'\nmethods = ['PUT']\nlevel = 'user'")
        .start(origin.address, &clock())
        .await;
    proxy.get("/r/1?a").send().await;
    assert_eq!(proxy.get("/r/1?b").method("PUT").send().await.cache(), "fwd=method; route=write");
    assert_eq!(proxy.get("/r/1?c").send().await.cache(), MISS);
}

#[tokio::test]
async fn writes_to_another_host_end_nothing_here() {
    let (_origin, proxy) = stocked("200 OK").await;
    proxy.get("/r/1").field("host", "other.example").method("PUT").send().await;
    assert_eq!(read_all(&proxy).await, [HIT; 5]);
}

#[tokio::test]
async fn a_fill_in_flight_when_a_write_is_answered_is_not_stored() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let origin = scripted(move |n, _| match n {
        0 => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nold ".to_vec();
            Reply::Wait(head, Arc::clone(&wait), b"news".to_vec())
        }
        _ => ok("", "new"),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    let filling = proxy.get("/r/1").open().await;
    assert_eq!(proxy.get("/r/1").method("PUT").send().await.status, 200);
    assert_eq!(origin.count(), 2);
    // Who comes after the write gets nothing of what was asked for before it.
    let after = proxy.get("/r/1").send().await;
    assert_eq!((after.text().as_str(), after.cache().as_str()), ("new", MISS));
    go.notify_one();
    let body = filling.into_body().collect().await.expect("a whole answer").to_bytes();
    assert_eq!(body, "old news");
    let later = proxy.get("/r/1").send().await;
    assert_eq!((later.text().as_str(), later.cache().as_str()), ("new", HIT));
}

#[tokio::test]
async fn a_fetch_whose_head_comes_after_the_write_is_not_stored_either() {
    let go = Arc::new(Notify::new());
    let wait = Arc::clone(&go);
    let origin = scripted(move |n, _| match n {
        0 => Reply::Wait(
            Vec::new(),
            Arc::clone(&wait),
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold".to_vec(),
        ),
        _ => ok("", "new"),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    let asking = tokio::spawn(proxy.get("/r/1").send());
    origin.arrived(1).await;
    assert_eq!(proxy.get("/r/1").method("DELETE").send().await.status, 200);
    go.notify_one();
    assert_eq!(asking.await.expect("an answer").text(), "old");
    let later = proxy.get("/r/1").send().await;
    assert_eq!((later.text().as_str(), later.cache().as_str()), ("new", MISS));
}
