//! Session preferences: the language chosen in this session, so that one user with two applications gets two answers
//! from one URL.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, put};
use serde::Deserialize;
use serde_json::json;

use super::answer::{self, Answer, Level, Outcome};
use super::language::{self, Language};
use super::request::{self, Segment};
use super::stateful::{InSession, not_logged_in};
use super::text;
use super::world::{World, lock};

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/level4/product/{id}", get(show)).route("/level4/preferences", put(choose))
}

#[derive(Debug, Deserialize)]
struct Choice {
    language: String,
}

async fn show(
    State(world): State<Arc<World>>,
    InSession(id): InSession,
    Segment(segment): Segment,
) -> Outcome {
    let language = lock(&world.sessions).find(&id, world.now()).ok_or_else(not_logged_in)?.language;
    answer::at(Level::Session, text::preferred(&segment, language))
}

async fn choose(State(world): State<Arc<World>>, InSession(id): InSession, request: Request) -> Outcome {
    let Choice { language } = request::json(request).await?;
    let Some(language) = Language::from_name(&language) else {
        return Err(language::unknown(&text::links(1234)).at(Level::Session));
    };
    // The session may have ended while its content was read.
    lock(&world.sessions).find(&id, world.now()).ok_or_else(not_logged_in)?.language = language;
    Ok(Answer::json(&json!({ "language": language.name() })).at(Level::Session))
}
