//! The stateless shop: `POST /stateless/login` gives a signed token (HS256, one hour) that says who its bearer is, and
//! `POST /stateless/checkout` takes the token, the cart and the payment in one request. The origin remembers nothing, so
//! every instance that has the key answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::routing::post;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::accounts::{self, Account};
use super::answer::{Answer, Level, Outcome, Refusal};
use super::clock::unix_seconds;
use super::login;
use super::request;
use super::signing::Seal;
use super::world::World;

const LIFE: Duration = Duration::from_hours(1);
const CHALLENGE: &str = "Bearer realm=\"sample origin\"";
const CHALLENGE_INVALID: &str = "Bearer realm=\"sample origin\", error=\"invalid_token\"";

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/stateless/login", post(log_in)).route("/stateless/checkout", post(check_out))
}

async fn log_in(State(world): State<Arc<World>>, request: Request) -> Outcome {
    let account = login::account(request, CHALLENGE).await?;
    let claims = Claims { username: account.username.to_owned(), exp: unix_seconds(world.now() + LIFE) };
    let token = world.tokens.seal(&claims)?;
    Ok(Answer::json(&json!({ "token": token })).at(Level::User))
}

/// What an order consists of. Both are optional, as in the shop's example.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    #[serde(default)]
    cart_items: Vec<Map<String, Value>>,
    #[serde(default)]
    payment_details: Map<String, Value>,
}

async fn check_out(Caller(account): Caller, request: Request) -> Outcome {
    let order: Order = request::json(request).await.map_err(|wrong| Refusal::from(wrong).at(Level::User))?;
    // There is nothing to deliver and nothing to pay.
    tracing::debug!(
        items = order.cart_items.len(),
        paid = !order.payment_details.is_empty(),
        "an order was processed"
    );
    Ok(login::order_processed(account).at(Level::User))
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    username: String,
    /// When the token ends, in seconds since 1970.
    exp: u64,
}

fn bearer(tokens: &Seal, token: &str, now: SystemTime) -> Option<&'static Account> {
    let claims: Claims = tokens.open(token)?;
    if claims.exp <= unix_seconds(now) {
        return None;
    }
    accounts::by_name(&claims.username)
}

/// Who asks, as the request's Bearer token says.
#[derive(Debug)]
pub(super) struct Caller(pub(super) &'static Account);

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refusal> {
        let refuse = |challenge, message| Err(Refusal::unauthorized(challenge, message).at(Level::User));
        let Some(value) = parts.headers.get(AUTHORIZATION).filter(|value| !value.is_empty()) else {
            return refuse(CHALLENGE, "Authorization header missing");
        };
        let words: Vec<&str> = value.to_str().unwrap_or_default().split_ascii_whitespace().collect();
        let [scheme, token] = words.as_slice() else {
            return refuse(CHALLENGE, "Invalid authorization header");
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return refuse(CHALLENGE, "Invalid authorization header");
        }
        match bearer(&world.tokens, token, world.now()) {
            Some(account) => Ok(Self(account)),
            None => refuse(CHALLENGE_INVALID, "Invalid or expired token"),
        }
    }
}
