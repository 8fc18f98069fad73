//! Random behaviour: the same request from the same user in the same session, and another answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use super::answer::{Answer, Level, Outcome};
use super::world::{World, lock};

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/random", get(draw))
}

async fn draw(State(world): State<Arc<World>>) -> Outcome {
    let number = lock(&world.chance).u32(..);
    Ok(Answer::json(&json!({ "number": number })).at(Level::Random))
}
