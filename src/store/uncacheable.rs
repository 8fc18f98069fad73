//! Which keys proved uncacheable, until when, and why.
//!
//! A table of fixed size in which each key has one place: a newcomer takes it from whoever has it. So a key may be
//! forgotten early, which costs a fetch that finds out again, and never more than that. Places are allocated in groups,
//! when the first key of a group is remembered: most proxies remember few, and a look-up that finds no group is done. Whether two keys are the same is decided by their 64-bit seeded hashes: should two collide, one of them
//! passes the cache by for a while.

use std::{
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::hash::KeyHash;

/// How many places are allocated at once.
const GROUP_SIZE: usize = 256;

type Group<R> = Box<[Place<R>]>;

/// A bounded memory of keys and reasons.
#[derive(Debug)]
pub struct UncacheableMemory<R> {
    groups: Box<[OnceLock<Group<R>>]>,
    places: usize,
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
        let places = places.max(1);
        Self { groups: (0..places.div_ceil(GROUP_SIZE)).map(|_| OnceLock::new()).collect(), places }
    }

    /// Remembers `reason` for a key. `until` is on the monotonic clock that `now` of [`recall`](Self::recall) is on.
    pub fn remember(&self, hash: KeyHash, until: Duration, reason: R) {
        let empty = || Place { hint: AtomicU64::new(0), record: Mutex::new(None) };
        let (group, index) = self.place(hash);
        if let Some(group) = self.groups.get(group)
            && let Some(place) = group.get_or_init(|| (0..GROUP_SIZE).map(|_| empty()).collect()).get(index)
        {
            place.set(|_| Some(Record { hash, until, reason }));
        }
    }

    /// Why the key proved uncacheable, if it did and `now` is before the end of that.
    pub fn recall(&self, hash: KeyHash, now: Duration) -> Option<R> {
        let place = self.known(hash)?;
        // The hint publishes nothing: the record is read, and compared, under its lock.
        if place.hint.load(Ordering::Relaxed) != hash.bits() {
            return None;
        }
        let record = *place.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.filter(|record| record.hash == hash && now < record.until).map(|record| record.reason)
    }

    /// Forgets a key.
    pub fn forget(&self, hash: KeyHash) {
        if let Some(place) = self.known(hash) {
            place.set(|record| record.filter(|record| record.hash != hash));
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        for place in self.groups.iter().filter_map(OnceLock::get).flatten() {
            place.set(|_| None);
        }
    }

    /// The place of a key, if anything was ever remembered near it.
    fn known(&self, hash: KeyHash) -> Option<&Place<R>> {
        let (group, index) = self.place(hash);
        self.groups.get(group)?.get()?.get(index)
    }

    /// The group of a key, and its place in there.
    fn place(&self, hash: KeyHash) -> (usize, usize) {
        // The remainder is below the number of places.
        let place = usize::try_from(hash.bits() % self.places as u64).unwrap_or(0);
        (place / GROUP_SIZE, place % GROUP_SIZE)
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
