//! plimsoll between hostile clients and servers that others wrote. Every raw request of the corpus goes through the real
//! program to each of them: the origin sees nothing, or exactly the requests that plimsoll logged, with their content.
//! And slowhttptest, whose clients take their time, promtool, which reads the metrics, and a server that speaks TLS.
//! `tests/peers/set-up` installs what is needed.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../corpus/mod.rs"]
mod corpus;
mod framing;
mod metrics;
mod origins;
mod process;
mod slow;
mod tls;
