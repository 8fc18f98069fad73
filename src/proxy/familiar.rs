//! Heads that came before. Most clients, and all load generators, say the same over and over; and what a head says, down to
//! the key that it asks for, hangs on nothing but its bytes and on what is believed of who sent them. So a worker reads
//! such a head once.
//!
//! A head is remembered when it comes for the second time, and gives way to another that came twice to its place: heads
//! that come once cost the look, and take the place of none. One that carries identity is never remembered.

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
    Peer, Proxy, Settings, Shared,
    begun::Class,
    exchange::{Asking, Exchange},
    outgoing::is_trusted,
};
use crate::{key::Scheme, level::Glance, semantics::Now};

/// How many heads a worker remembers at most. Each has a place, where others may follow it. With all that they hold on to,
/// the room that they share with other heads included, they take 1.5 MiB of it at most.
const PLACES: usize = 256;
/// The longest head that is remembered, in bytes.
const LONGEST: usize = 1024;

thread_local! {
    /// What this worker remembers. A worker is a thread, so nobody waits for anybody here.
    static MEMORY: RefCell<Memory<Familiar>> = RefCell::new(Memory::new());
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

/// What is known about texts that came twice.
struct Memory<T> {
    seed: RandomState,
    places: Box<[Place<T>]>,
}

#[derive(Clone)]
struct Place<T> {
    /// The hash of the last text that came to this place and is not known.
    passed_by: Option<u64>,
    known: Option<(Box<[u8]>, T)>,
}

impl<T: Clone> Memory<T> {
    fn new() -> Self {
        Self { seed: RandomState::default(), places: Box::default() }
    }

    /// What is known about this text.
    fn recall(&mut self, text: &[u8]) -> Option<T> {
        let (known, value) = self.place(text)?.0.known.as_ref()?;
        (**known == *text).then(|| value.clone())
    }

    /// Notes what is to be known about this text, if it came to its place before and was the last one to pass by there.
    fn note(&mut self, text: &[u8], value: impl FnOnce() -> Option<T>) {
        let Some((place, hash)) = self.place(text) else { return };
        if place.passed_by.replace(hash) == Some(hash)
            && let Some(value) = value()
        {
            place.known = Some((text.into(), value));
        }
    }

    /// The place of a text that is not too long, and its hash.
    fn place(&mut self, text: &[u8]) -> Option<(&mut Place<T>, u64)> {
        if text.len() > LONGEST {
            return None;
        }
        if self.places.is_empty() {
            self.places = vec![Place { passed_by: None, known: None }; PLACES].into_boxed_slice();
        }
        let hash = self.seed.hash_one(text);
        let index = usize::try_from(hash % PLACES as u64).unwrap_or(0);
        Some((&mut self.places[index], hash))
    }
}

impl Proxy {
    /// What is known about the request whose whole head these bytes are, if it came before.
    pub fn recall(&self, text: &[u8], peer: Peer) -> Option<Familiar> {
        let familiar = MEMORY.with_borrow_mut(|memory| memory.recall(text))?;
        let Shared { owner, settings, .. } = &*self.shared;
        (familiar.0.sent == Sent::by(peer, *owner, settings)).then_some(familiar)
    }

    /// Remembers the head of a request without content, if it has come before and carries no identity.
    pub(super) fn remember(&self, text: &[u8], peer: Peer, exchange: &Exchange, class: &Class) {
        let Shared { owner, settings, .. } = &*self.shared;
        let familiar = || {
            let carried = settings.policy.identity.carried_by(Glance::at(exchange.fields()));
            let sent = Sent::by(peer, *owner, settings);
            let (asking, class) = (Arc::clone(&exchange.asking), class.clone());
            let known = || Known { sent, asking, class, scheme: exchange.peer.scheme };
            (!carried.any()).then(|| Familiar(Arc::new(known())))
        };
        MEMORY.with_borrow_mut(|memory| memory.note(text, familiar));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_twice_is_known_and_what_comes_once_is_not() {
        let mut memory = Memory::new();
        memory.note(b"a", || panic!("it comes for the first time"));
        assert_eq!(memory.recall(b"a"), None);
        memory.note(b"a", || Some(1));
        assert_eq!(memory.recall(b"a"), Some(1));
        assert_eq!(memory.recall(b"b"), None);
    }

    #[test]
    fn nothing_that_comes_once_takes_the_place_of_what_is_known() {
        let mut memory = Memory::new();
        for _ in 0..2 {
            memory.note(b"known", || Some(0));
        }
        // Far more than there are places.
        for number in 0..100 * PLACES {
            memory.note(number.to_string().as_bytes(), || Some(number));
        }
        assert_eq!(memory.recall(b"known"), Some(0));
        assert_eq!(memory.recall(b"7"), None);
    }

    #[test]
    fn what_comes_twice_takes_the_place_of_what_was_known_there() {
        let mut memory = Memory::new();
        let texts: Vec<String> = (0..10 * PLACES).map(|number| number.to_string()).collect();
        for text in &texts {
            for _ in 0..2 {
                memory.note(text.as_bytes(), || Some(text));
            }
            assert_eq!(memory.recall(text.as_bytes()), Some(text));
        }
        let known = texts.iter().filter(|text| memory.recall(text.as_bytes()).is_some()).count();
        assert!((1..=PLACES).contains(&known), "{known}");
    }

    #[test]
    fn what_is_too_long_or_not_to_be_known_is_never_known() {
        let mut memory = Memory::new();
        let (long, longer) = ([b'a'; LONGEST], [b'a'; LONGEST + 1]);
        for _ in 0..3 {
            memory.note(&long, || Some(1));
            memory.note(&longer, || Some(2));
            memory.note(b"secret", || None);
        }
        assert_eq!(
            (memory.recall(&long), memory.recall(&longer), memory.recall(b"secret")),
            (Some(1), None, None)
        );
    }
}
