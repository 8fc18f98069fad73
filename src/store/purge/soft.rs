//! When scopes were softly purged: the times that the table of slots has no room for, in a table of their own that is
//! made for the first soft purge.

use std::time::Duration;

use super::scope::ScopeId;

/// One soft purge.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    sequence: u64,
    /// Nanoseconds of the caller's clock.
    at: u64,
}

/// The last two soft purges of something, and how far back they reach.
///
/// What both ended became stale at the time of the first. So what has not been looked at since before the last two is
/// taken to have been stale for as long as it is there: longer than it was, and never shorter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    last: Mark,
    before: Mark,
    /// The sequence of the last one whose time is forgotten.
    forgotten: u64,
}

impl Marks {
    pub(super) fn add(&mut self, sequence: u64, at: Duration) {
        if self.last.sequence < sequence {
            self.forgotten = self.before.sequence;
            self.before = self.last;
            self.last = Mark { sequence, at: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX) };
        }
    }

    /// The sequence of the last one.
    pub(super) const fn last(&self) -> u64 {
        self.last.sequence
    }

    /// When the first of those after `known` was, or a time before it. `None` where there is none.
    pub(super) const fn first_after(&self, known: u64) -> Option<Duration> {
        if self.last.sequence <= known {
            None
        } else if self.forgotten > known {
            Some(Duration::ZERO)
        } else if self.before.sequence > known {
            Some(Duration::from_nanos(self.before.at))
        } else {
            Some(Duration::from_nanos(self.last.at))
        }
    }
}

/// The soft purges of scopes: two slots for each, as in the table of invalidations, of which there are fewer here.
#[derive(Debug)]
pub(super) struct SoftTable {
    slots: Box<[Marks]>,
}

impl SoftTable {
    /// A table beside one with this many slots.
    pub(super) fn beside(slots: usize) -> Self {
        Self { slots: vec![Marks::default(); (slots / 4).max(1)].into() }
    }

    pub(super) fn end(&mut self, scope: ScopeId, sequence: u64, at: Duration) {
        for index in self.places(scope) {
            if let Some(marks) = self.slots.get_mut(index) {
                marks.add(sequence, at);
            }
        }
    }

    /// When a scope was first softly purged after `known`. Each of its slots knows that purge, so that neither says a
    /// later time; the later of the two is nearer.
    pub(super) fn ended(&self, scope: ScopeId, known: u64) -> Option<Duration> {
        let [one, other] = self.places(scope).map(|index| self.slots.get(index)?.first_after(known));
        Some(one?.max(other?))
    }

    fn places(&self, scope: ScopeId) -> [usize; 2] {
        scope.0.map(|index| index as usize % self.slots.len())
    }
}
