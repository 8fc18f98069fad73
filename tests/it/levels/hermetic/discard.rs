//! Declared too low: an answer to the anonymous fetch that speaks of identity, or is none that could be shared, is
//! discarded, and the client's own request goes to the origin as it came.

use serde_json::json;

use super::{super::reply, HIT, MISS, with_route};
use crate::support::{Ask, Proxy, Scripted, Seen, clock, ok, proxy, scripted, secs};

/// An answer that no shared cache may give to another: its status and fields; then the level and the name of the reason.
struct Discarded(&'static str, &'static str, u8, &'static str);

const DISCARDED: [Discarded; 24] = [
    Discarded("401 Unauthorized", "www-authenticate: Bearer\r\n", 3, "access-control"),
    Discarded("403 Forbidden", "", 3, "access-control"),
    Discarded("403 Forbidden", "cache-control: public, max-age=60\r\n", 3, "access-control"),
    Discarded("407 Proxy Authentication Required", "", 3, "access-control"),
    Discarded("302 Found", "location: /login\r\n", 2, "status-unexpected"),
    Discarded("302 Found", "location: /login\r\ncache-control: max-age=60\r\n", 2, "status-unexpected"),
    Discarded("303 See Other", "location: /login\r\n", 2, "status-unexpected"),
    Discarded("307 Temporary Redirect", "location: /login\r\n", 2, "status-unexpected"),
    Discarded("400 Bad Request", "", 2, "status-unexpected"),
    Discarded("406 Not Acceptable", "", 2, "status-unexpected"),
    Discarded("429 Too Many Requests", "", 2, "status-unexpected"),
    Discarded("206 Partial Content", "content-range: bytes 0-8/99\r\n", 2, "partial-content"),
    Discarded("200 OK", "set-cookie: session=new\r\n", 4, "set-cookie"),
    Discarded("404 Not Found", "set-cookie: session=new\r\n", 4, "set-cookie"),
    Discarded("200 OK", "cache-control: private\r\n", 3, "response-private"),
    Discarded("200 OK", "cache-control: max-age=60\r\ncache-control: PRIVATE\r\n", 3, "response-private"),
    Discarded("200 OK", "vary: accept-encoding, Cookie\r\n", 4, "vary-cookie"),
    Discarded("200 OK", "vary: Authorization\r\n", 3, "vary-identity"),
    Discarded("200 OK", "vary: X-Api-Key\r\n", 3, "vary-identity"),
    Discarded("200 OK", "vary: accept\r\nvary: *\r\n", 5, "vary-star"),
    Discarded("200 OK", "content-type: text/event-stream; charset=utf-8\r\n", 2, "endless-stream"),
    Discarded("200 OK", "content-type: multipart/x-mixed-replace;boundary=b\r\n", 2, "endless-stream"),
    Discarded("200 OK", "content-type: application/grpc+proto\r\n", 2, "endless-stream"),
    Discarded("200 OK", "content-encoding: gzip\r\n", 2, "content-coding"),
];

fn is_own(seen: &Seen) -> bool {
    seen.field("cookie") == Some("s=mine")
}

/// An origin that answers `/r/low` to who it knows, and so to all others; the rest is open.
async fn origin(status: &'static str, fields: &'static str) -> Scripted {
    scripted(move |_, seen| match seen {
        seen if !seen.line.contains("/r/low") => ok("", "open"),
        seen if is_own(seen) => ok("cache-control: max-age=60, public\r\nx-own: yes\r\n", "mine"),
        _ => reply(status, fields, "anonymous"),
    })
    .await
}

fn own(proxy: &Proxy) -> Ask {
    proxy.get("/r/low?junk=%7E&cb=1").field("cookie", "s=mine").field("x-anything", "kept")
}

#[tokio::test]
async fn the_clients_own_request_is_forwarded_as_it_came_and_nothing_is_stored() {
    for Discarded(status, fields, level, reason) in DISCARDED {
        let origin = origin(status, fields).await;
        let proxy = with_route(origin.address, "").await;
        let bypass = format!("fwd=bypass; level={level}; route=r; detail={reason}");
        let first = own(&proxy).send().await;
        assert_eq!(
            (first.text().as_str(), first.field("x-own").as_str()),
            ("mine", "yes"),
            "{status} {fields}"
        );
        assert_eq!(first.cache(), bypass);
        // One anonymous fetch, then the request as it came.
        let seen = origin.seen();
        assert_eq!(seen.len(), 2, "{status} {fields}");
        assert!(!is_own(&seen[0]) && seen[0].line == "GET /r/low HTTP/1.1", "{:?}", seen[0]);
        assert_eq!(seen[1].line, "GET /r/low?junk=%7E&cb=1 HTTP/1.1");
        assert_eq!(seen[1].field("x-anything"), Some("kept"));
        // Nothing was stored: who is nobody gets what the origin says to nobody.
        let nobody = proxy.get("/r/low").send().await;
        assert_eq!((nobody.text().as_str(), nobody.cache()), ("anonymous", bypass), "{status} {fields}");
        assert_eq!(nobody.status.as_str(), &status[..3]);
        assert_eq!(origin.count(), 3);
    }
}

#[tokio::test]
async fn the_key_bypasses_for_the_uncacheable_memory_and_is_then_tried_again() {
    for Discarded(status, fields, level, reason) in DISCARDED {
        let origin = origin(status, fields).await;
        let proxy = proxy()
            .cache("uncacheable_memory = '10s'")
            .route(super::ROUTE)
            .start(origin.address, &clock())
            .await;
        own(&proxy).send().await;
        proxy.advance(secs(9));
        let remembered = own(&proxy).send().await;
        assert_eq!(remembered.cache(), format!("fwd=bypass; level={level}; route=r; detail={reason}"));
        assert_eq!(origin.count(), 3, "nine seconds on, the key is not tried");
        proxy.advance(secs(1));
        assert_eq!(own(&proxy).send().await.text(), "mine");
        assert_eq!(origin.count(), 5, "ten seconds on, it is");
        assert!(!is_own(&origin.seen()[3]) && is_own(&origin.seen()[4]));
    }
}

#[tokio::test]
async fn one_protected_resource_never_takes_its_route_out_of_the_cache() {
    let origin = origin("403 Forbidden", "").await;
    let proxy = with_route(origin.address, "state = { query = ['page'] }").await;
    own(&proxy).send().await;
    let caches = [proxy.get("/r/open").send().await.cache(), proxy.get("/r/open").send().await.cache()];
    assert_eq!(caches, [MISS, HIT]);
    // Another key of the same path is another key.
    proxy.get("/r/low?page=2").send().await;
    let lines: Vec<_> = origin.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines[3..], ["GET /r/low?page=2 HTTP/1.1"; 2]);
}

#[tokio::test]
async fn what_turned_out_open_is_stored_once_it_is_tried_again() {
    let origin = scripted(|n, _| match n {
        0 | 1 => reply("401 Unauthorized", "", "not yet"),
        _ => ok("", "open"),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    assert_eq!(proxy.get("/r/1").send().await.status, 401);
    proxy.advance(secs(30));
    let answers = super::super::twice(proxy.get("/r/1")).await;
    assert_eq!(answers.map(|answer| answer.cache()), [MISS, HIT]);
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn a_stale_answer_whose_resource_became_private_is_not_given_any_more() {
    let origin = scripted(|n, _| match n {
        0 => ok("etag: \"a\"\r\n", "public once"),
        _ => ok("cache-control: private\r\n", "private now"),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    proxy.get("/r/1").send().await;
    proxy.advance(secs(60));
    for _ in 0..2 {
        let answer = proxy.get("/r/1").send().await;
        assert_eq!(answer.text(), "private now");
        assert_eq!(answer.cache(), "fwd=bypass; level=3; route=r; detail=response-private");
    }
}

#[tokio::test]
async fn a_confirmation_that_says_private_confirms_nothing() {
    let origin = scripted(|n, _| match n {
        0 => ok("etag: \"a\"\r\n", "public once"),
        1 => reply("304 Not Modified", "etag: \"a\"\r\ncache-control: private\r\n", ""),
        _ => ok("cache-control: private\r\n", "private now"),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    proxy.get("/r/1").send().await;
    proxy.advance(secs(60));
    let answer = proxy.get("/r/1").send().await;
    assert_eq!(answer.text(), "private now");
    assert_eq!(answer.cache(), "fwd=bypass; level=3; route=r; detail=response-private");
}

#[tokio::test]
async fn the_content_of_a_query_goes_along_and_head_stays_head() {
    let origin = origin("401 Unauthorized", "").await;
    let proxy = with_route(origin.address, "").await;
    let query = own(&proxy).method("QUERY").field("content-type", "text/plain").body("select a").send().await;
    assert_eq!(query.text(), "mine");
    let seen = &origin.seen()[1];
    assert_eq!(seen.line, "QUERY /r/low?junk=%7E&cb=1 HTTP/1.1");
    assert_eq!(seen.body, b"select a");
    let head = own(&proxy).method("HEAD").send().await;
    assert_eq!((head.field("x-own").as_str(), head.text().as_str()), ("yes", ""));
    let lines: Vec<_> = origin.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines[2..], ["GET /r/low HTTP/1.1", "HEAD /r/low?junk=%7E&cb=1 HTTP/1.1"]);
}

#[tokio::test]
async fn the_finding_shows_in_the_admin_place() {
    let origin = origin("200 OK", "set-cookie: a=b\r\n").await;
    let proxy = proxy()
        .admin()
        .cache("uncacheable_memory = '10s'")
        .route(super::ROUTE)
        .start(origin.address, &clock())
        .await;
    let findings = || async {
        let routes = proxy.admin("/api/routes").send().await.json();
        let all = routes["routes"].as_array().expect("a list").clone();
        all.into_iter().find(|route| route["name"] == "r").expect("the route")["findings"].clone()
    };
    assert_eq!(findings().await, json!([]));
    own(&proxy).send().await;
    own(&proxy).send().await;
    assert_eq!(findings().await, json!([{ "reason": "set-cookie", "count": 1 }]));
    proxy.advance(secs(10));
    own(&proxy).send().await;
    assert_eq!(findings().await, json!([{ "reason": "set-cookie", "count": 2 }]));
}
