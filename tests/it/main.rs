//! The program over real sockets: proxy and origins in one process, no fixed ports, a clock that is turned by hand.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod admin;
mod agreement;
mod collapsing;
#[path = "../corpus/mod.rs"]
mod corpus;
mod demo;
mod distrust;
mod explain_live;
mod faulty_origin;
mod forwarding;
mod freshness;
mod front;
mod letter;
mod levels;
mod lifecycle;
mod max_object;
mod memory;
mod model;
mod operating;
mod origin_framing;
mod poisoning;
mod privacy;
mod purge;
mod revalidation;
mod rfc9111;
mod room;
mod smoke;
mod streaming;
mod support;
mod unsafe_methods;
