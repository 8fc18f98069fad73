//! Hidden data: advertisements that follow from what the origin knows about an account and never tells its user.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use super::answer::{Answer, Level, Outcome};
use super::stateless::Caller;
use super::world::{World, fixtures_written};

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/publicity", get(show))
}

async fn show(Caller(account): Caller) -> Outcome {
    let advertise = |product: &u32| json!({ "product": product, "href": format!("/product/{product}") });
    let advertisements: Vec<Value> = account.interests.iter().map(advertise).collect();
    let page = json!({ "publicity": advertisements });
    Ok(Answer::json(&page).at(Level::User).modified(fixtures_written()))
}
