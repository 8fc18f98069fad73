//! One stored response, and the set of them under one key.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    body::{ARC_COUNTS, StoredBody, shared},
    budget::{Budget, Charge, allocation},
    head::HeadBlock,
    purge::{PurgeClock, Stamp, Stamped, Standing},
};
use crate::key::CacheKey;

/// Metadata that knows what it holds outside of itself.
pub trait MetaSize {
    /// The sizes of what this value has allocated.
    fn heap_sizes(&self) -> impl Iterator<Item = usize>;
}

impl MetaSize for () {
    fn heap_sizes(&self) -> impl Iterator<Item = usize> {
        std::iter::empty()
    }
}

/// Metadata that can be told that its time is over.
pub trait Ending: Sized {
    /// The same, stale since `at` of the clock that it counts by. `None` where it has been for as long already.
    fn ended(&self, at: Duration) -> Option<Self>;
}

impl Ending for () {
    fn ended(&self, _: Duration) -> Option<Self> {
        None
    }
}

/// What one entry takes in the table itself, as measured: its bucket, its bookkeeping and its place in the order of
/// use. Measured for a 64-bit key and a pointer as the value, without expiry.
const TABLE: u64 = 300;

/// What the table's slot of a key adds to its variants: their weight and a lock.
const SLOT: usize = 16;

/// What a stored response is made of.
#[derive(Debug)]
pub struct EntryParts<M> {
    /// What it answers.
    pub key: CacheKey,
    /// What `semantics` knows about it.
    pub meta: M,
    /// Its field lines.
    pub head: HeadBlock,
    /// Its content.
    pub body: StoredBody,
    /// When its fetch began, and what invalidates it.
    pub stamped: Stamped,
}

/// A stored response. It is never changed; a validation replaces it with another that shares its body.
#[derive(Debug)]
pub struct Entry<M> {
    key: CacheKey,
    meta: M,
    head: HeadBlock,
    body: StoredBody,
    stamped: Stamped,
    /// Everything but a large body, which has its own.
    charge: Charge,
}

impl<M: MetaSize> Entry<M> {
    /// Makes an entry and counts it in `budget`.
    pub fn new(budget: &Arc<Budget>, parts: EntryParts<M>) -> Arc<Self> {
        let EntryParts { key, meta, head, body, stamped } = parts;
        let (head, body) = in_one_block(head, body);
        let charge = budget.charge(Self::own_bytes(&key, &meta, &head, &body, &stamped));
        Arc::new(Self { key, meta, head, body, stamped, charge })
    }

    /// The same content under a new head: a validation has brought it up to date.
    pub fn freshened(&self, meta: M, head: HeadBlock, stamped: Stamped) -> Arc<Self> {
        let parts = EntryParts { key: self.key.clone(), meta, head, body: self.body.clone(), stamped };
        Self::new(self.charge.budget(), parts)
    }

    /// The same response under other metadata: head and body are shared.
    pub(super) fn with_meta(&self, meta: M, stamped: Stamped) -> Arc<Self> {
        let (key, head, body) = (self.key.clone(), self.head.clone(), self.body.clone());
        let charge = self.charge.budget().charge(Self::own_bytes(&key, &meta, &head, &body, &stamped));
        Arc::new(Self { key, meta, head, body, stamped, charge })
    }

    fn own_bytes(key: &CacheKey, meta: &M, head: &HeadBlock, body: &StoredBody, stamped: &Stamped) -> u64 {
        let parts = [
            size_of::<Self>() + ARC_COUNTS,
            key.as_bytes().len() + ARC_COUNTS,
            size_of_val(stamped.scopes()),
            size_of::<Variants<M>>() + SLOT + ARC_COUNTS,
        ];
        let block = shared(head.len() + body.small().map_or(0, Bytes::len));
        let allocated = parts.into_iter().chain(meta.heap_sizes()).map(allocation).sum::<u64>();
        allocated + block + TABLE
    }
}

/// A small body in the same allocation as the head, in exact size.
fn in_one_block(head: HeadBlock, body: StoredBody) -> (HeadBlock, StoredBody) {
    let Some(content) = body.small() else { return (head, body) };
    let mut block = Bytes::from([head.as_bytes().as_ref(), content].concat());
    let head = HeadBlock::from_lines(block.split_to(head.len()));
    (head, StoredBody::of_small(block))
}

impl<M> Entry<M> {
    /// What it answers.
    pub fn key(&self) -> &CacheKey {
        &self.key
    }

    /// What `semantics` knows about it.
    pub fn meta(&self) -> &M {
        &self.meta
    }

    /// Its field lines.
    pub fn head(&self) -> &HeadBlock {
        &self.head
    }

    /// Its content.
    pub fn body(&self) -> &StoredBody {
        &self.body
    }

    /// When its fetch began, and what invalidates it.
    pub fn stamped(&self) -> &Stamped {
        &self.stamped
    }

    /// What has become of it by these invalidations, and the stamp up to which that is known.
    pub fn standing(&self, purges: &PurgeClock) -> (Standing, Stamp) {
        purges.standing(&self.stamped, || self.key.place())
    }

    /// All bytes of memory that are counted for it, its body included.
    pub fn resident_bytes(&self) -> u64 {
        self.charge.bytes() + self.body.counted_bytes()
    }
}

/// The stored responses of one key, the newest first. There is always at least one. Cheap to clone.
#[derive(Debug)]
pub struct Variants<M> {
    newest: Arc<Entry<M>>,
    /// None where there is only one, as for most keys: so nothing is allocated for it.
    older: Option<Arc<[Arc<Entry<M>>]>>,
}

impl<M> Clone for Variants<M> {
    fn clone(&self) -> Self {
        Self { newest: Arc::clone(&self.newest), older: self.older.clone() }
    }
}

impl<M> Variants<M> {
    /// `newest`, and as many of `older` as fit below `most` entries and `bytes`.
    pub(super) fn new(
        newest: Arc<Entry<M>>,
        older: impl Iterator<Item = Arc<Entry<M>>>,
        most: usize,
        bytes: u64,
    ) -> Self {
        let mut total = newest.resident_bytes();
        let older: Vec<_> = older
            .take(most.saturating_sub(1))
            .take_while(|entry| {
                total = total.saturating_add(entry.resident_bytes());
                total <= bytes
            })
            .collect();
        let older = if older.is_empty() { None } else { Some(older.into()) };
        Self { newest, older }
    }

    /// The key of all of them.
    pub fn key(&self) -> &CacheKey {
        &self.newest.key
    }

    /// All of them, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry<M>>> {
        std::iter::once(&self.newest).chain(self.older.iter().flat_map(|older| older.iter()))
    }

    /// The one that was stored or validated last.
    pub fn newest(&self) -> &Arc<Entry<M>> {
        &self.newest
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)] // Never empty.
    pub fn len(&self) -> usize {
        1 + self.older.as_ref().map_or(0, |older| older.len())
    }

    /// All bytes of memory that are counted for them.
    pub fn resident_bytes(&self) -> u64 {
        self.iter().map(|entry| entry.resident_bytes()).sum()
    }

    /// Whether these are the very same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    pub(super) fn all_current(&self, purges: &PurgeClock) -> bool {
        self.iter().all(|entry| purges.is_current(&entry.stamped, || entry.key.place()))
    }
}
