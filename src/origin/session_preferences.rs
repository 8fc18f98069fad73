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
use super::sessions::{self, InSession};
use super::text;
use super::world::World;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/level4/product/{id}", get(show)).route("/level4/preferences", put(choose))
}

#[derive(Debug, Deserialize)]
struct Choice {
    language: String,
}

async fn show(State(world): State<Arc<World>>, session: InSession, Segment(segment): Segment) -> Outcome {
    let language = sessions::within(&world, &session, |session| session.language)?;
    answer::at(Level::Session, text::preferred(&segment, language))
}

async fn choose(State(world): State<Arc<World>>, session: InSession, request: Request) -> Outcome {
    let Choice { language } = request::json(request).await?;
    let Some(language) = Language::from_name(&language) else {
        return Err(language::unknown(&text::links(1234)).at(Level::Session));
    };
    sessions::within(&world, &session, |session| session.language = language)?;
    Ok(Answer::json(&json!({ "language": language.name() })).at(Level::Session))
}
