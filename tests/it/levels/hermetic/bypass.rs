//! Requests that go to the origin as they came, and leave nothing behind.

use super::{HIT, MISS, with_route};
use crate::support::{ok, scripted};

#[tokio::test]
async fn get_with_content_is_forwarded_intact_both_on_a_miss_and_on_a_hit() {
    let origin = scripted(|_, seen| ok("", &format!("echo {}", String::from_utf8_lossy(&seen.body)))).await;
    let proxy = with_route(origin.address, "").await;
    let ask = proxy.get("/r/1?junk=1").field("cookie", "s=1").body("secret");
    for warmed in [false, true] {
        let answer = ask.clone().send().await;
        assert_eq!(answer.text(), "echo secret");
        assert_eq!(answer.cache(), "fwd=bypass; level=2; route=r; detail=request-content");
        let plain = proxy.get("/r/1").send().await;
        assert_eq!(plain.cache(), if warmed { HIT } else { MISS });
        assert_eq!(plain.text(), "echo ");
    }
    let seen = &origin.seen()[0];
    assert_eq!(seen.line, "GET /r/1?junk=1 HTTP/1.1");
    assert_eq!((seen.field("cookie"), seen.body.as_slice()), (Some("s=1"), b"secret".as_slice()));
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn a_content_length_of_zero_is_no_content() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = with_route(origin.address, "").await;
    let ask = proxy.get("/r/1").field("content-length", "0");
    assert_eq!(ask.clone().send().await.cache(), MISS);
    assert_eq!(ask.send().await.cache(), HIT);
    assert_eq!(origin.seen()[0].field("content-length"), None);
}

#[tokio::test]
async fn preconditions_are_for_the_origin_to_judge() {
    for (name, value) in [("if-match", "\"a\""), ("if-unmodified-since", "Tue, 31 Dec 2013 00:00:00 GMT")] {
        let origin = scripted(|_, _| ok("", "answer")).await;
        let proxy = with_route(origin.address, "").await;
        for _ in 0..2 {
            let answer = proxy.get("/r/1").field(name, value).send().await;
            assert_eq!(answer.cache(), "fwd=bypass; level=2; route=r; detail=precondition");
            proxy.get("/r/1").send().await;
        }
        assert_eq!(origin.count(), 3);
        assert_eq!(origin.seen()[0].field(name), Some(value));
    }
}

#[tokio::test]
async fn other_methods_go_to_the_origin_as_they_came() {
    let origin = scripted(|_, _| ok("access-control-allow-origin: *\r\n", "")).await;
    let proxy = with_route(origin.address, "").await;
    let ask = proxy
        .get("/r/1?junk=1")
        .method("OPTIONS")
        .field("origin", "http://app.example")
        .field("access-control-request-method", "PUT");
    for n in 0..2 {
        assert_eq!(ask.clone().send().await.cache(), "fwd=method; route=r");
        let seen = &origin.seen()[n];
        assert_eq!(seen.line, "OPTIONS /r/1?junk=1 HTTP/1.1");
        assert_eq!(seen.field("origin"), Some("http://app.example"));
    }
}
