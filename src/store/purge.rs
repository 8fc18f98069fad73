//! Invalidation in constant time: one sequence, and a table of when each scope was last invalidated.
//!
//! Whatever is stored belongs to scopes: its target, its path, its host, its route, its tags. A fetch takes the
//! sequence as its [`Stamp`] when it starts. Invalidating a scope raises the sequence and writes it into the scope's two
//! slots; what is stored is current as long as each of its scopes has a slot that is not above its stamp.
//!
//! The table has a fixed number of slots, so scopes share them: then an invalidation may reach more than it was meant
//! to, and never less. With n other scopes invalidated since the stamp, a scope is hit wrongly with a chance of
//! (1 - exp(-2n / slots)) squared: one slot each would be 3 % where two are 0.3 %. There is no list that grows with the
//! number of invalidations, because in an API with many writes every unsafe method invalidates.
//!
//! # Why a reader never misses an invalidation
//!
//! A writer holds the mutex and does, in this order: store `s` in the slots (s is the sequence plus one), then publish
//! the sequence `s` with release. A reader loads the sequence `n` with acquire, and only then the slots. All
//! invalidations up to `n` wrote their slots before `n` was published, so the reader sees each of those slots at its
//! value or at a later, greater one. `checked_at = n` therefore records a fact that stays true: no invalidation up to
//! `n` concerns this entry. An invalidation that has returned before a reader begins is among those `n`, because the
//! load of the sequence cannot see an older value then.
//!
//! Between the two stores a slot may be above every stamp that can be taken. A fetch that starts right then is treated
//! as one that began before the invalidation, which errs on the safe side.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::key::Scheme;

/// What can be invalidated at once. Kinds never match each other: the host `a` is not the tag `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// One canonical target, in all its variants.
    Target(&'a [u8]),
    /// One canonical path under its authority, with every query.
    Path(&'a [u8]),
    /// Everything of one host.
    Host(&'a str),
    /// Everything that was stored for one route of the config.
    Route(&'a str),
    /// Everything that carries one tag.
    Tag(&'a str),
    /// One group of one origin (RFC 9875), named as the caller names it.
    Group(&'a str),
    /// What carries more tags, or is in more groups, than are told apart.
    ManyTags,
}

impl<'a> Scope<'a> {
    fn parts(self) -> (u8, &'a [u8]) {
        match self {
            Self::Target(target) => (0, target),
            Self::Path(path) => (1, path),
            Self::Host(host) => (2, host.as_bytes()),
            Self::Route(route) => (3, route.as_bytes()),
            Self::Tag(tag) => (4, tag.as_bytes()),
            Self::Group(group) => (5, group.as_bytes()),
            Self::ManyTags => (6, &[]),
        }
    }
}

/// What an operator ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// What belongs to a scope.
    Scope(Scope<'a>),
    /// What has such a path.
    Prefix(Prefix<'a>),
    /// Everything.
    Everything,
}

/// The beginning of canonical paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// The scheme and canonical authority that it is limited to.
    pub origin: Option<(Scheme, &'a str)>,
    /// The text that the path begins with.
    pub path: &'a str,
}

/// What becomes of what is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is gone.
    Gone,
    /// Its freshness has ended, at this time of the caller's clock.
    Stale(Duration),
}

/// A scope as its [`PurgeClock`] knows it: the numbers of its slots. Meaningful only to the clock that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeId(pub(super) [u32; 2]);

/// How many invalidations had happened when something began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub(super) u64);

/// Since when something is known, and which invalidations concern it. Fills and stored responses carry one.
#[derive(Debug)]
pub struct Stamped {
    stamp: Stamp,
    /// The last sequence for which this was found to be current.
    checked_at: AtomicU64,
    scopes: Box<[ScopeId]>,
}

impl Stamped {
    /// What began at `stamp` and belongs to `scopes`.
    pub fn new(stamp: Stamp, scopes: impl Into<Box<[ScopeId]>>) -> Self {
        Self { stamp, checked_at: AtomicU64::new(stamp.0), scopes: scopes.into() }
    }

    /// When it began.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// What it belongs to.
    pub fn scopes(&self) -> &[ScopeId] {
        &self.scopes
    }
}

impl Clone for Stamped {
    fn clone(&self) -> Self {
        let checked_at = AtomicU64::new(self.checked_at.load(Ordering::Relaxed));
        Self { stamp: self.stamp, checked_at, scopes: self.scopes.clone() }
    }
}

/// The sequence of invalidations and the table of scopes.
#[derive(Debug)]
pub struct PurgeClock {
    sequence: AtomicU64,
    slots: Box<[AtomicU64]>,
    writers: Mutex<()>,
    seed: RandomState,
}

impl PurgeClock {
    /// The usual number of slots: 1 MiB of table. 100 writes a second that invalidate a target and a path each end the
    /// currency of a scope that none of them meant with a chance of 3 % in a minute.
    pub const DEFAULT_SLOTS: u32 = 131_072;

    /// A clock with `slots` slots (at least one), all of them untouched.
    pub fn new(slots: u32) -> Self {
        Self {
            sequence: AtomicU64::new(0),
            slots: (0..slots.max(1)).map(|_| AtomicU64::new(0)).collect(),
            writers: Mutex::new(()),
            seed: RandomState::new(),
        }
    }

    /// The stamp for what begins now. To be taken before the request to the origin is sent.
    pub fn now(&self) -> Stamp {
        Stamp(self.sequence.load(Ordering::Acquire))
    }

    /// The slots of a scope.
    pub fn scope(&self, scope: Scope<'_>) -> ScopeId {
        let (kind, name) = scope.parts();
        let mut hasher = self.seed.build_hasher();
        hasher.write_u8(kind);
        hasher.write(name);
        let hash = hasher.finish();
        ScopeId([self.index(hash >> 32), self.index(hash & u64::from(u32::MAX))])
    }

    /// Ends the currency of everything that began before now and belongs to one of `scopes`.
    ///
    /// When this has returned, no [`is_current`](Self::is_current) that begins later is true for any of that.
    pub fn invalidate(&self, scopes: &[ScopeId]) {
        if !scopes.is_empty() {
            let _writing = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            self.write(scopes);
        }
    }

    /// Like [`invalidate`](Self::invalidate), for a write whose own answer is to be stored: its stamp, right after this
    /// invalidation. `None` where another one has ended the currency of `written` since it began.
    pub fn supersede(&self, written: &Stamped, scopes: &[ScopeId]) -> Option<Stamp> {
        let _writing = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = self.is_current(written);
        let next = self.write(scopes);
        is_current.then_some(next)
    }

    /// Ends all of this at once.
    pub fn purge(&self, reach: &[Reach<'_>], _end: End) {
        let scopes: Vec<_> = reach
            .iter()
            .filter_map(|reach| match reach {
                Reach::Scope(scope) => Some(self.scope(*scope)),
                Reach::Prefix(_) | Reach::Everything => None,
            })
            .collect();
        self.invalidate(&scopes);
    }

    /// Writes the next sequence into the slots. The caller holds the lock of the writers.
    fn write(&self, scopes: &[ScopeId]) -> Stamp {
        let next = self.sequence.load(Ordering::Relaxed) + 1;
        for index in scopes.iter().flat_map(|scope| scope.0) {
            if let Some(slot) = self.slots.get(index as usize) {
                slot.store(next, Ordering::Relaxed);
            }
        }
        self.sequence.store(next, Ordering::Release);
        Stamp(next)
    }

    /// Whether nothing has invalidated `stamped` since it began. One load where nothing at all was invalidated since
    /// the last time it was asked.
    pub fn is_current(&self, stamped: &Stamped) -> bool {
        let now = self.sequence.load(Ordering::Acquire);
        // Relaxed: `checked_at` publishes nothing, it is a fact about the past (see the module's proof).
        if stamped.checked_at.load(Ordering::Relaxed) == now {
            return true;
        }
        let current = stamped.scopes.iter().all(|scope| {
            scope.0.into_iter().any(|index| {
                // A slot that this clock does not have counts as invalidated.
                self.slots
                    .get(index as usize)
                    .is_some_and(|slot| slot.load(Ordering::Relaxed) <= stamped.stamp.0)
            })
        });
        if current {
            stamped.checked_at.store(now, Ordering::Relaxed);
        }
        current
    }

    fn index(&self, hash: u64) -> u32 {
        // The remainder is below the number of slots, which was a u32.
        u32::try_from(hash % self.slots.len() as u64).unwrap_or(0)
    }
}
