//! The memory tier: a concurrent table with a bound in bytes.
//!
//! The table's key is the 64-bit hash of the canonical key; the whole key is in the entry and is compared each time.
//! Nothing expires here: that would be a hidden clock, and whether a stored response may be used is not the store's
//! decision. What was used longest ago is evicted, and all that is offered is let in: an admission that turned away half of
//! it from a full cache would make a lie of "stored".

use std::{fmt, sync::Arc};

use super::{
    budget::Budget,
    entry::{Entry, Variants},
    hash::{KeyHash, KeySeed},
    purge::PurgeClock,
    table::{Change, Table},
};
use crate::key::CacheKey;

/// A tier that stored responses live in. Look-ups never wait for anything.
pub trait Store<M>: Send + Sync {
    /// The stored responses of `key` that nothing has invalidated.
    fn get(&self, key: &CacheKey) -> Option<Variants<M>>;

    /// Stores `entry` as the newest of its key, in place of those that `same_variant` names.
    fn insert(&self, entry: Arc<Entry<M>>, same_variant: &dyn Fn(&Entry<M>) -> bool) -> Inserted;

    /// Puts `new` in the place of `old`, which it shares its body with, if `old` is still there and nothing has
    /// invalidated it.
    fn replace(&self, old: &Arc<Entry<M>>, new: Arc<Entry<M>>) -> Inserted;

    /// Removes one stored response, if it is still there.
    fn discard(&self, entry: &Arc<Entry<M>>);

    /// Whether a response with `bytes` of content may be held. Reclaims what can be reclaimed before it says no.
    fn has_room(&self, bytes: u64) -> bool;

    /// How many keys are stored.
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

/// The bounds of a [`MemoryStore`].
#[derive(Clone, Copy, Debug)]
pub struct StoreLimits {
    /// Bytes that may be resident.
    pub capacity: u64,
    /// Stored responses under one key, at least 1.
    pub max_variants: usize,
    /// Slots of the table of invalidations.
    pub purge_slots: u32,
}

impl StoreLimits {
    /// `capacity` bytes, and the usual for the rest: 16 variants, [`PurgeClock::DEFAULT_SLOTS`].
    pub fn of_capacity(capacity: u64) -> Self {
        Self { capacity, max_variants: 16, purge_slots: PurgeClock::DEFAULT_SLOTS }
    }
}

/// Stored responses in this process's memory.
pub struct MemoryStore<M> {
    table: Table<M>,
    seed: KeySeed,
    budget: Arc<Budget>,
    purges: PurgeClock,
    max_variants: usize,
}

impl<M> fmt::Debug for MemoryStore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl<M: Send + Sync + 'static> MemoryStore<M> {
    /// An empty store within `limits`.
    pub fn new(limits: StoreLimits) -> Self {
        Self::with_seed(limits, KeySeed::random())
    }

    pub(super) fn with_seed(limits: StoreLimits, seed: KeySeed) -> Self {
        let StoreLimits { capacity, max_variants, purge_slots } = limits;
        Self {
            table: Table::empty(),
            seed,
            budget: Budget::new(capacity),
            purges: PurgeClock::new(purge_slots),
            max_variants: max_variants.max(1),
        }
    }

    /// Evicts what was used longest ago until `bytes` more can be held. Nothing is evicted where that would not do,
    /// since what fills and readers hold is resident whether it is in the table or not.
    fn make_room(&self, bytes: u64) {
        let (in_table, limit) = (self.table.bytes(), self.budget.limit());
        let wanted = self.budget.resident().saturating_add(bytes);
        if wanted.saturating_sub(in_table) <= limit {
            self.evict_to(in_table.saturating_sub(wanted.saturating_sub(limit)));
        }
    }

    /// Evicts what was used longest ago until what is left is counted with no more than `bytes`.
    fn evict_to(&self, bytes: u64) {
        while self.table.bytes() > bytes && self.table.evict() {}
    }

    /// Replaces the variants of `key` by what `change` makes of them, in one step as seen by all other changes, and evicts
    /// what there is no capacity for any more.
    fn change(&self, key: &CacheKey, change: impl FnOnce(Option<&Variants<M>>) -> Change<M>) {
        self.table.change(self.hash(key), |found| change(found.filter(|variants| variants.key() == key)));
        self.evict_to(self.budget.capacity());
    }

    /// `newest` and those of `others` that nothing has invalidated.
    fn variants<'a>(
        &self,
        newest: Arc<Entry<M>>,
        others: impl Iterator<Item = &'a Arc<Entry<M>>>,
    ) -> Variants<M> {
        let current = others.filter(|entry| self.purges.is_current(entry.stamped()));
        Variants::new(newest, current, self.max_variants, self.budget.capacity())
    }

    fn refusal(&self, entry: &Entry<M>) -> Option<Inserted> {
        if !self.purges.is_current(entry.stamped()) {
            Some(Inserted::Invalidated)
        } else if entry.resident_bytes() > self.budget.capacity() {
            Some(Inserted::TooLarge)
        } else {
            None
        }
    }

    /// Drops what was invalidated under `key`, and returns what is left of it.
    fn drop_invalidated(&self, key: &CacheKey) -> Option<Variants<M>> {
        let mut left = None;
        self.change(key, |found| {
            let Some(found) = found else { return Change::Keep };
            let change = self.remaining(found.iter());
            if let Change::Put(variants) = &change {
                left = Some(variants.clone());
            }
            change
        });
        left
    }

    /// What becomes of a key of which only these are left: those that nothing has invalidated stay.
    fn remaining<'a>(&self, left: impl Iterator<Item = &'a Arc<Entry<M>>>) -> Change<M> {
        let mut current = left.filter(|entry| self.purges.is_current(entry.stamped()));
        match current.next().cloned() {
            None => Change::Remove,
            Some(newest) => Change::Put(self.variants(newest, current)),
        }
    }
}

impl<M: Send + Sync + 'static> Store<M> for MemoryStore<M> {
    fn get(&self, key: &CacheKey) -> Option<Variants<M>> {
        let variants = self.table.get(self.hash(key))?;
        if variants.key() != key {
            None
        } else if variants.all_current(&self.purges) {
            Some(variants)
        } else {
            self.drop_invalidated(key)
        }
    }

    fn insert(&self, entry: Arc<Entry<M>>, same_variant: &dyn Fn(&Entry<M>) -> bool) -> Inserted {
        if let Some(refusal) = self.refusal(&entry) {
            return refusal;
        }
        let key = entry.key().clone();
        self.change(&key, |found| {
            let others = found.into_iter().flat_map(Variants::iter).filter(|other| !same_variant(other));
            Change::Put(self.variants(entry, others))
        });
        Inserted::Stored
    }

    fn replace(&self, old: &Arc<Entry<M>>, new: Arc<Entry<M>>) -> Inserted {
        // A validation of something that was to go must not bring it back, even where it began later.
        if let Some(refusal) = self.refusal(&new).or_else(|| self.refusal(old)) {
            return refusal;
        }
        let mut outcome = Inserted::Gone;
        self.change(old.key(), |found| {
            let Some(found) = found.filter(|found| found.iter().any(|entry| Arc::ptr_eq(entry, old))) else {
                return Change::Keep;
            };
            outcome = Inserted::Stored;
            Change::Put(self.variants(new, found.iter().filter(|entry| !Arc::ptr_eq(entry, old))))
        });
        outcome
    }

    fn discard(&self, entry: &Arc<Entry<M>>) {
        self.change(entry.key(), |found| {
            let Some(found) = found.filter(|found| found.iter().any(|other| Arc::ptr_eq(other, entry)))
            else {
                return Change::Keep;
            };
            self.remaining(found.iter().filter(|other| !Arc::ptr_eq(other, entry)))
        });
    }

    fn has_room(&self, bytes: u64) -> bool {
        if !self.budget.has_room(bytes) {
            self.make_room(bytes);
        }
        self.budget.has_room(bytes)
    }

    fn len(&self) -> u64 {
        self.table.len() as u64
    }

    fn hash(&self, key: &CacheKey) -> KeyHash {
        self.seed.hash(key.as_bytes())
    }

    fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    fn purge_clock(&self) -> &PurgeClock {
        &self.purges
    }
}
