//! Builders: `proxy().route(..).to(&origin).start()`, origins that are the sample or say what a test scripts, and a
//! client that shows what came back.

mod client;
mod proxy;
mod sample;
mod scripted;

pub(crate) use client::{Answer, Ask, get, raw};
pub(crate) use proxy::{Proxy, proxy, shipped};
pub(crate) use sample::{Sample, sample};
pub(crate) use scripted::{Reply, Scripted, Seen, ok, scripted};

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
