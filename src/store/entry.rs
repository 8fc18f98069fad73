//! One stored response, and the set of them under one key.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    body::{ARC_COUNTS, LargeBody, StoredBody, shared},
    budget::{Budget, Charge, allocation},
    head::HeadBlock,
    purge::{PurgeClock, Stamp, Stamped, Standing},
};
use crate::key::{CacheKey, Place};

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

/// What the table's slot of a key adds to its variants: a lock.
const SLOT: usize = 8;

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
    meta: M,
    /// The key, the field lines, and the content where it is small: one allocation for all of them.
    block: Bytes,
    head_at: u32,
    body_at: u32,
    /// The content where it is large.
    large: Option<LargeBody>,
    stamped: Stamped,
    /// Everything but a large body, which has its own.
    charge: Charge,
}

impl<M: MetaSize> Entry<M> {
    /// Makes an entry and counts it in `budget`.
    pub fn new(budget: &Arc<Budget>, parts: EntryParts<M>) -> Arc<Self> {
        let EntryParts { key, meta, head, body, stamped } = parts;
        Self::of_parts(budget, key.as_bytes(), meta, &head, body, stamped)
    }

    /// The same content under a new head: a validation has brought it up to date.
    pub fn freshened(&self, meta: M, head: &HeadBlock, stamped: Stamped) -> Arc<Self> {
        Self::of_parts(self.charge.budget(), self.key(), meta, head, self.body(), stamped)
    }

    /// The same response, whose body is now this copy.
    pub fn with_body(&self, body: StoredBody) -> Arc<Self>
    where
        M: Clone,
    {
        let stamped = self.stamped.clone();
        Self::of_parts(self.charge.budget(), self.key(), self.meta.clone(), &self.head(), body, stamped)
    }

    /// The same response under other metadata: key, head and body are shared.
    pub(super) fn with_meta(&self, meta: M, stamped: Stamped) -> Arc<Self> {
        let (block, large) = (self.block.clone(), self.large.clone());
        let charge = self.charge.budget().charge(Self::own_bytes(&meta, &block, &stamped));
        let (head_at, body_at) = (self.head_at, self.body_at);
        Arc::new(Self { meta, block, head_at, body_at, large, stamped, charge })
    }

    fn of_parts(
        budget: &Arc<Budget>,
        key: &[u8],
        meta: M,
        head: &HeadBlock,
        body: StoredBody,
        stamped: Stamped,
    ) -> Arc<Self> {
        let content = body.small().map_or(&[][..], |content| content);
        let block = Bytes::from([key, head.as_bytes(), content].concat());
        // What is beyond 4 GiB is never found again.
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        let (head_at, body_at) = (place(key.len()), place(key.len() + head.len()));
        let large = body.into_large();
        let charge = budget.charge(Self::own_bytes(&meta, &block, &stamped));
        Arc::new(Self { meta, block, head_at, body_at, large, stamped, charge })
    }

    fn own_bytes(meta: &M, block: &Bytes, stamped: &Stamped) -> u64 {
        let parts = [
            size_of::<Self>() + ARC_COUNTS,
            size_of_val(stamped.scopes()),
            size_of::<Variants<M>>() + SLOT + ARC_COUNTS,
        ];
        let allocated = parts.into_iter().chain(meta.heap_sizes()).map(allocation).sum::<u64>();
        allocated + shared(block.len()) + TABLE
    }
}

impl<M> Entry<M> {
    /// The bytes of the key that it answers.
    pub fn key(&self) -> &[u8] {
        &self.block[..self.head_at as usize]
    }

    /// What `semantics` knows about it.
    pub fn meta(&self) -> &M {
        &self.meta
    }

    /// Its field lines.
    pub fn head(&self) -> HeadBlock {
        HeadBlock::from_lines(self.block.slice(self.head_at as usize..self.body_at as usize))
    }

    /// Its content.
    pub fn body(&self) -> StoredBody {
        match &self.large {
            Some(large) => large.clone().into(),
            None => StoredBody::of_small(self.block.slice(self.body_at as usize..)),
        }
    }

    /// When its fetch began, and what invalidates it.
    pub fn stamped(&self) -> &Stamped {
        &self.stamped
    }

    /// What has become of it by these invalidations, and the stamp up to which that is known.
    pub fn standing(&self, purges: &PurgeClock) -> (Standing, Stamp) {
        purges.standing(&self.stamped, || Place::of_key(self.key()))
    }

    /// All bytes of memory that are counted for it, its body included.
    pub fn resident_bytes(&self) -> u64 {
        self.charge.bytes() + self.large.as_ref().map_or(0, LargeBody::counted_bytes)
    }
}

/// The stored responses of one key, the newest first. There is always at least one. Cheap to clone.
#[derive(Debug)]
pub struct Variants<M> {
    newest: Arc<Entry<M>>,
    /// None where there is only one, as for most keys: so nothing is allocated for it.
    older: Option<Arc<Older<M>>>,
}

type Older<M> = Box<[Arc<Entry<M>>]>;

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
        let older = if older.is_empty() { None } else { Some(Arc::new(older.into())) };
        Self { newest, older }
    }

    /// The bytes of the key of all of them.
    pub fn key(&self) -> &[u8] {
        self.newest.key()
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
        self.iter().all(|entry| purges.is_current(&entry.stamped, || Place::of_key(entry.key())))
    }
}
