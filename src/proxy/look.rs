//! What the proxy knows about a key at this moment, for who only wants to know: looking changes nothing.

use super::{Settings, Shared};
use crate::{
    decision::{Reason, Stored},
    key::CacheKey,
    semantics::Now,
    store::Variants,
};

/// What is known about a key.
#[derive(Debug, Default)]
pub struct Known {
    /// What is stored under it.
    pub variants: Option<Variants<Stored>>,
    /// Why it proved uncacheable, where that is remembered.
    pub uncacheable: Option<Reason>,
    /// Whether its answers proved to be for nobody else.
    pub is_unshared: bool,
    /// How many follow the fetch for it that others may share; none where there is no such fetch.
    pub followers: Option<usize>,
}

impl Shared {
    /// The operator's settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The time by the clock of freshness.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// What is known about this key now.
    pub fn look(&self, key: &CacheKey, now: Now) -> Known {
        let hash = self.store.hash(key);
        Known {
            variants: self.store.get_hashed(key, hash),
            uncacheable: self.uncacheable.recall(hash, now.mono),
            is_unshared: self.unshared.recall(hash, now.mono).is_some(),
            followers: self.flights.followers(hash, key),
        }
    }

    /// Tells at which host and port clients reach the proxy. What was told first counts.
    pub fn set_host(&self, host: String) {
        // Nothing depends on a second word.
        let _ = self.host.set(host);
    }

    /// The host and port that clients reach the proxy at, for requests that name none.
    pub fn host(&self) -> &str {
        self.host.get().map_or("localhost", String::as_str)
    }
}
