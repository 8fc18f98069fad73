//! The program over real sockets: proxy and origins in one process, no fixed ports, a clock that is turned by hand.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod smoke;
mod support;
