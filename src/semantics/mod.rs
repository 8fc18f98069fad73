//! HTTP caching as pure functions: directives, statuses, dates, freshness, validation, ranges and parts, Vary, cache groups,
//! tags, hop-by-hop fields, Cache-Status (RFC 9110, 9111, 9211, 9213, 9875).
//!
//! Nothing here reads a clock: [`Now`] is always an argument.

pub mod cache_status;
pub mod date;
pub mod directives;
pub mod fields;
pub mod freshness;
pub mod groups;
pub mod methods;
pub mod multipart;
pub mod partial;
#[cfg(test)]
mod properties;
pub mod range;
pub mod status;
pub mod tags;
pub mod targeted;
pub mod validation;
pub mod vary;

use std::time::{Duration, SystemTime};

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock, for dates of HTTP. It may jump either way.
    pub wall: SystemTime,
    /// Time since the process started, for ages and lifetimes. It never goes back.
    pub mono: Duration,
}
