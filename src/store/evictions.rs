//! How many responses have left, and why.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many stored responses have left since the start. What was replaced by a newer one is not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evictions {
    /// Because there was no room for all.
    pub capacity: u64,
    /// Because they were purged, or an unsafe request had invalidated them.
    pub purged: u64,
    /// Because an answer of the origin said that they are no longer right.
    pub discarded: u64,
}

/// The counters. Relaxed: each is a number of its own, and nothing follows from it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    capacity: AtomicU64,
    purged: AtomicU64,
    discarded: AtomicU64,
}

impl Counts {
    pub(super) fn capacity(&self, responses: usize) {
        add(&self.capacity, responses);
    }

    pub(super) fn purged(&self, responses: usize) {
        add(&self.purged, responses);
    }

    pub(super) fn discarded(&self, responses: usize) {
        add(&self.discarded, responses);
    }

    pub(super) fn so_far(&self) -> Evictions {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Evictions {
            capacity: read(&self.capacity),
            purged: read(&self.purged),
            discarded: read(&self.discarded),
        }
    }
}

fn add(count: &AtomicU64, responses: usize) {
    count.fetch_add(responses as u64, Ordering::Relaxed);
}
