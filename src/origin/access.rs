//! Access control: one URL, and who asks decides. The product for users with access, 403 for those without, 401 for
//! nobody in particular.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;

use super::accounts::Account;
use super::answer::{self, Level, Outcome, Refusal};
use super::product;
use super::request::{self, Segment};
use super::stateless::Caller;
use super::world::World;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/level3/product/{id}", get(show))
}

async fn show(
    State(world): State<Arc<World>>,
    Caller(account): Caller,
    Segment(segment): Segment,
) -> Outcome {
    answer::at(Level::User, find(&world, account, &segment))
}

fn find(world: &World, account: &Account, segment: &str) -> Outcome {
    let id = request::number(segment)?;
    // Before the product is looked up: whether it was deleted is nothing for who may not see it.
    if !account.may_see(id) {
        let message = "this user has no access to this product";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    product::now(world, id)
}
