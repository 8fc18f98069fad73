//! The stateless and the stateful shop: each request says everything, or the server remembers.

use serde_json::json;

use super::{BY_METHOD, bypassed, cookie, house, post_json, twice};
use crate::support::{Answer, clock, sample, secs, shipped};

const ALICE: &str = r#"{"username":"alice","password":"password123"}"#;
const ORDER: &str =
    r#"{"cartItems":[{"id":"book1","quantity":2}],"paymentDetails":{"method":"credit_card"}}"#;
const ITEM: &str = r#"{"item": {"id": "book1", "quantity": 2}}"#;

fn said(answer: &Answer) -> (u16, serde_json::Value) {
    (answer.status.as_u16(), answer.json())
}

fn processed() -> (u16, serde_json::Value) {
    (200, json!({ "status": "Order processed", "user": "alice" }))
}

fn refused(words: &str) -> (u16, serde_json::Value) {
    (401, json!({ "error": words }))
}

#[tokio::test]
async fn the_stateless_shop_takes_a_token_the_cart_and_the_payment_in_one_request() {
    let (origin, proxy) = house().await;
    let login = post_json(&proxy, "/stateless/login", ALICE).send().await;
    assert_eq!((login.status.as_u16(), login.cache().as_str()), (200, BY_METHOD));
    assert_eq!(login.field("set-cookie"), "");
    let token = format!("Bearer {}", login.json()["token"].as_str().expect("a token"));
    let order = post_json(&proxy, "/stateless/checkout", ORDER).field("authorization", &token);
    for answer in twice(order.clone()).await {
        assert_eq!(said(&answer), processed());
        assert_eq!(answer.cache(), BY_METHOD);
    }
    assert_eq!(origin.answered(), 3);
    proxy.advance(secs(3600));
    assert_eq!(said(&order.send().await), refused("Invalid or expired token"));
}

#[tokio::test]
async fn the_stateless_shop_refuses_in_its_own_words() {
    let (_origin, proxy) = house().await;
    let wrong = r#"{"username":"alice","password":"guess"}"#;
    for answer in twice(post_json(&proxy, "/stateless/login", wrong)).await {
        assert_eq!(said(&answer), refused("Invalid credentials"));
        assert_eq!(answer.cache(), BY_METHOD);
    }
    let order = || post_json(&proxy, "/stateless/checkout", ORDER);
    assert_eq!(said(&order().send().await), refused("Authorization header missing"));
    for (authorization, words) in [
        ("Bearer", "Invalid authorization header"),
        ("Basic abc", "Invalid authorization header"),
        ("Bearer abc", "Invalid or expired token"),
    ] {
        assert_eq!(said(&order().field("authorization", authorization).send().await), refused(words));
    }
}

#[tokio::test]
async fn the_stateful_shop_keeps_the_cart_in_the_session_until_the_checkout() {
    let (origin, proxy) = house().await;
    let login = post_json(&proxy, "/stateful/login", ALICE).send().await;
    assert_eq!(said(&login), (200, json!({ "message": "Logged in successfully!" })));
    assert_eq!(login.cache(), BY_METHOD);
    let session = cookie(&login);
    let look = proxy.get("/stateful/cart").field("cookie", &session);
    assert_eq!(look.clone().send().await.json(), json!({ "cart": [] }));
    let added = post_json(&proxy, "/stateful/cart", ITEM).field("cookie", &session).send().await;
    let cart = json!({ "cart": [{ "id": "book1", "quantity": 2 }] });
    assert_eq!(said(&added), (200, cart.clone()));
    assert_eq!(added.cache(), "fwd=method; route=session-cart");
    for answer in twice(look.clone()).await {
        assert_eq!(said(&answer), (200, cart.clone()));
        assert_eq!(answer.cache(), bypassed(4, "session-cart"));
    }
    let check_out = proxy.get("/stateful/checkout").method("POST").field("cookie", &session);
    assert_eq!(said(&check_out.send().await), processed());
    assert_eq!(look.send().await.json(), json!({ "cart": [] }));
    assert_eq!(origin.answered(), 7);
}

#[tokio::test]
async fn the_stateful_shop_knows_nobody_who_has_not_logged_in() {
    let (_origin, proxy) = house().await;
    let wrong = r#"{"username":"bob","password":"password123"}"#;
    assert_eq!(
        said(&post_json(&proxy, "/stateful/login", wrong).send().await),
        refused("Invalid credentials")
    );
    let check_out = proxy.get("/stateful/checkout").method("POST");
    for ask in [post_json(&proxy, "/stateful/cart", ITEM), check_out, proxy.get("/stateful/cart")] {
        assert_eq!(said(&ask.clone().send().await), refused("Not logged in"));
        assert_eq!(said(&ask.field("cookie", "session=guess").send().await), refused("Not logged in"));
    }
}

#[tokio::test]
async fn another_instance_takes_the_token_and_does_not_know_the_session() {
    let clock = clock();
    let (one, other) = (sample(&clock).await, sample(&clock).await);
    let before = shipped(one.address, &clock).await;
    let after = shipped(other.address, &clock).await;
    let token = one.token("alice", "password123").await;
    let session = cookie(&post_json(&before, "/stateful/login", ALICE).send().await);
    post_json(&before, "/stateful/cart", ITEM).field("cookie", &session).send().await;
    for proxy in [&before, &after] {
        let order = post_json(proxy, "/stateless/checkout", ORDER).field("authorization", &token);
        assert_eq!(said(&order.send().await), processed());
    }
    let cart = |proxy: &crate::support::Proxy| proxy.get("/stateful/cart").field("cookie", &session).send();
    assert_eq!(said(&cart(&after).await), refused("Not logged in"));
    assert_eq!(cart(&before).await.json()["cart"][0]["id"], "book1");
}
