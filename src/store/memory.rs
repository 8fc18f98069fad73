//! The memory tier: a concurrent table with a bound in bytes.
//!
//! The table's key is the 64-bit hash of the canonical key, under a hasher that passes it through; the whole key is in
//! the entry and is compared each time. Nothing expires here: the table's expiry would be a hidden clock, and whether
//! a stored response may be used is not the store's decision. The order of eviction is least recently used, because
//! the table's default admission turned away half of what was offered to a full cache, and "stored" would be a lie.

use std::{
    fmt,
    hash::BuildHasherDefault,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use moka::{notification::RemovalCause, policy::EvictionPolicy, sync::Cache};

use super::{
    body::StoredBody,
    budget::Budget,
    entry::{Ending, Entry, MetaSize, Variants},
    evictions::{Counts, Evictions},
    hash::{Identity, KeyHash, KeySeed},
    purge::{PurgeClock, Stamped, Standing},
    shelf::{Shelf, Shelving},
    tier::{Inserted, Store},
    weight::{place, weight, weight_of_place, weight_unit},
};
use crate::key::CacheKey;

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

type Table<M> = Cache<u64, Arc<Slot<M>>, BuildHasherDefault<Identity>>;

/// How many changes there may be at a time, of keys that do not share a lock by chance.
const CHANGES: usize = 64;

/// How often a look-up tries to get hold of what is replaced under its eyes.
const LOOKS: usize = 4;

/// How many runs of the table's maintenance making room may take: each evicts some hundreds of entries.
const EVICTIONS: usize = 16;

/// How many keys a sweep looks at, and for how long it then leaves the processor to others.
const SWEPT_AT_ONCE: usize = 1024;
const BREATH: Duration = Duration::from_millis(1);

/// What is to become of the variants of a key.
enum Change<M> {
    Keep,
    Remove,
    Put(Variants<M>),
}

/// What the table holds. It is emptied when the table lets go of it.
///
/// The table itself frees what it has unlinked epochs later, when no thread can still be looking at it; one thread
/// that is suspended in the middle of a look-up keeps everything that is evicted meanwhile. Emptied at once, that is
/// a few hundred bytes for each and not its body.
///
/// An empty one in the table keeps room, and how much is in its key: see [`place`].
struct Slot<M>(Mutex<Option<Variants<M>>>);

impl<M> Slot<M> {
    fn new(held: Option<Variants<M>>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(held)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Variants<M>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<Variants<M>> {
        self.lock().clone()
    }

    fn bytes(&self) -> Option<u64> {
        self.lock().as_ref().map(Variants::resident_bytes)
    }

    /// Lets go of what it holds, and says how many responses that were.
    fn empty(&self) -> usize {
        // Large bodies are freed at the end: after the lock is given back.
        let held = self.lock().take();
        held.map_or(0, |variants| variants.len())
    }
}

/// Stored responses in this process's memory.
pub struct MemoryStore<M> {
    table: Table<M>,
    /// One is held while a key is changed; to look one up takes none. The table's own way takes an entry in a second table
    /// for each change.
    changes: [Mutex<()>; CHANGES],
    seed: KeySeed,
    budget: Arc<Budget>,
    shelf: Shelf,
    purges: PurgeClock,
    evictions: Arc<Counts>,
    max_variants: usize,
    /// Bytes stored since the table's last maintenance.
    unmaintained: AtomicU64,
    /// Bytes for each unit of the table's weights, as a power of two.
    unit: u32,
    /// How often room was made, for keys that no response has.
    reservations: AtomicU64,
}

impl<M> fmt::Debug for MemoryStore<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl<M: MetaSize + Ending + Send + Sync + 'static> MemoryStore<M> {
    /// An empty store within `limits`.
    pub fn new(limits: StoreLimits) -> Self {
        Self::with_seed(limits, KeySeed::random())
    }

    pub(super) fn with_seed(limits: StoreLimits, seed: KeySeed) -> Self {
        let StoreLimits { capacity, max_variants, purge_slots } = limits;
        let unit = weight_unit(capacity);
        let evictions = Arc::<Counts>::default();
        let counts = Arc::clone(&evictions);
        let table = Cache::builder()
            .name("stored responses")
            .max_capacity(capacity >> unit)
            .weigher(move |key, slot: &Arc<Slot<M>>| {
                slot.bytes().map_or_else(|| weight_of_place(*key), |bytes| weight(bytes, unit))
            })
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |_, slot, cause| {
                let emptied = slot.empty();
                if cause == RemovalCause::Size {
                    counts.capacity(emptied);
                }
            })
            .build_with_hasher(BuildHasherDefault::default());
        Self {
            table,
            changes: [const { Mutex::new(()) }; CHANGES],
            seed,
            budget: Budget::new(capacity),
            shelf: Shelf::default(),
            purges: PurgeClock::new(purge_slots),
            evictions,
            max_variants: max_variants.max(1),
            unmaintained: AtomicU64::new(0),
            unit,
            reservations: AtomicU64::new(0),
        }
    }

    /// What is held under this hash.
    fn find(&self, hash: KeyHash) -> Option<Variants<M>> {
        // A slot that is emptied between the two steps was evicted or replaced; a second look tells which. Whoever is
        // overtaken by one change after another may as well be told that nothing is there.
        for _ in 0..LOOKS {
            let found = self.table.get(&hash.bits())?.get();
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Evicts what was used longest ago until `bytes` more can be held. Nothing is evicted where that would not do,
    /// since what fills and readers hold is resident whether it is in the table or not.
    ///
    /// The table evicts only for what is put into it: so a place of the right size is put there, and taken away again.
    fn make_room(&self, bytes: u64) {
        self.table.run_pending_tasks();
        let (resident, capacity, limit) =
            (self.budget.resident(), self.budget.capacity(), self.budget.limit());
        let in_table = self.table.weighted_size() << self.unit;
        let elsewhere = resident.saturating_sub(in_table);
        if self.budget.has_room(bytes) || elsewhere.saturating_add(bytes) > limit {
            return;
        }
        let excess = resident.saturating_add(bytes).saturating_sub(limit);
        let wanted = capacity.saturating_sub(in_table).saturating_add(excess).saturating_add(self.step());
        let place =
            place(self.reservations.fetch_add(1, Ordering::Relaxed), weight(wanted.min(capacity), self.unit));
        self.table.insert(place, Slot::new(None));
        for _ in 0..EVICTIONS {
            self.table.run_pending_tasks();
            if self.budget.has_room(bytes) {
                break;
            }
        }
        self.table.invalidate(&place);
        self.table.run_pending_tasks();
    }

    /// How many bytes may be stored between two runs of the table's maintenance.
    fn step(&self) -> u64 {
        (self.budget.capacity() / 64).min(1024 * 1024)
    }

    /// Runs the table's maintenance after every min(1 MiB, capacity / 64) stored: by itself it does so after 64 writes,
    /// and 64 large bodies are several times the capacity.
    fn maintain(&self, stored: u64) {
        let every = self.step();
        if self.unmaintained.fetch_add(stored, Ordering::Relaxed).saturating_add(stored) >= every {
            self.unmaintained.store(0, Ordering::Relaxed);
            self.table.run_pending_tasks();
        }
    }

    /// Replaces the variants of `key` by what `change` makes of them, in one step as seen by all other changes.
    fn change(&self, key: &[u8], change: impl FnOnce(Option<&Variants<M>>) -> Change<M>) {
        let hash = self.seed.hash(key).bits();
        let lock = usize::try_from(hash % CHANGES as u64).unwrap_or(0);
        let _changing = self.changes[lock].lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.table.get(&hash).and_then(|slot| slot.get());
        match change(found.filter(|variants| variants.key() == key).as_ref()) {
            Change::Keep => {}
            Change::Remove => self.table.invalidate(&hash),
            Change::Put(variants) => self.table.insert(hash, Slot::new(Some(variants))),
        }
    }

    /// `newest` and what is left of `others`.
    fn variants<'a>(
        &self,
        newest: Arc<Entry<M>>,
        others: impl Iterator<Item = &'a Arc<Entry<M>>>,
    ) -> Variants<M> {
        let left = others.filter_map(|entry| self.left_of(entry));
        Variants::new(newest, left, self.max_variants, self.budget.capacity())
    }

    /// What the invalidations have left of a stored response: itself, or where they have ended its freshness, one that
    /// knows.
    fn left_of(&self, entry: &Arc<Entry<M>>) -> Option<Arc<Entry<M>>> {
        match entry.standing(&self.purges) {
            (Standing::Current, _) => Some(Arc::clone(entry)),
            (Standing::Ended(at), as_of) => Some(if let Some(meta) = entry.meta().ended(at) {
                entry.with_meta(meta, Stamped::new(as_of, entry.stamped().scopes()))
            } else {
                entry.stamped().passed(as_of);
                Arc::clone(entry)
            }),
            (Standing::Gone, _) => {
                self.evictions.purged(1);
                None
            }
        }
    }

    fn refusal(&self, entry: &Entry<M>) -> Option<Inserted> {
        if entry.standing(&self.purges).0 != Standing::Current {
            Some(Inserted::Invalidated)
        } else if entry.resident_bytes() > self.budget.capacity() {
            Some(Inserted::TooLarge)
        } else {
            None
        }
    }

    /// Brings what is stored under `key` up to date with the invalidations, and returns what is left of it.
    fn settle(&self, key: &[u8]) -> Option<Variants<M>> {
        let mut left = None;
        self.change(key, |found| {
            let Some(found) = found else { return Change::Keep };
            let change = self.remaining(found.iter());
            left = match &change {
                Change::Put(variants) => Some(variants.clone()),
                Change::Keep | Change::Remove => None,
            };
            match &left {
                Some(variants) if variants.is_same(found) => Change::Keep,
                Some(_) | None => change,
            }
        });
        left
    }

    /// What becomes of a key of which only these are left.
    fn remaining<'a>(&self, left: impl Iterator<Item = &'a Arc<Entry<M>>>) -> Change<M> {
        let mut left = left.filter_map(|entry| self.left_of(entry));
        match left.next() {
            None => Change::Remove,
            Some(newest) => {
                Change::Put(Variants::new(newest, left, self.max_variants, self.budget.capacity()))
            }
        }
    }
}

impl<M: MetaSize + Ending + Send + Sync + 'static> Store<M> for MemoryStore<M> {
    fn get_hashed(&self, key: &CacheKey, hash: KeyHash) -> Option<Variants<M>> {
        let variants = self.find(hash)?;
        if variants.key() != key.as_bytes() {
            None
        } else if variants.all_current(&self.purges) {
            Some(variants)
        } else {
            self.settle(key.as_bytes())
        }
    }

    fn insert(&self, entry: Arc<Entry<M>>, same_variant: &dyn Fn(&Entry<M>) -> bool) -> Inserted {
        if let Some(refusal) = self.refusal(&entry) {
            return refusal;
        }
        let size = entry.resident_bytes();
        let inserted = Arc::clone(&entry);
        self.change(inserted.key(), |found| {
            let others = found.into_iter().flat_map(Variants::iter).filter(|other| !same_variant(other));
            Change::Put(self.variants(entry, others))
        });
        self.maintain(size);
        // A sweep for what has ended it meanwhile may have passed here already.
        if inserted.standing(&self.purges).0 == Standing::Gone {
            self.settle(inserted.key());
            return Inserted::Invalidated;
        }
        Inserted::Stored
    }

    fn replace(&self, old: &Arc<Entry<M>>, new: Arc<Entry<M>>) -> Inserted {
        if let Some(refusal) = self.refusal(&new) {
            return refusal;
        }
        // A validation of something that was to go must not bring it back, even where it began later.
        if old.standing(&self.purges).0 == Standing::Gone {
            return Inserted::Invalidated;
        }
        let size = new.resident_bytes();
        let mut outcome = Inserted::Gone;
        self.change(old.key(), |found| {
            let Some(found) = found.filter(|found| found.iter().any(|entry| Arc::ptr_eq(entry, old))) else {
                return Change::Keep;
            };
            outcome = Inserted::Stored;
            Change::Put(self.variants(new, found.iter().filter(|entry| !Arc::ptr_eq(entry, old))))
        });
        self.maintain(size);
        outcome
    }

    fn substitute(&self, old: &Arc<Entry<M>>, new: Arc<Entry<M>>) -> bool {
        let mut is_there = false;
        self.change(old.key(), |found| {
            let Some(found) = found.filter(|found| found.iter().any(|entry| Arc::ptr_eq(entry, old))) else {
                return Change::Keep;
            };
            is_there = true;
            self.remaining(found.iter().map(|entry| if Arc::ptr_eq(entry, old) { &new } else { entry }))
        });
        self.maintain(new.resident_bytes());
        is_there
    }

    fn discard(&self, entry: &Arc<Entry<M>>) {
        self.change(entry.key(), |found| {
            let Some(found) = found.filter(|found| found.iter().any(|other| Arc::ptr_eq(other, entry)))
            else {
                return Change::Keep;
            };
            self.evictions.discarded(1);
            self.remaining(found.iter().filter(|other| !Arc::ptr_eq(other, entry)))
        });
    }

    fn shelving(&self, body: &StoredBody) -> Option<Shelving> {
        Shelving::of(body, &self.shelf, &self.budget)
    }

    fn has_room(&self, bytes: u64) -> bool {
        if !self.budget.has_room(bytes) {
            self.make_room(bytes);
        }
        self.budget.has_room(bytes)
    }

    fn len(&self) -> u64 {
        self.table.run_pending_tasks();
        self.table.entry_count()
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

    fn sweep(&self) {
        for (number, (_, slot)) in (1..).zip(&self.table) {
            if let Some(variants) = slot.get()
                && !variants.all_current(&self.purges)
            {
                self.settle(variants.key());
            }
            if number % SWEPT_AT_ONCE == 0 {
                thread::sleep(BREATH);
            }
        }
        self.table.run_pending_tasks();
    }

    fn evictions(&self) -> Evictions {
        self.evictions.so_far()
    }
}
