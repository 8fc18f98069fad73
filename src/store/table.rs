//! The table of the memory tier: the variants of each key, in the order in which the keys were last used.
//!
//! It is cut into shards by the hash, each under a lock of its own, which is held for a few steps and never while anything
//! is freed. Within a shard the order of use is exact: a list runs through its nodes. Between shards it is as exact as the
//! count of changes that each node is marked with, so that a look-up writes nothing that all workers share.

use std::{
    collections::HashMap,
    hash::BuildHasherDefault,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    entry::Variants,
    hash::{Identity, KeyHash},
};

const SHARDS: usize = 16;

/// A shard with room for fewer nodes than this gives none of it back.
const KEPT_ROOM: usize = 64;

/// The end of a list.
const NONE: usize = usize::MAX;

/// What is to become of the variants of a key.
pub(super) enum Change<M> {
    Keep,
    Remove,
    Put(Variants<M>),
}

/// The variants of each key, by the hash of the key.
pub(super) struct Table<M> {
    shards: [Mutex<Shard<M>>; SHARDS],
    /// All bytes that are counted for what is in it.
    bytes: AtomicU64,
    /// How often something was put into it.
    puts: AtomicU64,
}

impl<M> Table<M> {
    /// What one key takes here, in bytes: a node, and two places of the index, which is half full on average.
    pub(super) const EACH: u64 = (size_of::<Node<M>>() + 2 * size_of::<(KeyHash, usize)>()) as u64;

    /// A table with nothing in it.
    pub(super) fn empty() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(Shard::empty())),
            bytes: AtomicU64::new(0),
            puts: AtomicU64::new(0),
        }
    }

    /// What is under this hash, which counts as a use of it.
    pub(super) fn get(&self, hash: KeyHash) -> Option<Variants<M>> {
        let now = self.puts.load(Ordering::Relaxed);
        let mut shard = lock(self.shard(hash));
        let at = shard.find(hash)?;
        shard.touch(at, now);
        Some(shard.nodes[at].variants.clone())
    }

    /// Replaces what is under this hash by what `change` makes of it, in one step as seen by all others.
    pub(super) fn change(&self, hash: KeyHash, change: impl FnOnce(Option<&Variants<M>>) -> Change<M>) {
        let mut shard = lock(self.shard(hash));
        let found = shard.find(hash);
        let old = match (change(found.map(|at| &shard.nodes[at].variants)), found) {
            (Change::Keep, _) | (Change::Remove, None) => None,
            (Change::Remove, Some(at)) => Some(shard.remove(at)),
            (Change::Put(variants), found) => {
                let now = self.puts.fetch_add(1, Ordering::Relaxed) + 1;
                self.bytes.fetch_add(variants.resident_bytes(), Ordering::Relaxed);
                shard.put(hash, found, variants, now)
            }
        };
        drop(shard);
        self.let_go(old);
    }

    /// Removes the variants that were used longest ago. False where there are none.
    pub(super) fn evict(&self) -> bool {
        let age = |shard: &&Mutex<Shard<M>>| lock(shard).used_longest_ago().unwrap_or(u64::MAX);
        let evicted = self.shards.iter().min_by_key(age).and_then(|shard| {
            let mut shard = lock(shard);
            let oldest = shard.oldest;
            (oldest != NONE).then(|| shard.remove(oldest))
        });
        let is_some = evicted.is_some();
        self.let_go(evicted);
        is_some
    }

    /// All bytes that are counted for what is in it.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).nodes.len()).sum()
    }

    /// Frees what is not in the table any more: large bodies, so under no lock.
    fn let_go(&self, gone: Option<Variants<M>>) {
        if let Some(variants) = gone {
            self.bytes.fetch_sub(variants.resident_bytes(), Ordering::Relaxed);
        }
    }

    fn shard(&self, hash: KeyHash) -> &Mutex<Shard<M>> {
        // The index inside a shard goes by the last bits and the first ones: these are others.
        &self.shards[(hash.bits() >> 32) as usize % SHARDS]
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Shard<M> {
    places: HashMap<KeyHash, usize, BuildHasherDefault<Identity>>,
    nodes: Vec<Node<M>>,
    newest: usize,
    oldest: usize,
}

struct Node<M> {
    hash: KeyHash,
    variants: Variants<M>,
    /// The count of changes when it was last used.
    used: u64,
    /// Its neighbours in the order of use.
    newer: usize,
    older: usize,
}

impl<M> Shard<M> {
    fn empty() -> Self {
        Self { places: HashMap::default(), nodes: Vec::new(), newest: NONE, oldest: NONE }
    }

    fn find(&self, hash: KeyHash) -> Option<usize> {
        self.places.get(&hash).copied()
    }

    fn used_longest_ago(&self) -> Option<u64> {
        self.nodes.get(self.oldest).map(|node| node.used)
    }

    /// Puts variants where others were found, or into a node of their own, which is the newest then. Returns the others.
    fn put(
        &mut self,
        hash: KeyHash,
        found: Option<usize>,
        variants: Variants<M>,
        now: u64,
    ) -> Option<Variants<M>> {
        if let Some(at) = found {
            self.touch(at, now);
            return Some(mem::replace(&mut self.nodes[at].variants, variants));
        }
        let at = self.nodes.len();
        self.nodes.push(Node { hash, variants, used: now, newer: NONE, older: NONE });
        self.places.insert(hash, at);
        self.link(at);
        None
    }

    /// Makes a node the newest.
    fn touch(&mut self, at: usize, now: u64) {
        self.nodes[at].used = now;
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
    }

    /// Takes a node out; the last one takes its place.
    fn remove(&mut self, at: usize) -> Variants<M> {
        self.unlink(at);
        let node = self.nodes.swap_remove(at);
        self.places.remove(&node.hash);
        if let Some(moved) = self.nodes.get(at) {
            let (hash, newer, older) = (moved.hash, moved.newer, moved.older);
            self.places.insert(hash, at);
            *self.older_of(newer) = at;
            *self.newer_of(older) = at;
        }
        let room = self.nodes.capacity();
        if room > KEPT_ROOM && self.nodes.len() < room / 4 {
            self.nodes.shrink_to(room / 2);
            self.places.shrink_to(room / 2);
        }
        node.variants
    }

    fn link(&mut self, at: usize) {
        let second = mem::replace(&mut self.newest, at);
        *self.newer_of(second) = at;
        self.nodes[at].older = second;
        self.nodes[at].newer = NONE;
    }

    fn unlink(&mut self, at: usize) {
        let (newer, older) = (self.nodes[at].newer, self.nodes[at].older);
        *self.older_of(newer) = older;
        *self.newer_of(older) = newer;
    }

    /// What comes before a node in the order of use, or the oldest of all.
    fn newer_of(&mut self, at: usize) -> &mut usize {
        self.nodes.get_mut(at).map_or(&mut self.oldest, |node| &mut node.newer)
    }

    /// What comes after a node in the order of use, or the newest of all.
    fn older_of(&mut self, at: usize) -> &mut usize {
        self.nodes.get_mut(at).map_or(&mut self.newest, |node| &mut node.older)
    }
}
