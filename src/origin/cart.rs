//! A personal URL and its lowering: `/my-cart` is the caller's cart, `/cart/{id}` the same cart with its name in the URL,
//! so that it can be shared between users and between requests.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_LOCATION;
use serde_json::{Value, json};

use super::accounts::{self, Account};
use super::answer::{Answer, Level, Outcome, Refusal};
use super::request::{self, Segment};
use super::stateless::Caller;
use super::world::{World, fixtures_written};

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/my-cart", get(mine)).route("/cart/{id}", get(named))
}

async fn mine(Caller(account): Caller) -> Outcome {
    // The answer itself says how to ask lower.
    Ok(write(account).at(Level::User).field(CONTENT_LOCATION, href(account)))
}

async fn named(Segment(segment): Segment) -> Outcome {
    let cart = request::number(&segment)?;
    accounts::by_cart(cart).map(write).ok_or_else(Refusal::no_such_resource)
}

fn href(account: &Account) -> String {
    format!("/cart/{}", account.cart)
}

fn write(account: &Account) -> Answer {
    let line = |(product, quantity): &(u32, u32)| json!({ "product": product, "quantity": quantity });
    let items: Vec<Value> = account.items.iter().map(line).collect();
    let cart = json!({ "cart": account.cart, "items": items, "links": { "self": href(account) } });
    Answer::json(&cart).modified(fixtures_written())
}
