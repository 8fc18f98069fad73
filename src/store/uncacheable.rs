//! Which keys proved uncacheable, until when, and why.
//!
//! A table of fixed size in which each key has one place: a newcomer takes it from whoever has it. So a key may be
//! forgotten early, which costs a fetch that finds out again, and never more than that. Nothing is allocated after the
//! start. Whether two keys are the same is decided by their 64-bit seeded hashes: should two collide, one of them
//! passes the cache by for a while.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::hash::KeyHash;

/// A bounded memory of keys and reasons.
#[derive(Debug)]
pub struct UncacheableMemory<R> {
    places: Box<[Place<R>]>,
}

#[derive(Debug)]
struct Place<R> {
    /// The hash that the record is about, so that a look-up of any other key is one load. Zero where there is none.
    hint: AtomicU64,
    record: Mutex<Option<Record<R>>>,
}

#[derive(Clone, Copy, Debug)]
struct Record<R> {
    hash: KeyHash,
    until: Duration,
    reason: R,
}

impl<R: Copy> UncacheableMemory<R> {
    /// A memory of at most `places` keys, at least one. Each place takes about 64 bytes.
    pub fn new(places: usize) -> Self {
        let empty = || Place { hint: AtomicU64::new(0), record: Mutex::new(None) };
        Self { places: (0..places.max(1)).map(|_| empty()).collect() }
    }

    /// Remembers `reason` for a key. `until` is on the monotonic clock that `now` of [`recall`](Self::recall) is on.
    pub fn remember(&self, hash: KeyHash, until: Duration, reason: R) {
        self.set(hash, |_| Some(Record { hash, until, reason }));
    }

    /// Why the key proved uncacheable, if it did and `now` is before the end of that.
    pub fn recall(&self, hash: KeyHash, now: Duration) -> Option<R> {
        let place = self.place(hash)?;
        // The hint publishes nothing: the record is read, and compared, under its lock.
        if place.hint.load(Ordering::Relaxed) != hash.bits() {
            return None;
        }
        let record = *place.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.filter(|record| record.hash == hash && now < record.until).map(|record| record.reason)
    }

    /// Forgets a key.
    pub fn forget(&self, hash: KeyHash) {
        self.set(hash, |record| record.filter(|record| record.hash != hash));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for place in &self.places {
            place.set(|_| None);
        }
    }

    fn set(&self, hash: KeyHash, change: impl FnOnce(Option<Record<R>>) -> Option<Record<R>>) {
        if let Some(place) = self.place(hash) {
            place.set(change);
        }
    }

    fn place(&self, hash: KeyHash) -> Option<&Place<R>> {
        let index = hash.bits() % self.places.len() as u64;
        self.places.get(usize::try_from(index).ok()?)
    }
}

impl<R: Copy> Place<R> {
    fn set(&self, change: impl FnOnce(Option<Record<R>>) -> Option<Record<R>>) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        *record = change(*record);
        // Under the lock, so that the hint never contradicts the record for longer than a change takes.
        self.hint.store(record.map_or(0, |record| record.hash.bits()), Ordering::Relaxed);
    }
}
