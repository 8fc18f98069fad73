//! The admin place over real sockets: whom it refuses, whether it says that it is ready, what it purges, and that its
//! description is true.

mod described;
mod purge;
mod ready;
mod refused;
mod token;

use crate::support::{Answer, Ask};

/// A token.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Shows this token.
fn with_token(ask: Ask, token: &str) -> Ask {
    ask.field("authorization", &format!("Bearer {token}"))
}

/// Posts this as JSON.
fn posting(ask: Ask, content: impl Into<String>) -> Ask {
    ask.method("POST").field("content-type", "application/json").body(content.into())
}

/// The stable name of a problem.
fn problem(answer: &Answer) -> String {
    assert_eq!(answer.field("content-type"), "application/problem+json", "{}", answer.text());
    let document = answer.json();
    assert_eq!(document["status"], answer.status.as_u16());
    let name = document["type"].as_str().and_then(|name| name.strip_prefix("urn:plimsoll:problem:"));
    name.expect("a name").to_owned()
}
