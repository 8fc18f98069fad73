//! What both shops' logins share: reading a username and a password out of JSON, and refusing the wrong ones in the same
//! words whether the name or the password was wrong.

use axum::extract::Request;
use http::StatusCode;
use serde_json::Value;

use super::accounts::{self, Account};
use super::answer::Refusal;
use super::request;

/// The account that the request's content opens; `challenge` is what the 401 asks for.
pub(super) async fn account(request: Request, challenge: &'static str) -> Result<&'static Account, Refusal> {
    let given: Value = request::json(request).await?;
    if !given.is_object() {
        let message = "the content must be a JSON object with username and password";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
    }
    let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    accounts::log_in(text("username"), text("password"))
        .ok_or_else(|| Refusal::unauthorized(challenge, "Invalid credentials"))
}
