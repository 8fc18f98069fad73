//! Every row of the sample origin behind the config that is shipped for it, each at the level that it is declared at.

use serde_json::json;

use super::twice;
use crate::support::{Ask, Proxy, Sample, clock, sample, secs, shipped};

/// The sample origin behind the shipped config.
pub(super) async fn house() -> (Sample, Proxy) {
    let clock = clock();
    let origin = sample(&clock).await;
    let proxy = shipped(origin.address, &clock).await;
    (origin, proxy)
}

pub(super) fn bypassed(level: u8, route: &str) -> String {
    format!("fwd=bypass; level={level}; route={route}; detail=route-declared")
}

impl Sample {
    async fn alice(&self) -> String {
        self.token("alice", "password123").await
    }

    async fn bob(&self) -> String {
        self.token("bob", "mypassword").await
    }
}

fn put(proxy: &Proxy, target: &str, content: &serde_json::Value) -> Ask {
    proxy.get(target).method("PUT").field("content-type", "application/json").body(content.to_string())
}

// ---- Level 1 -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn the_sales_of_a_closed_year_are_fetched_once_and_for_ever() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/warehouse/sales/2012").send().await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=1; route=warehouse");
    proxy.advance(secs(10 * 365 * 86_400));
    let second = proxy.get("/warehouse/sales/2012").field("authorization", "Bearer who").send().await;
    assert_eq!(second.cache(), "hit; level=1; route=warehouse");
    assert_eq!(second.body, first.body);
    assert_eq!(second.json()["year"], 2012);
    assert_eq!(origin.answered(), 1);
}

#[tokio::test]
async fn a_running_year_is_absent_for_a_little_while_only() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/warehouse/sales/2023")).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (404, 404));
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=1; route=warehouse");
    assert_eq!(second.cache(), "hit; ttl=5; level=1; route=warehouse");
    // The next New Year closes the books.
    proxy.advance(secs(60 * 86_400));
    assert_eq!(proxy.get("/warehouse/sales/2023").send().await.status, 200);
    assert_eq!(origin.answered(), 2);
}

#[tokio::test]
async fn a_text_in_the_literal_path_is_permanent() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/product/1234&language=french")).await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=1; route=product-text");
    assert_eq!(second.cache(), "hit; level=1; route=product-text");
    assert_eq!(second.json()["language"], "french");
    let german = proxy.get("/product/1234&language=german").send().await;
    assert_eq!(german.json()["language"], "german");
    assert_eq!(origin.answered(), 2);
    assert_eq!(origin.recorded()[0].target, "/product/1234&language=french");
}

#[tokio::test]
async fn a_text_by_query_is_permanent_and_other_parameters_never_reach_the_origin() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/product/1234?utm=x&language=french&z").send().await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=1; route=product-text-query");
    let second = proxy.get("/product/1234?language=french&cb=2").send().await;
    assert_eq!(second.cache(), "hit; level=1; route=product-text-query");
    assert_eq!(second.body, first.body);
    assert_eq!(origin.answered(), 1);
    assert_eq!(origin.recorded()[0].target, "/product/1234?language=french");
}

#[tokio::test]
async fn an_unknown_language_is_refused_and_never_stored() {
    let (_origin, proxy) = house().await;
    for answer in twice(proxy.get("/product/1234?language=klingon")).await {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["links"]["french"], "/product/1234?language=french");
        assert_eq!(answer.cache(), "fwd=bypass; level=1; route=product-text-query; detail=status-unexpected");
    }
}

// ---- Level 2 -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_picture_that_is_replaced_or_taken_offline_is_never_seen_again() {
    let (origin, proxy) = house().await;
    let [drawn, again] = twice(proxy.get("/picture.bmp")).await;
    assert_eq!(drawn.cache(), "fwd=uri-miss; stored; level=2; route=picture");
    assert_eq!(again.cache(), "hit; ttl=10; level=2; route=picture");
    let mut other = drawn.body.to_vec();
    *other.last_mut().expect("a picture") ^= 0xff;
    let put = proxy.get("/picture.bmp").method("PUT").field("content-type", "image/bmp").body(other.clone());
    let answer = put.send().await;
    assert_eq!((answer.status.as_u16(), answer.cache().as_str()), (204, "fwd=method; route=picture"));
    let [replaced, hit] = twice(proxy.get("/picture.bmp")).await;
    assert_eq!((&replaced.body, &hit.body), (&other.clone().into(), &other.into()));
    assert_eq!(hit.cache(), "hit; ttl=10; level=2; route=picture");
    assert_eq!(proxy.get("/picture.bmp").method("DELETE").send().await.status, 204);
    let [gone, still] = twice(proxy.get("/picture.bmp")).await;
    assert_eq!((gone.status.as_u16(), still.status.as_u16()), (404, 404));
    assert_eq!(still.cache(), "hit; ttl=5; level=2; route=picture");
    assert_eq!(origin.answered(), 5);
}

#[tokio::test]
async fn a_product_is_fresh_for_its_ttl_and_changed_by_writes() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/product/1234")).await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=product");
    assert_eq!(second.cache(), "hit; ttl=30; level=2; route=product");
    assert_eq!(second.body, first.body);
    let changed = put(&proxy, "/product/1234", &json!({ "price": 1.5, "stock": 7 })).send().await;
    assert_eq!((changed.status.as_u16(), changed.cache().as_str()), (200, "fwd=method; route=product"));
    let after = proxy.get("/product/1234").send().await;
    assert_eq!(after.cache(), "fwd=uri-miss; stored; level=2; route=product");
    assert_eq!((&after.json()["price"], &after.json()["stock"]), (&json!(1.5), &json!(7)));
    assert_eq!(origin.answered(), 3);
}

#[tokio::test]
async fn a_deleted_product_is_gone_at_once_and_its_text_stays() {
    let (_origin, proxy) = house().await;
    proxy.get("/product/1234").send().await;
    assert_eq!(proxy.get("/product/1234").method("DELETE").send().await.status, 204);
    let [gone, again] = twice(proxy.get("/product/1234")).await;
    assert_eq!((gone.status.as_u16(), again.status.as_u16()), (410, 410));
    assert_eq!(gone.cache(), "fwd=uri-miss; stored; level=2; route=product");
    assert_eq!(again.cache(), "hit; ttl=5; level=2; route=product");
    assert_eq!(proxy.get("/product/1234?language=english").send().await.status, 200);
    proxy.advance(secs(5));
    assert_eq!(proxy.get("/product/1234").send().await.cache(), "fwd=stale; stored; level=2; route=product");
}

#[tokio::test]
async fn a_cart_that_is_named_in_its_url_is_shared_by_all() {
    let (origin, proxy) = house().await;
    let alice = proxy.get("/cart/5678").field("authorization", &origin.alice().await).send().await;
    let logins = origin.answered();
    let bob = proxy.get("/cart/5678").field("cookie", "session=bob").send().await;
    assert_eq!(alice.cache(), "fwd=uri-miss; stored; level=2; route=cart");
    assert_eq!(bob.cache(), "hit; ttl=2; level=2; route=cart");
    assert_eq!(bob.body, alice.body);
    assert_eq!(origin.answered(), logins);
}

#[tokio::test]
async fn preferences_that_are_named_in_their_url_are_shared_by_all() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/user/4567/preferences")).await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=preferences");
    assert_eq!(second.cache(), "hit; ttl=5; level=2; route=preferences");
    assert_eq!(second.json()["language"], "french");
    assert_eq!(origin.answered(), 1);
}

#[tokio::test]
async fn the_load_target_keys_what_it_knows_and_drops_the_rest() {
    let (origin, proxy) = house().await;
    let first = proxy.get("/load/1000?chunked=true&x=1").send().await;
    let second = proxy.get("/load/1000?y=2&chunked=true").send().await;
    assert_eq!(first.cache(), "fwd=uri-miss; stored; level=2; route=load");
    assert!(second.cache().starts_with("hit; ttl="), "{}", second.cache());
    assert!(second.cache().ends_with("; level=2; route=load"), "{}", second.cache());
    assert_eq!((second.body.len(), &second.body), (1000, &first.body));
    assert_eq!(proxy.get("/load/1000").send().await.cache(), "fwd=uri-miss; stored; level=2; route=load");
    assert_eq!(origin.answered(), 2);
}

#[tokio::test]
async fn a_failure_of_the_load_target_is_passed_on_and_not_stored() {
    let (origin, proxy) = house().await;
    for answer in twice(proxy.get("/load/10?status=503")).await {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.cache(), "fwd=uri-miss; level=2; route=load; detail=status-not-storable");
    }
    assert_eq!(origin.answered(), 2);
}

// ---- Level 3 -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn access_control_sees_every_request() {
    let (origin, proxy) = house().await;
    let (alice, bob) = (origin.alice().await, origin.bob().await);
    let before = origin.answered();
    let ask = |token: &str| proxy.get("/level3/product/1234").field("authorization", token);
    for _ in 0..2 {
        for (answer, status) in [
            (ask(&alice).send().await, 200),
            (ask(&bob).send().await, 403),
            (proxy.get("/level3/product/1234").send().await, 401),
        ] {
            assert_eq!(answer.status, status);
            assert_eq!(answer.cache(), bypassed(3, "level3-product"));
        }
    }
    assert_eq!(origin.answered() - before, 6);
}

#[tokio::test]
async fn hidden_and_personal_resources_belong_to_who_asks() {
    let (origin, proxy) = house().await;
    let (alice, bob) = (origin.alice().await, origin.bob().await);
    let before = origin.answered();
    for (target, route) in
        [("/publicity", "publicity"), ("/my-cart", "my-cart"), ("/level3/greeting/1234", "level3-greeting")]
    {
        let ask = |token: &str| proxy.get(target).field("authorization", token);
        let [hers, again] = twice(ask(&alice)).await;
        let his = ask(&bob).send().await;
        let nobodys = proxy.get(target).send().await;
        assert_eq!((hers.status.as_u16(), his.status.as_u16(), nobodys.status.as_u16()), (200, 200, 401));
        assert_eq!(hers.body, again.body);
        assert_ne!(hers.body, his.body, "{target}");
        for answer in [hers, again, his, nobodys] {
            assert_eq!(answer.cache(), bypassed(3, route));
        }
    }
    assert_eq!(origin.answered() - before, 12);
}

// ---- Level 4 -------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn two_sessions_of_one_user_keep_their_own_choice() {
    let (origin, proxy) = house().await;
    let desk = origin.session("alice", "password123").await;
    let phone = origin.session("alice", "password123").await;
    let choice = put(&proxy, "/level4/preferences", &json!({ "language": "german" })).field("cookie", &phone);
    let chosen = choice.send().await;
    assert_eq!((chosen.status.as_u16(), chosen.cache().as_str()), (200, "fwd=method; route=default"));
    let before = origin.answered();
    for _ in 0..2 {
        for (session, language) in [(&desk, "french"), (&phone, "german")] {
            let answer = proxy.get("/level4/product/1234").field("cookie", session).send().await;
            assert_eq!(answer.json()["language"], language);
            assert_eq!(answer.cache(), bypassed(4, "level4-product"));
        }
    }
    assert_eq!(proxy.get("/level4/product/1234").send().await.status, 401);
    assert_eq!(origin.answered() - before, 5);
}

// ---- Level 5, and the logins ---------------------------------------------------------------------------------------

#[tokio::test]
async fn chance_is_asked_each_time() {
    let (origin, proxy) = house().await;
    let [first, second] = twice(proxy.get("/random")).await;
    assert_ne!(first.body, second.body);
    assert_eq!(first.cache(), bypassed(5, "random"));
    assert_eq!(second.cache(), bypassed(5, "random"));
    assert_eq!(origin.answered(), 2);
}

#[tokio::test]
async fn logins_go_through_with_what_they_answer() {
    let (_origin, proxy) = house().await;
    let account = json!({ "username": "alice", "password": "password123" }).to_string();
    let log_in = |target: &str| {
        let ask = proxy.get(target).method("POST").field("content-type", "application/json");
        ask.body(account.clone()).send()
    };
    let stateless = log_in("/stateless/login").await;
    assert_eq!(stateless.cache(), "fwd=method; route=default");
    let token = format!("Bearer {}", stateless.json()["token"].as_str().expect("a token"));
    assert_eq!(proxy.get("/my-cart").field("authorization", &token).send().await.json()["cart"], 5678);
    let stateful = log_in("/stateful/login").await;
    let cookie = stateful.field("set-cookie");
    assert!(cookie.starts_with("session="), "{cookie}");
    let session = cookie.split(';').next().expect("a cookie");
    let text = proxy.get("/level4/product/1234").field("cookie", session).send().await;
    assert_eq!(text.json()["language"], "french");
}
