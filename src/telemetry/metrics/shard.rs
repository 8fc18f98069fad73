//! The counters that every request touches, once for each thread that serves: threads that count in one place wait for
//! each other's caches.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::histogram::Histogram;
use crate::{
    decision::Reason,
    level::Level,
    observe::{Decision, End, Role, Word},
};

/// No level, and the five.
pub(super) const LEVELS: usize = Level::ALL.len() + 1;
pub(super) const WORDS: usize = Word::ALL.len();
/// Status codes by their first digit, 1 to 5.
pub(super) const CLASSES: usize = 5;

/// One thread's counters, in a place of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard {
    /// By number, and last for requests that came to no route. Made when the first of its requests comes.
    routes: Box<[OnceLock<Box<OfRoute>>]>,
    /// From a request to the end of its answer, by word.
    pub(super) durations: [Histogram; WORDS],
    /// From a question to the origin to the head of its answer.
    pub(super) origin: Histogram,
    /// Answers of the origin, by class of their status.
    pub(super) origin_answers: [AtomicU64; CLASSES],
}

/// The counters of a route.
#[derive(Debug)]
pub(super) struct OfRoute {
    /// By level, word and class of status.
    pub(super) requests: [[[AtomicU64; CLASSES]; WORDS]; LEVELS],
    /// By place.
    pub(super) reasons: [AtomicU64; Reason::COUNT],
    /// Bytes of content, by word.
    pub(super) bytes: [AtomicU64; WORDS],
    /// Those of them that the origin did not have to send.
    pub(super) saved: AtomicU64,
    /// By role.
    pub(super) roles: [AtomicU64; Role::ALL.len()],
    /// Requests that shared a fetch, and those that were refused that.
    pub(super) collapsed: [AtomicU64; 2],
    /// Stale answers from the store.
    pub(super) stale: AtomicU64,
    /// Answers that were cut short.
    pub(super) cut: AtomicU64,
}

impl Default for OfRoute {
    fn default() -> Self {
        Self {
            requests: Default::default(),
            reasons: std::array::from_fn(|_| AtomicU64::new(0)),
            bytes: Default::default(),
            saved: AtomicU64::new(0),
            roles: Default::default(),
            collapsed: Default::default(),
            stale: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        }
    }
}

impl Shard {
    pub(super) fn new(routes: usize) -> Self {
        Self {
            routes: (0..=routes).map(|_| OnceLock::new()).collect(),
            durations: Default::default(),
            origin: Histogram::default(),
            origin_answers: Default::default(),
        }
    }

    /// The counters of a route that has had a request.
    pub(super) fn known(&self, route: usize) -> Option<&OfRoute> {
        self.routes.get(route)?.get().map(|counters| &**counters)
    }

    /// The counters of a route, or of what came to none.
    pub(super) fn of_route(&self, route: Option<usize>) -> Option<&OfRoute> {
        let place = route.unwrap_or(self.routes.len().saturating_sub(1));
        self.routes.get(place).map(|counters| &**counters.get_or_init(Box::default))
    }

    pub(super) fn decided(&self, decision: &Decision<'_>) {
        let Some(counters) = self.of_route(decision.route.map(|route| route.number)) else { return };
        let level = decision.level.map_or(0, |level| usize::from(level.number()));
        let word = decision.outcome.word().place();
        one_more(&counters.requests[level][word][class(decision.status)]);
        if let Some(reason) = decision.reason {
            one_more(&counters.reasons[reason.place()]);
        }
        if let Some(shared) = decision.collapsed() {
            one_more(&counters.collapsed[usize::from(!shared)]);
        }
        if decision.ttl().is_some_and(|ttl| ttl < 0) {
            one_more(&counters.stale);
        }
    }

    pub(super) fn ended(&self, end: &End) {
        let word = end.word.place();
        self.durations[word].observe(end.elapsed);
        let Some(counters) = self.of_route(end.route) else { return };
        counters.bytes[word].fetch_add(end.bytes, Ordering::Relaxed);
        if end.word == Word::Hit || end.is_collapsed {
            counters.saved.fetch_add(end.bytes, Ordering::Relaxed);
        }
        if !end.is_whole {
            one_more(&counters.cut);
        }
    }
}

/// The place of a status among the classes.
pub(super) fn class(status: http::StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, CLASSES) - 1
}

pub(super) fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The number of this thread, among those that have counted something.
pub(super) fn this_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}
