//! Invalidation and purge in constant time: one sequence, and a table of when each scope was last ended.
//!
//! Whatever is stored belongs to scopes: its target, its path, its route, its tags, its host. A fetch takes the sequence as
//! its [`Stamp`] when it starts. Ending a scope raises the sequence and writes it into the scope's two slots; what is stored
//! is current as long as each of its scopes has a slot that is not above the last sequence for which it was found current,
//! which in the beginning is its stamp.
//!
//! The table has a fixed number of slots, so scopes share them: then an invalidation may reach more than it was meant
//! to, and never less. With n other scopes invalidated since, a scope is hit wrongly with a chance of
//! (1 - exp(-2n / slots)) squared: one slot each would be 3 % where two are 0.3 %. There is no list that grows with the
//! number of invalidations, because in an API with many writes every unsafe method invalidates.
//!
//! Three things are beside the table. A *host* has slots as other scopes do, but what is stored does not carry them: they
//! are found from its key, and only if a host was purged since. *Everything*, and *prefixes* of paths, are a floor and a
//! bounded list ([`wide`]). And what ends *softly* is not gone but stale since then, so that times have to be known: they
//! are in a table that is made for the first soft purge ([`soft`]). Each of the three has the sequence of its last purge,
//! which says without a lock that there is nothing new in it.
//!
//! # Why a reader never misses an invalidation
//!
//! A writer holds the mutex and does, in this order: write `s` (the sequence plus one) wherever it belongs, which is in
//! slots, in the list, in the table of times, each of the latter two under its lock, and in the sequence of the last purge
//! of hosts, of the list or of that table; then publish the sequence `s` with release. A reader loads the sequence `n` with
//! acquire, and only then anything else. All invalidations up to `n` wrote what they had to write before `n` was published,
//! so the reader sees each of it at that value or at a later, greater one: slots, the three sequences and the floors only
//! rise, and a record leaves the list only together with the floor that takes its place, under one lock, or for one that is
//! as hard and reaches as far. So what is found current is known to be so at `n`: no invalidation up to `n` concerns it.
//! That remains true, whoever writes it down and whoever reads it, and later looks need only compare what is above it. An
//! invalidation that has returned before a reader begins is among those `n`, because the load of the sequence cannot see
//! an older value then.
//!
//! The times of soft purges are ordered by their sequences. A scope's two slots both have the purge that ended it first
//! after what is known, or forgot it for a later one and say so; so the time that they tell is never later than that of
//! the purge, and nothing is taken to be fresh for longer, or stale for less long, than it is. What is found stale is
//! replaced by a copy that says since when, and begins at `n`: all invalidations up to `n` have been counted in, so that one
//! which is hard ends the copy only if it comes later. A copy never revives what is gone, because gone is looked for first.
//!
//! Between the two steps of a writer a slot may be above every stamp that can be taken. A fetch that starts right then is
//! treated as one that began before the invalidation, which errs on the safe side.

mod scope;
mod soft;
mod wide;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use scope::{End, Prefix, Reach, Scope, ScopeId};
#[cfg(test)]
pub(super) use wide::MOST_PREFIXES;

use crate::key::{Place, split_canonical};
use soft::SoftTable;
use wide::Wide;

/// How many invalidations had happened when something began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(pub(super) u64);

/// What has become of something since it was last known to be current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Current,
    /// It is stale since this time of the clock of who purged.
    Ended(Duration),
    /// It is gone.
    Gone,
}

impl Standing {
    /// What has become of it if both are true.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Gone, _) | (_, Self::Gone) => Self::Gone,
            (Self::Ended(one), Self::Ended(other)) => Self::Ended(one.min(other)),
            (Self::Ended(at), Self::Current) | (Self::Current, Self::Ended(at)) => Self::Ended(at),
            (Self::Current, Self::Current) => Self::Current,
        }
    }
}

impl From<Option<Duration>> for Standing {
    /// Stale since then, if there is such a time.
    fn from(ended: Option<Duration>) -> Self {
        ended.map_or(Self::Current, Self::Ended)
    }
}

/// Since when something is known to be current, and which invalidations concern it. Fills and stored responses carry one.
#[derive(Debug)]
pub struct Stamped {
    /// The last sequence for which this was found to be current: in the beginning its stamp.
    known: AtomicU64,
    scopes: Box<[ScopeId]>,
}

impl Stamped {
    /// What began at `stamp` and belongs to `scopes`, besides the host of its key.
    pub fn new(stamp: Stamp, scopes: impl Into<Box<[ScopeId]>>) -> Self {
        Self { known: AtomicU64::new(stamp.0), scopes: scopes.into() }
    }

    /// What it belongs to.
    pub fn scopes(&self) -> &[ScopeId] {
        &self.scopes
    }

    /// Takes note that no invalidation up to `stamp` concerns it any more.
    pub(super) fn passed(&self, stamp: Stamp) {
        // Relaxed: it publishes nothing, it is a fact about the past (see the module's proof).
        self.known.store(stamp.0, Ordering::Relaxed);
    }

    fn known(&self) -> u64 {
        self.known.load(Ordering::Relaxed)
    }
}

impl Clone for Stamped {
    fn clone(&self) -> Self {
        Self { known: AtomicU64::new(self.known()), scopes: self.scopes.clone() }
    }
}

/// The sequence of invalidations, the table of scopes, and what is beside it.
#[derive(Debug)]
pub struct PurgeClock {
    sequence: AtomicU64,
    slots: Box<[AtomicU64]>,
    /// The last purge of a host, of a prefix or everything, and the last soft one.
    last_host: AtomicU64,
    last_wide: AtomicU64,
    last_soft: AtomicU64,
    wide: RwLock<Wide>,
    soft: OnceLock<RwLock<SoftTable>>,
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
            last_host: AtomicU64::new(0),
            last_wide: AtomicU64::new(0),
            last_soft: AtomicU64::new(0),
            wide: RwLock::default(),
            soft: OnceLock::new(),
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

    /// Ends the currency of everything that began before now and carries one of `scopes`: what an unsafe request does.
    ///
    /// When this has returned, no look that begins later finds any of that current.
    pub fn invalidate(&self, scopes: &[ScopeId]) {
        if !scopes.is_empty() {
            let _writing = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
            self.write(scopes);
        }
    }

    /// Like [`invalidate`](Self::invalidate), for a write whose own answer is to be stored: its stamp, right after this
    /// invalidation. `None` where something else has ended the currency of `written`, at this place, since it began.
    pub fn supersede<'a>(
        &self,
        written: &Stamped,
        place: impl FnOnce() -> Place<'a>,
        scopes: &[ScopeId],
    ) -> Option<Stamp> {
        let _writing = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_current = self.is_current(written, place);
        let next = self.write(scopes);
        is_current.then_some(next)
    }

    /// Ends everything that began before now and is within `reach`, all of it at once: what an operator does.
    ///
    /// When this has returned, no look that begins later finds any of that current.
    pub fn purge(&self, reach: &[Reach<'_>], end: End) {
        if reach.is_empty() {
            return;
        }
        let _writing = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.sequence.load(Ordering::Relaxed) + 1;
        for reach in reach {
            match *reach {
                Reach::Scope(scope) => self.end_scope(scope, next, end),
                Reach::Prefix(prefix) => self.end_wide(next, |wide| wide.end_prefix(prefix, next, end)),
                Reach::Everything => self.end_wide(next, |wide| wide.end_all(next, end)),
            }
        }
        self.sequence.store(next, Ordering::Release);
    }

    fn end_scope(&self, scope: Scope<'_>, next: u64, end: End) {
        let id = self.scope(scope);
        match end {
            End::Gone => self.fill_slots(&[id], next),
            End::Stale(at) => {
                let soft = self.soft.get_or_init(|| RwLock::new(SoftTable::beside(self.slots.len())));
                soft.write().unwrap_or_else(PoisonError::into_inner).end(id, next, at);
                self.last_soft.store(next, Ordering::Relaxed);
            }
        }
        if matches!(scope, Scope::Host(_)) {
            self.last_host.store(next, Ordering::Relaxed);
        }
    }

    fn end_wide(&self, next: u64, end: impl FnOnce(&mut Wide)) {
        end(&mut self.wide.write().unwrap_or_else(PoisonError::into_inner));
        self.last_wide.store(next, Ordering::Relaxed);
    }

    fn fill_slots(&self, scopes: &[ScopeId], next: u64) {
        for index in scopes.iter().flat_map(|scope| scope.0) {
            if let Some(slot) = self.slots.get(index as usize) {
                slot.store(next, Ordering::Relaxed);
            }
        }
    }

    /// Writes the next sequence into the slots. The caller holds the lock of the writers.
    fn write(&self, scopes: &[ScopeId]) -> Stamp {
        let next = self.sequence.load(Ordering::Relaxed) + 1;
        self.fill_slots(scopes, next);
        self.sequence.store(next, Ordering::Release);
        Stamp(next)
    }

    /// Whether nothing has ended `stamped`, which is stored for this place, since it began. One load where nothing at all
    /// was ended since the last time that it was asked.
    pub fn is_current<'a>(&self, stamped: &Stamped, place: impl FnOnce() -> Place<'a>) -> bool {
        stamped.known() >= self.now().0 || self.standing(stamped, place).0 == Standing::Current
    }

    /// What has become of `stamped`, which is stored for this place, and the stamp up to which that is known.
    pub fn standing<'a>(&self, stamped: &Stamped, place: impl FnOnce() -> Place<'a>) -> (Standing, Stamp) {
        let now = self.now();
        let known = stamped.known();
        // Another reader may have gone further meanwhile.
        if known >= now.0 {
            return (Standing::Current, now);
        }
        let standing = self.standing_since(known, stamped.scopes(), place);
        if standing == Standing::Current {
            stamped.passed(now);
        }
        (standing, now)
    }

    fn standing_since<'a>(
        &self,
        known: u64,
        scopes: &[ScopeId],
        place: impl FnOnce() -> Place<'a>,
    ) -> Standing {
        let has_moved = |last: &AtomicU64| last.load(Ordering::Relaxed) > known;
        let (host_moved, wide_moved) = (has_moved(&self.last_host), has_moved(&self.last_wide));
        let place = if host_moved || wide_moved { Some(place()) } else { None };
        let hosts = place.filter(|_| host_moved).map(|place| self.hosts(place.authority));
        let all = || scopes.iter().chain(hosts.iter().flatten().flatten()).copied();
        if all().any(|scope| self.is_gone(scope, known)) {
            return Standing::Gone;
        }
        let mut standing = Standing::Current;
        if let Some(place) = place.filter(|_| wide_moved) {
            let wide = self.wide.read().unwrap_or_else(PoisonError::into_inner);
            standing = wide.standing(known, &place);
        }
        if has_moved(&self.last_soft)
            && let Some(soft) = self.soft.get()
        {
            let soft = soft.read().unwrap_or_else(PoisonError::into_inner);
            standing = all().fold(standing, |standing, scope| standing.and(soft.ended(scope, known).into()));
        }
        standing
    }

    /// Whether both slots of a scope are above what is known. A slot that this clock does not have is.
    fn is_gone(&self, scope: ScopeId, known: u64) -> bool {
        let is_above = |slot: &AtomicU64| slot.load(Ordering::Relaxed) > known;
        scope.0.into_iter().all(|index| self.slots.get(index as usize).is_none_or(is_above))
    }

    /// The hosts that an authority belongs to: its name, and where it has a port, that with it.
    fn hosts(&self, authority: &str) -> [Option<ScopeId>; 2] {
        let (host, port) = split_canonical(authority);
        let with_port = port.map(|port| self.scope(Scope::Host(&[host, ":", port].concat())));
        [Some(self.scope(Scope::Host(host))), with_port]
    }

    fn index(&self, hash: u64) -> u32 {
        // The remainder is below the number of slots, which was a u32.
        u32::try_from(hash % self.slots.len() as u64).unwrap_or(0)
    }
}
