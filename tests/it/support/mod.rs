//! Builders: `proxy().route(..).to(&origin).start()`, origins that are the sample or say what a test scripts, and a
//! client that shows what came back.

#![allow(clippy::expect_used, reason = "what a test cannot be set up with fails it")]

mod client;
mod program;
mod proxy;
mod sample;
mod scripted;
mod sink;
mod wire;

pub(crate) use client::{Answer, Ask, get, raw};
pub(crate) use program::{Ended, Program, run, run_on, run_with_token};
pub(crate) use proxy::{Builder, Proxy, proxy, shipped, start_text};
pub(crate) use sample::{Sample, sample};
pub(crate) use scripted::{Reply, Scripted, Seen, answer_with, in_turn, not_modified, ok, scripted};
pub(crate) use wire::{Stage, Wire, stage, unheard, until, within};

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use plimsoll::observe::ManualClock;

/// A clock that stands at a fixed date until a test turns it.
pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)))
}

/// Whole seconds.
pub(crate) const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// This many seconds after the moment at which [`clock`] starts, or before it, as HTTP writes dates.
pub(crate) fn date(seconds: i64) -> String {
    let start = SystemTime::UNIX_EPOCH + secs(1_700_000_000);
    let by = secs(seconds.unsigned_abs());
    httpdate::fmt_http_date(if seconds < 0 { start - by } else { start + by })
}
