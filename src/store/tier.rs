//! What a tier of stored responses is, whatever it is made of.

use std::sync::Arc;

use super::{
    body::StoredBody,
    budget::Budget,
    entry::{Entry, Variants},
    evictions::Evictions,
    hash::KeyHash,
    purge::PurgeClock,
    shelf::Shelving,
};
use crate::key::CacheKey;

/// A tier that stored responses live in. Look-ups never wait for anything.
pub trait Store<M>: Send + Sync {
    /// The stored responses of `key` that nothing has ended. What was softly purged is there, and stale.
    fn get(&self, key: &CacheKey) -> Option<Variants<M>> {
        self.get_hashed(key, self.hash(key))
    }

    /// The same for who has the [`hash`](Self::hash) of `key` already.
    fn get_hashed(&self, key: &CacheKey, hash: KeyHash) -> Option<Variants<M>>;

    /// Stores `entry` as the newest of its key, in place of those that `same_variant` names.
    fn insert(&self, entry: Arc<Entry<M>>, same_variant: &dyn Fn(&Entry<M>) -> bool) -> Inserted;

    /// Puts `new` in the place of `old`, which it shares its body with, if `old` is still there and nothing has
    /// invalidated it.
    fn replace(&self, old: &Arc<Entry<M>>, new: Arc<Entry<M>>) -> Inserted;

    /// Puts `new`, which is the same response, in the very place of `old`, and says whether that was still there.
    fn substitute(&self, old: &Arc<Entry<M>>, new: Arc<Entry<M>>) -> bool;

    /// Removes one stored response, if it is still there.
    fn discard(&self, entry: &Arc<Entry<M>>);

    /// Whether a response with `bytes` of content may be held. Reclaims what can be reclaimed before it says no.
    fn has_room(&self, bytes: u64) -> bool;

    /// Begins to bring this body to where the kernel can send it from. None where it is better where it is.
    fn shelving(&self, body: &StoredBody) -> Option<Shelving>;

    /// How many keys are stored, give or take those of the last few writes.
    fn len(&self) -> u64;

    /// Whether nothing is stored.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes that are resident, fills and what is still being read included.
    fn resident_bytes(&self) -> u64 {
        self.budget().resident()
    }

    /// The hash of a key, for [`UncacheableMemory`](super::UncacheableMemory) and for maps of flights.
    fn hash(&self, key: &CacheKey) -> KeyHash;

    /// The count of resident bytes.
    fn budget(&self) -> &Arc<Budget>;

    /// The invalidations.
    fn purge_clock(&self) -> &PurgeClock;

    /// Drops what has been purged and nobody has asked for since. Takes its time: it is for a thread of its own.
    fn sweep(&self);

    /// How many responses have left, and why.
    fn evictions(&self) -> Evictions;
}

/// What became of an entry that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Inserted {
    /// It is stored.
    Stored,
    /// It is not: something invalidated it since its fetch began.
    Invalidated,
    /// It is not: alone it takes more than the whole capacity.
    TooLarge,
    /// It is not: what it was to replace is gone.
    Gone,
}
