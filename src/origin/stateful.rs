//! The stateful shop: `POST /stateful/login` begins a session, and the cart lives in it on the server. The shop remembers,
//! so requests are short, and only the instance that saw the login can answer them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Level, Outcome, Refusal};
use super::login;
use super::request;
use super::sessions::{self, CHALLENGE, InSession};
use super::world::World;

/// How much a cart holds, in bytes of JSON.
const MAX_CART: usize = 8 * 1024;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/stateful/login", post(log_in))
        .route("/stateful/cart", get(show).post(add))
        .route("/stateful/checkout", post(check_out))
}

/// The items of a cart as JSON, with commas between them: what stands between the brackets of an array.
#[derive(Clone, Debug, Default)]
pub(super) struct Cart(String);

impl Cart {
    fn add(&mut self, item: &str) -> Result<(), Refusal> {
        if self.0.len() + 1 + item.len() > MAX_CART {
            let message = "the cart is full; a checkout empties it";
            return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, message).at(Level::Session));
        }
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(item);
        Ok(())
    }

    fn write(&self) -> Answer {
        Answer::whole("application/json", format!("{{\"cart\":[{}]}}", self.0)).at(Level::Session)
    }
}

async fn log_in(State(world): State<Arc<World>>, request: Request) -> Outcome {
    let account = login::account(request, CHALLENGE).await?;
    let cookie = sessions::begin(&world, account)?;
    let answer = Answer::json(&json!({ "message": "Logged in successfully!" }));
    Ok(answer.at(Level::Session).field(SET_COOKIE, cookie))
}

async fn show(State(world): State<Arc<World>>, session: InSession) -> Outcome {
    sessions::within(&world, &session, |session| session.cart.write())
}

/// What goes into the cart.
#[derive(Debug, Deserialize)]
struct Addition {
    item: Map<String, Value>,
}

async fn add(State(world): State<Arc<World>>, session: InSession, request: Request) -> Outcome {
    let Addition { item } =
        request::json(request).await.map_err(|wrong| Refusal::from(wrong).at(Level::Session))?;
    let item = Value::Object(item).to_string();
    sessions::within(&world, &session, |session| {
        session.cart.add(&item)?;
        Ok(session.cart.write())
    })?
}

async fn check_out(State(world): State<Arc<World>>, session: InSession) -> Outcome {
    sessions::within(&world, &session, |session| {
        session.cart = Cart::default();
        login::order_processed(session.account).at(Level::Session)
    })
}
