//! Keys whose answers proved to be for nobody else: for a while nobody waits for another's answer to them.

use super::{Shared, keyed::Sought};
use crate::{decision::Keyed, store::KeyHash};

/// Whose requests for a key make fetches of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unshared {
    /// Everybody's.
    Everybodys,
    /// Those that say who asks: what such a one is told is not what all others are.
    Identified,
}

impl Unshared {
    /// Whose requests are told what this one is. A hermetic fetch does not say who asks.
    pub(super) const fn like(keyed: &Keyed) -> Self {
        if keyed.declared.is_none() && keyed.carried.any() { Self::Identified } else { Self::Everybodys }
    }
}

impl Shared {
    /// Lets nobody of these wait for another's answer to the key with this hash, for `cache.uncacheable_memory`.
    pub(super) fn remember_unshared(&self, hash: KeyHash, whose: Unshared) {
        let now = self.clock.now().mono;
        // What holds for all holds for these too.
        if whose == Unshared::Identified && self.unshared.recall(hash, now) == Some(Unshared::Everybodys) {
            return;
        }
        self.unshared.remember(hash, now.saturating_add(self.settings.uncacheable_memory), whose);
    }

    /// Whether a request is not to wait for another's answer to its key.
    pub(super) fn is_unshared(&self, sought: &Sought) -> bool {
        match self.unshared.recall(sought.hash(), self.clock.now().mono) {
            None => false,
            Some(Unshared::Everybodys) => true,
            Some(Unshared::Identified) => Unshared::like(sought) == Unshared::Identified,
        }
    }
}
