//! One fetch for a key, however many clients ask: the first leads, the others wait for what becomes of its head.
//!
//! A flight is in the table from the moment that its fetch is decided until what it brought is stored, or turned out to
//! be for nobody else. Who finds it there waits for its landing and then follows the same content as it arrives. What is
//! never shared by storing is never shared here either: only an answer that is being stored has followers, and each of
//! them asks `plan` whether that answer is for it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{Problem, keyed::Sought, trailers::Announced, unshared::Unshared};
use crate::{
    decision::{Keyed, Stored},
    key::{CacheKey, Codings},
    store::{Fill, HeadBlock, KeyHash, Stamped},
};

/// Shards of the table. Workers that fetch different keys seldom meet.
const SHARDS: usize = 64;

/// The fetches in progress.
pub(super) struct Flights {
    shards: [Mutex<HashMap<Wanted, Arc<Flight>>>; SHARDS],
}

/// What a fetch asks for: the key, and the content codings that a hermetic fetch offers.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Wanted {
    key: CacheKey,
    offered: Option<Codings>,
}

impl Wanted {
    fn by(keyed: &Keyed) -> Self {
        Self { key: keyed.key.clone(), offered: keyed.declared.map(|_| keyed.codings) }
    }
}

/// One fetch in progress, and what has become of it.
pub(super) struct Flight {
    landing: watch::Sender<Option<Landing>>,
}

/// What has become of a fetch, for those who wait for it.
#[derive(Clone)]
pub(super) enum Landing {
    /// An answer is being received that is stored.
    Filling(Arc<Common>),
    /// Something else is known about the key now than when they began to wait: they look again.
    News,
    /// The answer is not for others: each makes its own fetch.
    NotShared,
    /// There is no answer.
    Failed(Problem),
}

/// An answer that is being received, as everybody may have it.
pub(super) struct Common {
    pub(super) stored: Arc<Stored>,
    pub(super) head: HeadBlock,
    /// The length of the whole content, where it was announced.
    pub(super) length: Option<u64>,
    /// What the origin said about its trailers.
    pub(super) announced: Option<Announced>,
    pub(super) fill: Arc<Fill>,
    pub(super) stamped: Stamped,
}

/// A part in a flight.
pub(super) enum Part {
    /// Nobody else fetches this: the caller is to.
    Lead(Lead),
    /// Somebody does.
    Follow(Arc<Flight>),
}

/// The one who fetches. Dropped, it takes the flight out of the table; those who still wait then look again.
pub(super) struct Lead {
    flights: Arc<Flights>,
    hash: KeyHash,
    wanted: Wanted,
    /// Who would be told what the one who leads is.
    whose: Unshared,
    flight: Arc<Flight>,
}

impl Flights {
    /// No fetches.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { shards: std::array::from_fn(|_| Mutex::default()) })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// Takes part in the flight of a key: as its leader where there is none.
    pub(super) fn join(self: &Arc<Self>, sought: &Sought) -> Part {
        let wanted = Wanted::by(sought);
        let mut shard = self.shard(sought.hash());
        match shard.get(&wanted) {
            Some(flight) => Part::Follow(Arc::clone(flight)),
            None => Part::Lead(self.take_off(&mut shard, sought, wanted)),
        }
    }

    /// The flight of a key, if there is one.
    pub(super) fn find(&self, sought: &Sought) -> Option<Arc<Flight>> {
        self.shard(sought.hash()).get(&Wanted::by(sought)).map(Arc::clone)
    }

    /// How many follow the flights of a key, whatever codings they offer, beside those who lead; none where there is no
    /// flight. For who only wants to know: it reads a whole shard.
    pub(super) fn followers(&self, hash: KeyHash, key: &CacheKey) -> Option<usize> {
        let flights: Vec<_> = {
            let shard = self.shard(hash);
            shard
                .iter()
                .filter(|(wanted, _)| wanted.key == *key)
                .map(|(_, flight)| Arc::clone(flight))
                .collect()
        };
        (!flights.is_empty()).then(|| flights.iter().map(|flight| flight.followers()).sum())
    }

    /// Leads a new flight in the place of one whose answer may no longer be used. `None` where somebody else already
    /// does.
    pub(super) fn replace(self: &Arc<Self>, sought: &Sought, old: &Arc<Flight>) -> Option<Lead> {
        let wanted = Wanted::by(sought);
        let mut shard = self.shard(sought.hash());
        let is_free = shard.get(&wanted).is_none_or(|flight| Arc::ptr_eq(flight, old));
        is_free.then(|| self.take_off(&mut shard, sought, wanted))
    }

    fn take_off(
        self: &Arc<Self>,
        shard: &mut HashMap<Wanted, Arc<Flight>>,
        sought: &Sought,
        wanted: Wanted,
    ) -> Lead {
        let flight = Arc::new(Flight { landing: watch::Sender::new(None) });
        shard.insert(wanted.clone(), Arc::clone(&flight));
        let (hash, whose) = (sought.hash(), Unshared::like(sought));
        Lead { flights: Arc::clone(self), hash, wanted, whose, flight }
    }

    fn shard(&self, hash: KeyHash) -> MutexGuard<'_, HashMap<Wanted, Arc<Flight>>> {
        let index = usize::try_from(hash.bits() % SHARDS as u64).unwrap_or(0);
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl Flight {
    /// How many wait for it, or read what it brings, beside the one who leads.
    fn followers(&self) -> usize {
        let waiting = self.landing.receiver_count();
        // Cloned, so that nothing is asked while the landing is locked.
        let landing = self.landing.borrow().clone();
        let reading = match landing {
            Some(Landing::Filling(common)) => common.fill.follower_count().saturating_sub(1),
            Some(Landing::News | Landing::NotShared | Landing::Failed(_)) | None => 0,
        };
        waiting + reading
    }

    /// Waits for what becomes of the fetch, for at most this long.
    pub(super) async fn landed(&self, limit: Duration) -> Option<Landing> {
        let mut landing = self.landing.subscribe();
        let landed = tokio::time::timeout(limit, landing.wait_for(Option::is_some)).await.ok()?;
        landed.map_or(Some(Landing::News), |landing| landing.clone())
    }
}

impl Lead {
    /// The hash of the key.
    pub(super) const fn hash(&self) -> KeyHash {
        self.hash
    }

    /// Who would be told what the one who leads is.
    pub(super) const fn whose(&self) -> Unshared {
        self.whose
    }

    /// Waits until nobody waits for what becomes of the fetch.
    pub(super) async fn deserted(&self) {
        self.flight.landing.closed().await;
    }

    /// Whether nobody does.
    pub(super) fn is_deserted(&self) -> bool {
        self.flight.landing.receiver_count() == 0
    }

    /// Tells those who wait what is being received. Whoever comes until this is dropped hears it too.
    pub(super) fn land(&self, common: Common) {
        self.flight.landing.send_replace(Some(Landing::Filling(Arc::new(common))));
    }

    /// Tells those who wait what has become of the fetch. They find no flight when they look for one.
    pub(super) fn end(self, landing: Landing) {
        self.leave();
        self.flight.landing.send_replace(Some(landing));
    }

    fn leave(&self) {
        let mut shard = self.flights.shard(self.hash);
        if shard.get(&self.wanted).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            shard.remove(&self.wanted);
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.leave();
        self.flight.landing.send_if_modified(|landing| {
            let is_open = landing.is_none();
            if is_open {
                *landing = Some(Landing::News);
            }
            is_open
        });
    }
}
