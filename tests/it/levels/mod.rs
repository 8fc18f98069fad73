//! What the levels promise, over real sockets: who gets which answer, what the origin is asked, and what is stored.

#![allow(clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod corners;
mod friendly_origin;
mod hermetic;
mod honest_origin;
mod leaks;
mod sample_rows;
mod system_rows;
mod undeclared;

use crate::support::{Answer, Ask, Reply};

/// A whole reply: this status, these field lines (each with its CRLF), this content.
fn reply(status: &str, fields: &str, content: &str) -> Reply {
    let length = content.len();
    Reply::Bytes(
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{fields}\r\n{content}").into_bytes(),
    )
}

/// These bytes, on a connection that stays open.
fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.as_bytes().to_vec())
}

/// Sends the same request twice.
async fn twice(ask: Ask) -> [Answer; 2] {
    [ask.clone().send().await, ask.send().await]
}
