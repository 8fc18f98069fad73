//! The sample origin that tells the truth about caching, behind a proxy with no routes at all: every row is handled to the
//! letter by the origin's own fields.

use serde_json::json;

use super::twice;
use crate::support::{Proxy, Sample, clock, proxy, secs};

async fn house() -> (Sample, Proxy) {
    let clock = clock();
    let origin = Sample::honest(&clock).await;
    let proxy = proxy().start(origin.address, &clock).await;
    (origin, proxy)
}

const STORED: &str = "fwd=uri-miss; stored; level=2; route=default";
const CONFIRMED: &str = "fwd=stale; fwd-status=304; stored; level=2; route=default";

#[tokio::test]
async fn permanent_rows_live_as_long_as_the_origin_says() {
    let (origin, proxy) = house().await;
    let targets = ["/warehouse/sales/2012", "/product/1234&language=french", "/product/1234?language=french"];
    for target in targets {
        let [first, second] = twice(proxy.get(target)).await;
        assert_eq!(first.cache(), STORED);
        assert_eq!(second.cache(), "hit; ttl=31536000; level=2; route=default");
        assert_eq!(second.field("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(first.body, second.body);
    }
    assert_eq!(origin.answered(), 3);
}

#[tokio::test]
async fn changing_rows_hit_for_ten_seconds_and_are_then_confirmed() {
    let (origin, proxy) = house().await;
    let targets = ["/cart/5678", "/user/4567/preferences", "/picture.bmp", "/load/1000"];
    for target in targets {
        let before = origin.answered();
        let [first, second] = twice(proxy.get(target)).await;
        assert_eq!(first.cache(), STORED);
        assert_eq!(second.cache(), "hit; ttl=10; level=2; route=default");
        proxy.advance(secs(9));
        assert_eq!(proxy.get(target).send().await.cache(), "hit; ttl=1; level=2; route=default");
        assert_eq!(origin.answered() - before, 1);
        proxy.advance(secs(1));
        let third = proxy.get(target).send().await;
        assert_eq!((third.status.as_u16(), third.cache().as_str()), (200, CONFIRMED));
        assert_eq!(third.body, first.body);
        assert_eq!(third.field("etag"), first.field("etag"));
        assert_eq!(proxy.get(target).send().await.cache(), "hit; ttl=10; level=2; route=default");
        assert_eq!(origin.answered() - before, 2);
        let asked = origin.recorded().pop().expect("a request");
        assert_eq!(asked.fields["if-none-match"].to_str().expect("text"), first.field("etag"));
    }
}

#[tokio::test]
async fn a_row_that_changed_is_received_anew() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/product/1234").send().await;
    proxy.advance(secs(30));
    let second = proxy.get("/product/1234").send().await;
    assert_eq!(second.cache(), "fwd=stale; stored; level=2; route=default");
    assert_ne!(second.body, first.body);
    let third = proxy.get("/product/1234").send().await;
    assert_eq!(third.cache(), "hit; ttl=10; level=2; route=default");
    assert_eq!(third.body, second.body);
    assert_eq!(origin.answered(), 2);
}

#[tokio::test]
async fn writes_are_seen_by_the_next_reader() {
    let (_origin, proxy) = house().await;
    proxy.get("/product/1234").send().await;
    let content = json!({ "price": 1.5, "stock": 7 }).to_string();
    let put =
        proxy.get("/product/1234").method("PUT").field("content-type", "application/json").body(content);
    assert_eq!(put.send().await.cache(), "fwd=method; route=default");
    assert_eq!(proxy.get("/product/1234").send().await.json()["price"], 1.5);
    assert_eq!(proxy.get("/product/1234").method("DELETE").send().await.status, 204);
    let [gone, again] = twice(proxy.get("/product/1234")).await;
    assert_eq!((gone.status.as_u16(), gone.cache().as_str()), (410, STORED));
    assert_eq!((again.status.as_u16(), again.cache().as_str()), (410, "hit; ttl=5; level=2; route=default"));
}

#[tokio::test]
async fn rows_of_a_user_are_never_stored() {
    let (origin, proxy) = house().await;
    let alice = origin.token("alice", "password123").await;
    let bob = origin.token("bob", "mypassword").await;
    let before = origin.answered();
    for target in ["/level3/product/1235", "/publicity", "/my-cart", "/level3/greeting/1234"] {
        for token in [&alice, &bob, &alice] {
            let answer = proxy.get(target).field("authorization", token).send().await;
            assert_eq!(answer.status, 200, "{target}");
            assert_eq!(answer.cache(), "fwd=bypass; level=3; route=default; detail=request-identity");
        }
        let nobody = proxy.get(target).send().await;
        assert_eq!(nobody.status, 401);
        assert_eq!(nobody.cache(), "fwd=bypass; level=3; route=default; detail=response-private");
    }
    assert_eq!(origin.answered() - before, 16);
    let hers = proxy.get("/my-cart").field("authorization", &alice).send().await;
    assert_eq!(hers.json()["cart"], 5678);
}

#[tokio::test]
async fn a_row_of_a_session_is_never_stored() {
    let (origin, proxy) = house().await;
    let session = origin.session("alice", "password123").await;
    let before = origin.answered();
    for answer in twice(proxy.get("/level4/product/1234").field("cookie", &session)).await {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.cache(), "fwd=bypass; level=4; route=default; detail=request-session");
    }
    let nobody = proxy.get("/level4/product/1234").send().await;
    assert_eq!(nobody.status, 401);
    assert_eq!(nobody.cache(), "fwd=bypass; level=4; route=default; detail=vary-cookie");
    assert_eq!(origin.answered() - before, 3);
}

#[tokio::test]
async fn chance_is_not_stored_because_the_origin_says_so() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/random")).await;
    assert_ne!(first.body, second.body);
    assert_eq!(first.cache(), "fwd=uri-miss; route=default; detail=response-no-store");
    assert_eq!(origin.answered(), 2);
}

#[tokio::test]
async fn what_is_absent_is_remembered_as_long_as_the_origin_says() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/warehouse/sales/2023")).await;
    assert_eq!((first.status.as_u16(), first.cache().as_str()), (404, STORED));
    assert_eq!(second.cache(), "hit; ttl=5; level=2; route=default");
    let [first, second] = twice(proxy.get("/product/1234?language=klingon")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (400, 400));
    assert_eq!(second.cache(), "fwd=uri-miss; route=default; detail=response-no-store");
    assert_eq!(origin.answered(), 3);
}

#[tokio::test]
async fn a_public_row_is_shared_with_whoever_asks() {
    let (origin, proxy) = house().await;
    assert_eq!(proxy.get("/cart/5678").field("cookie", "session=x").send().await.cache(), STORED);
    for (name, value) in [("cookie", "session=y"), ("authorization", "Bearer z"), ("x-api-key", "k")] {
        let answer = proxy.get("/cart/5678").field(name, value).send().await;
        assert_eq!(answer.cache(), "hit; ttl=10; level=2; route=default", "{name}");
    }
    assert_eq!(origin.answered(), 1);
}

#[tokio::test]
async fn a_client_that_holds_the_answer_gets_304() {
    let (origin, proxy) = house().await;
    let held = proxy.get("/cart/5678").send().await;
    let again = proxy.get("/cart/5678").field("if-none-match", &held.field("etag")).send().await;
    assert_eq!((again.status.as_u16(), again.cache().as_str()), (304, "hit; ttl=10; level=2; route=default"));
    assert!(again.body.is_empty());
    let part = proxy.get("/cart/5678").field("range", "bytes=0-4").send().await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &held.body[..5]));
    assert_eq!(origin.answered(), 1);
}
