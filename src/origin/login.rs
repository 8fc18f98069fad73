//! What both shops share: reading a username and a password out of JSON, refusing the wrong ones in the same words whether
//! the name or the password was wrong, and the words for an order.

use axum::extract::Request;
use serde_json::{Map, Value, json};

use super::accounts::{self, Account};
use super::answer::{Answer, Refusal};
use super::request;

/// The account that the request's content opens; `challenge` is what the 401 asks for.
pub(super) async fn account(request: Request, challenge: &'static str) -> Result<&'static Account, Refusal> {
    let given: Map<String, Value> = request::json(request).await?;
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    accounts::log_in(text("username"), text("password"))
        .ok_or_else(|| Refusal::unauthorized(challenge, "Invalid credentials"))
}

/// What a checkout answers.
pub(super) fn order_processed(account: &Account) -> Answer {
    Answer::json(&json!({ "status": "Order processed", "user": account.username }))
}
