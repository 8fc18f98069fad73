//! Heads that came before. Most clients, and all load generators, say the same over and over; and what a head says, down to
//! the key that it asks for, hangs on nothing but its bytes and on what is believed of who sent them. So a worker reads
//! such a head once.
//!
//! A head is remembered when it comes for the second time, and forgotten when others have come twice in its place: heads
//! that come once cost the look, and nothing else. One that carries identity is never remembered.

use std::{
    cell::RefCell,
    hash::BuildHasher as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::fast::RandomState;
use http::Method;

use super::{
    Peer, Proxy, Settings,
    begun::Class,
    exchange::{Asking, Exchange},
    outgoing::is_trusted,
};
use crate::{key::Scheme, level::Glance, semantics::Now};

/// How many heads a worker remembers at most. Each has a place, where others may follow it.
const PLACES: usize = 256;
/// The longest head that is remembered, in bytes.
const LONGEST: usize = 1024;

thread_local! {
    /// What this worker remembers. A worker is a thread, so nobody waits for anybody here.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// A number for each set of settings and routes: what was remembered under one is nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(u64);

impl Owner {
    /// One that nobody else has.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A head that came before, and what is known about its request.
#[derive(Clone, Debug)]
pub struct Familiar(Arc<Known>);

impl Familiar {
    /// The method of its request.
    pub fn method(&self) -> &Method {
        &self.0.asking.parts.method
    }

    pub(super) fn class(&self) -> &Class {
        &self.0.class
    }

    /// The request of this head, from this peer.
    pub(super) fn exchange(&self, peer: Peer, began: Now) -> Exchange {
        Exchange::of(Arc::clone(&self.0.asking), Peer { scheme: self.0.scheme, ..peer }, began)
    }
}

#[derive(Debug)]
struct Known {
    text: Box<[u8]>,
    sent: Sent,
    asking: Arc<Asking>,
    class: Class,
    /// The scheme of its target.
    scheme: Scheme,
}

/// By what kind of peer a head was sent, and to whom: all but its bytes that decides what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    to: Owner,
    scheme: Scheme,
    is_trusted: bool,
}

impl Sent {
    fn by(peer: Peer, to: Owner, settings: &Settings) -> Self {
        Self { to, scheme: peer.scheme, is_trusted: is_trusted(peer, &settings.trusted_proxies) }
    }
}

#[derive(Default)]
struct Memory {
    seed: RandomState,
    places: Box<[Place]>,
}

#[derive(Clone, Default)]
struct Place {
    /// The hash of the last head that came to this place and is not remembered.
    passed_by: u64,
    known: Option<Familiar>,
}

impl Memory {
    /// The place of a head, and its hash.
    fn place(&mut self, text: &[u8]) -> (&mut Place, u64) {
        if self.places.is_empty() {
            self.places = vec![Place::default(); PLACES].into_boxed_slice();
        }
        let hash = self.seed.hash_one(text);
        let index = usize::try_from(hash % PLACES as u64).unwrap_or(0);
        (&mut self.places[index], hash)
    }
}

impl Proxy {
    /// What is known about the request whose whole head these bytes are, if it came before.
    pub fn recall(&self, text: &[u8], peer: Peer) -> Option<Familiar> {
        if text.len() > LONGEST {
            return None;
        }
        let known = MEMORY.with_borrow_mut(|memory| {
            let known = memory.place(text).0.known.as_ref();
            known.filter(|known| *known.0.text == *text).cloned()
        })?;
        let Self { shared, .. } = self;
        (known.0.sent == Sent::by(peer, shared.owner, &shared.settings)).then_some(known)
    }

    /// Remembers the head of a request without content, if it has come twice.
    pub(super) fn remember(&self, text: &[u8], peer: Peer, exchange: &Exchange, class: &Class) {
        if text.len() > LONGEST {
            return;
        }
        let settings = &self.shared.settings;
        MEMORY.with_borrow_mut(|memory| {
            let (place, hash) = memory.place(text);
            let is_first = std::mem::replace(&mut place.passed_by, hash) != hash;
            if is_first || settings.policy.identity.carried_by(Glance::at(exchange.fields())).any() {
                return;
            }
            let sent = Sent::by(peer, self.shared.owner, settings);
            let (asking, class) = (Arc::clone(&exchange.asking), class.clone());
            let known = Known { text: text.into(), sent, asking, class, scheme: exchange.peer.scheme };
            place.known = Some(Familiar(Arc::new(known)));
        });
    }
}
