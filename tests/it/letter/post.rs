//! The answer to POST that may answer a later GET (RFC 9110 section 9.3.3).

use super::HIT;
use crate::support::{Answer, Proxy, Scripted, answer_with, clock, ok, proxy, scripted};

const KEPT: &str = "fwd=method; stored; route=default";
const PASSED: &str = "fwd=method; route=default";

/// An origin whose answer to POST has these fields, and a GET after it.
async fn posted(fields: &'static str, status: &'static str) -> (Answer, Answer, Scripted, Proxy) {
    let origin = scripted(move |_, seen| match seen.line.as_str() {
        "POST /x?q HTTP/1.1" => answer_with(status, fields, "posted"),
        _ => ok("cache-control: max-age=60\r\n", "got"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let post = proxy.get("/x?q").method("POST").body("form").send().await;
    let get = proxy.get("/x?q").send().await;
    (post, get, origin, proxy)
}

#[tokio::test]
async fn rfc9110_section_9_3_3_an_answer_that_is_of_its_own_target_and_fresh_answers_a_later_get() {
    for place in ["/x?q", "?q", "http://API.example/%78?q", "//api.example:80/x?q", ""] {
        let fields = format!("content-location: {place}\r\ncache-control: max-age=60\r\nx-one: 1\r\n");
        let (post, get, origin, proxy) = posted(fields.leak(), "200 OK").await;
        assert_eq!((post.cache().as_str(), post.text().as_str()), (KEPT, "posted"), "{place}");
        assert_eq!((get.cache().as_str(), get.text().as_str()), (HIT, "posted"), "{place}");
        assert_eq!(get.field("x-one"), "1");
        let head = proxy.get("/x?q").method("HEAD").send().await;
        assert_eq!((head.cache().as_str(), head.field("content-length").as_str()), (HIT, "6"));
        assert_eq!(origin.count(), 1);
        let again = proxy.get("/x?q").method("POST").body("form").send().await;
        assert_eq!(again.cache(), KEPT, "another POST is forwarded all the same");
    }
}

#[tokio::test]
async fn rfc9110_section_9_3_3_any_other_answer_to_post_is_only_passed_on() {
    for (fields, status) in [
        ("cache-control: max-age=60\r\n", "200 OK"),
        ("content-location: /x?q\r\n", "200 OK"),
        ("content-location: /x\r\ncache-control: max-age=60\r\n", "200 OK"),
        ("content-location: http://other.example/x?q\r\ncache-control: max-age=60\r\n", "200 OK"),
        ("content-location: /x?q\r\ncontent-location: /x?q\r\ncache-control: max-age=60\r\n", "200 OK"),
        ("content-location: /x?q\r\ncache-control: max-age=60, private\r\n", "200 OK"),
        ("content-location: /x?q\r\ncache-control: max-age=60, no-store\r\n", "200 OK"),
        ("content-location: /x?q\r\ncache-control: max-age=60\r\nset-cookie: a=b\r\n", "200 OK"),
        ("content-location: /x?q\r\ncache-control: max-age=60\r\n", "303 See Other"),
        ("content-location: /x?q\r\ncache-control: max-age=60\r\n", "400 Bad Request"),
        ("content-location: /x?q\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "200 OK"),
    ] {
        let (post, get, ..) = posted(fields, status).await;
        assert_eq!(post.cache(), PASSED, "{fields}{status}");
        assert_eq!(get.text(), "got", "{fields}{status}");
    }
}

#[tokio::test]
async fn who_posts_with_identity_shares_only_what_may_be_shared() {
    let fields = "content-location: /x\r\ncache-control: max-age=60\r\n";
    let origin = scripted(move |_, _| ok(fields, "mine")).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for who in ["cookie", "authorization", "x-api-key"] {
        let post = proxy.get("/x").method("POST").field(who, "me").send().await;
        assert_eq!(post.cache(), PASSED, "{who}");
    }
}

#[tokio::test]
async fn on_a_declared_route_no_post_answers_a_get() {
    let fields = "content-location: /x\r\ncache-control: max-age=60\r\n";
    let origin = scripted(move |_, _| ok(fields, "posted")).await;
    let proxy = proxy().route("name = 'x'\npath = '/x'\nlevel = 2").start(origin.address, &clock()).await;
    assert_eq!(proxy.get("/x").method("POST").send().await.cache(), "fwd=method; route=x");
    assert_eq!(proxy.get("/x").send().await.cache(), "fwd=uri-miss; stored; level=2; route=x");
}
