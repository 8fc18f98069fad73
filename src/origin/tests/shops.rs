//! The two shops, in the words of their examples: one is told everything in each request, the other remembers.

use std::time::Duration;

use serde_json::json;

use super::{Fixture, Reply, honest, silent};

const ORDER: &str =
    r#"{"cartItems":[{"id":"book1","quantity":2}],"paymentDetails":{"method":"credit_card"}}"#;
const ITEM: &str = r#"{"item":{"id":"book1","quantity":2}}"#;

async fn order(origin: &Fixture, authorization: Option<&str>, content: &str) -> Reply {
    let ask = origin.ask("POST", "/stateless/checkout").json(content);
    match authorization {
        Some(value) => ask.field("authorization", value).send().await,
        None => ask.send().await,
    }
}

async fn add(origin: &Fixture, cookie: &str, content: &str) -> Reply {
    origin.ask("POST", "/stateful/cart").field("cookie", cookie).json(content).send().await
}

async fn look(origin: &Fixture, cookie: &str) -> Reply {
    origin.ask("GET", "/stateful/cart").field("cookie", cookie).send().await
}

async fn check_out(origin: &Fixture, cookie: &str) -> Reply {
    origin.ask("POST", "/stateful/checkout").field("cookie", cookie).send().await
}

#[tokio::test]
async fn an_order_that_says_everything_is_processed_by_any_instance() {
    let (one, other) = (silent(), silent());
    let bearer = format!("Bearer {}", one.token("alice").await);
    for origin in [&one, &other, &one] {
        let reply = order(origin, Some(&bearer), ORDER).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.value(), json!({ "status": "Order processed", "user": "alice" }));
    }
    for nothing_in_it in ["{}", r#"{"cartItems":[]}"#] {
        assert_eq!(order(&one, Some(&bearer), nothing_in_it).await.value()["user"], "alice");
    }
}

#[tokio::test]
async fn an_order_of_nobody_is_refused_in_the_words_of_the_shop() {
    let origin = silent();
    let bearer = format!("Bearer {}", origin.token("alice").await);
    for (authorization, words) in [
        (None, "Authorization header missing"),
        (Some(""), "Authorization header missing"),
        (Some("Bearer"), "Invalid authorization header"),
        (Some("Basic abc"), "Invalid authorization header"),
        (Some("Bearer abc"), "Invalid or expired token"),
    ] {
        let reply = order(&origin, authorization, "not even JSON").await;
        assert_eq!((reply.status.as_u16(), reply.value()), (401, json!({ "error": words })));
    }
    origin.hand.advance(Duration::from_hours(1));
    assert_eq!(order(&origin, Some(&bearer), ORDER).await.error(), "Invalid or expired token");
}

#[tokio::test]
async fn an_order_of_another_shape_is_400() {
    let origin = silent();
    let bearer = format!("Bearer {}", origin.token("alice").await);
    for content in [
        "[]",
        r#"{"cartItems":"book1"}"#,
        r#"{"cartItems":["book1"]}"#,
        r#"{"paymentDetails":"credit_card"}"#,
        r#"{"cartItems":null}"#,
    ] {
        let reply = order(&origin, Some(&bearer), content).await;
        assert_eq!(reply.status, 400, "{content}");
        assert!(reply.error().len() > 10);
    }
}

#[tokio::test]
async fn a_session_remembers_its_cart_until_the_checkout() {
    let origin = silent();
    let (first, second) = (origin.session("alice").await, origin.session("alice").await);
    let reply = add(&origin, &first, ITEM).await;
    assert_eq!((reply.status.as_u16(), reply.field("content-type")), (200, "application/json"));
    assert_eq!(reply.value(), json!({ "cart": [{ "id": "book1", "quantity": 2 }] }));
    add(&origin, &first, r#"{"item":{"id":"pen","note":"\"blue\", please"}}"#).await;
    let cart = look(&origin, &first).await;
    assert_eq!(cart.value()["cart"][1]["note"], "\"blue\", please");
    assert_eq!(look(&origin, &second).await.value(), json!({ "cart": [] }), "a cart is of one session");

    let paid = check_out(&origin, &first).await;
    assert_eq!(
        (paid.status.as_u16(), &paid.value()),
        (200, &json!({ "status": "Order processed", "user": "alice" }))
    );
    assert_eq!(look(&origin, &first).await.value(), json!({ "cart": [] }));
    assert_eq!(check_out(&origin, &first).await.status, 200, "nothing is an order too, as in the example");
}

#[tokio::test]
async fn an_instance_that_did_not_see_the_login_knows_nobody() {
    let (one, other) = (silent(), silent());
    let cookie = one.session("bob").await;
    add(&one, &cookie, ITEM).await;
    for (origin, cookie) in [(&other, cookie.as_str()), (&one, "session=guess"), (&one, "")] {
        for reply in [
            add(origin, cookie, "no JSON").await,
            look(origin, cookie).await,
            check_out(origin, cookie).await,
        ] {
            assert_eq!((reply.status.as_u16(), reply.value()), (401, json!({ "error": "Not logged in" })));
        }
    }
    assert_eq!(
        look(&one, &cookie).await.value()["cart"][0]["id"],
        "book1",
        "and the one that did still does"
    );
    one.hand.advance(Duration::from_hours(12));
    assert_eq!(look(&one, &cookie).await.status, 401);
}

#[tokio::test]
async fn a_cart_takes_items_that_are_objects_and_only_so_many() {
    let origin = silent();
    let cookie = origin.session("alice").await;
    for content in ["{}", "[]", r#"{"item":1}"#, r#"{"item":null}"#, r#"{"item":[{}]}"#] {
        assert_eq!(add(&origin, &cookie, content).await.status, 400, "{content}");
    }
    let large = format!(r#"{{"item":{{"id":"{}"}}}}"#, "x".repeat(4_000));
    assert_eq!(add(&origin, &cookie, &large).await.status, 200);
    assert_eq!(add(&origin, &cookie, &large).await.status, 200);
    let full = add(&origin, &cookie, &large).await;
    assert_eq!(
        (full.status.as_u16(), full.error().as_str()),
        (507, "the cart is full; a checkout empties it")
    );
    assert_eq!(look(&origin, &cookie).await.value()["cart"].as_array().unwrap().len(), 2);
    check_out(&origin, &cookie).await;
    assert_eq!(add(&origin, &cookie, &large).await.status, 200);
}

#[tokio::test]
async fn an_honest_shop_lets_nothing_of_a_user_be_shared() {
    let origin = honest();
    let bearer = format!("Bearer {}", origin.token("alice").await);
    for authorization in [Some(bearer.as_str()), None] {
        for content in [ORDER, "[]"] {
            let reply = order(&origin, authorization, content).await;
            assert_eq!(
                (reply.field("cache-control"), reply.field("vary")),
                ("private, no-store", "Authorization")
            );
        }
    }
    let cookie = origin.session("alice").await;
    for cookie in [cookie.as_str(), ""] {
        let replies = [
            add(&origin, cookie, ITEM).await,
            add(&origin, cookie, "[]").await,
            look(&origin, cookie).await,
            check_out(&origin, cookie).await,
        ];
        for reply in replies {
            assert_eq!((reply.field("cache-control"), reply.field("vary")), ("private, no-store", "Cookie"));
            assert_eq!(reply.field("etag"), "");
        }
    }
}
