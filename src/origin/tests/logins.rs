//! Tokens and sessions: what proves who asks, for how long, and to which instance.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{Fixture, Reply, credentials, honest, options, silent};
use crate::origin::{Options, Origin};

#[tokio::test]
async fn both_logins_answer_in_the_words_of_the_shops() {
    let origin = silent();
    let stateful = origin.ask("POST", "/stateful/login").json(&credentials("bob")).send().await;
    assert_eq!(stateful.value(), json!({ "message": "Logged in successfully!" }));
    for shop in ["/stateless/login", "/stateful/login"] {
        for wrong in
            [r#"{"username":"alice","password":"guess"}"#, r#"{"username":"eve","password":""}"#, "{}"]
        {
            let reply = origin.ask("POST", shop).json(wrong).send().await;
            assert_eq!(reply.status, 401, "{shop} {wrong}");
            assert_eq!(reply.value(), json!({ "error": "Invalid credentials" }));
            assert!(!reply.field("www-authenticate").is_empty());
            assert_eq!(reply.field("set-cookie"), "");
        }
    }
}

#[tokio::test]
async fn a_token_lives_for_an_hour_to_the_second() {
    let origin = silent();
    let field = format!("Bearer {}", origin.token("alice").await);
    origin.hand.advance(Duration::from_secs(3599));
    let ask = || origin.ask("GET", "/my-cart").field("authorization", &field).send();
    assert_eq!(ask().await.status, 200);
    origin.hand.advance(Duration::from_secs(1));
    let late = ask().await;
    assert_eq!((late.status.as_u16(), late.error().as_str()), (401, "Invalid or expired token"));
    assert!(late.field("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn what_is_no_token_is_refused_in_the_words_of_the_shop() {
    let origin = silent();
    let token = origin.token("alice").await;
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    for (field, words) in [
        (format!("Basic {token}"), "Invalid authorization header"),
        (token.clone(), "Invalid authorization header"),
        (format!("Bearer {token} more"), "Invalid authorization header"),
        (format!("Bearer {token}x"), "Invalid or expired token"),
        (format!("Bearer {unsigned}"), "Invalid or expired token"),
        (format!("Bearer {}", signed_by_another("alice")), "Invalid or expired token"),
        (format!("Bearer {}", without_algorithm(&token)), "Invalid or expired token"),
    ] {
        let reply = origin.ask("GET", "/my-cart").field("authorization", &field).send().await;
        assert_eq!((reply.status.as_u16(), reply.error().as_str()), (401, words), "{field}");
    }
    assert_eq!(origin.get("/my-cart").await.error(), "Authorization header missing");
    let lower =
        origin.ask("GET", "/my-cart").field("authorization", &format!("bearer  {token}")).send().await;
    assert_eq!(lower.status, 200);
}

fn signed_by_another(username: &str) -> String {
    let claims = json!({ "username": username, "exp": 4_000_000_000_u64 });
    let key = EncodingKey::from_secret(b"the key of somebody else, anybody");
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

/// The token under a head that says `"alg":"none"`.
fn without_algorithm(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{claims}.")
}

#[tokio::test]
async fn any_instance_accepts_a_token_but_only_one_knows_a_session() {
    let origin = silent();
    let other = Fixture { origin: Origin::new(&options().0), hand: origin.hand.clone() };
    let (token, cookie) = (origin.token("bob").await, origin.session("bob").await);
    for (fixture, in_session) in [(&origin, 200), (&other, 401)] {
        let bearer = ask_with(fixture, "/my-cart", "authorization", &format!("Bearer {token}")).await;
        assert_eq!(bearer.status, 200);
        let session = ask_with(fixture, "/level4/product/1234", "cookie", &cookie).await;
        assert_eq!(session.status, in_session);
    }
    let keyed = Options { token_key: vec![1; 32], ..options().0 };
    let stranger = Fixture { origin: Origin::new(&keyed), hand: origin.hand.clone() };
    assert_eq!(
        ask_with(&stranger, "/my-cart", "authorization", &format!("Bearer {token}")).await.status,
        401
    );
}

async fn ask_with(fixture: &Fixture, target: &str, name: &str, value: &str) -> Reply {
    fixture.ask("GET", target).field(name, value).send().await
}

#[tokio::test]
async fn a_session_cookie_is_out_of_reach_of_scripts_and_new_at_each_login() {
    let origin = silent();
    let reply = origin.ask("POST", "/stateful/login").json(&credentials("alice")).send().await;
    let cookie = reply.field("set-cookie");
    assert!(cookie.starts_with("session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    let ids = [origin.session("alice").await, origin.session("alice").await, silent().session("alice").await];
    assert!(ids.iter().all(|id| id.len() >= "session=".len() + 43), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[2] != ids[0]);
}

#[tokio::test]
async fn without_a_session_nobody_is_logged_in() {
    let origin = silent();
    let cookie = origin.session("alice").await;
    let unknown = ["session=guess", "session=", "other=1", "session"];
    for field in unknown {
        let reply = origin.ask("GET", "/level4/product/1234").field("cookie", field).send().await;
        assert_eq!(
            (reply.status.as_u16(), reply.value()),
            (401, json!({ "error": "Not logged in" })),
            "{field}"
        );
    }
    let put = origin.ask("PUT", "/level4/preferences").json(r#"{"language":"french"}"#).send().await;
    assert_eq!(put.status, 401);
    let among_others = format!("_ga=1; session=stale; {cookie}; theme=dark");
    let reply = origin.ask("GET", "/level4/product/1234").field("cookie", &among_others).send().await;
    assert_eq!(reply.status, 200);
    origin.hand.advance(Duration::from_hours(12));
    let late = origin.ask("GET", "/level4/product/1234").field("cookie", &cookie).send().await;
    assert_eq!(late.status, 401);
}

#[tokio::test]
async fn an_honest_origin_never_lets_a_login_be_stored() {
    let origin = honest();
    for shop in ["/stateless/login", "/stateful/login"] {
        let reply = origin.ask("POST", shop).json(&credentials("alice")).send().await;
        assert_eq!(reply.field("cache-control"), "private, no-store", "{shop}");
    }
}
