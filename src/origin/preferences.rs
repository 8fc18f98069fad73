//! User preferences: `/level3/greeting/{id}` answers in the language that the server has stored for the caller.
//! `/user/{id}/preferences` states it, so that a client can ask for that language in the URL instead and need no user.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use serde_json::json;

use super::accounts;
use super::answer::{self, Answer, Level, Outcome, Refusal};
use super::request::{self, Segment};
use super::stateless::Caller;
use super::text;
use super::world::{World, fixtures_written};

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/level3/greeting/{id}", get(greet)).route("/user/{id}/preferences", get(preferences))
}

async fn greet(Caller(account): Caller, Segment(segment): Segment) -> Outcome {
    answer::at(Level::User, text::preferred(&segment, account.language))
}

async fn preferences(Segment(segment): Segment) -> Outcome {
    let user = request::number(&segment)?;
    let account = accounts::by_user(user).ok_or_else(Refusal::no_such_resource)?;
    let preferences = json!({ "language": account.language.name() });
    Ok(Answer::json(&preferences).modified(fixtures_written()))
}
