//! What no scope can say: everything, and all paths that begin alike. There are few such purges, so they are a list, which
//! only they make longer. Its length is bounded: what no longer fits on it ends everything that it could have been asked
//! about, and so more than was meant.

use std::{collections::VecDeque, time::Duration};

use super::{
    Standing,
    scope::{End, Prefix},
    soft::Marks,
};
use crate::key::{Place, Scheme};

/// How many prefixes are told apart.
pub(in crate::store) const MOST_PREFIXES: usize = 1024;

/// The purges of prefixes and of everything.
#[derive(Debug, Default)]
pub(super) struct Wide {
    /// All that was last known to be current before this sequence is gone.
    floor: u64,
    /// All that was last known to be current before this sequence is stale, nobody knows since when.
    soft_floor: u64,
    /// By the sequence of their last purge.
    records: VecDeque<Record>,
}

#[derive(Debug)]
struct Record {
    origin: Option<(Scheme, Box<str>)>,
    path: Box<str>,
    ended: Ended,
}

#[derive(Debug)]
enum Ended {
    Gone(u64),
    Stale(Marks),
}

impl Record {
    fn last(&self) -> u64 {
        match &self.ended {
            Ended::Gone(sequence) => *sequence,
            Ended::Stale(marks) => marks.last(),
        }
    }

    fn is_of(&self, prefix: Prefix<'_>) -> bool {
        *self.path == *prefix.path && self.has_origin(prefix.origin)
    }

    fn has_origin(&self, origin: Option<(Scheme, &str)>) -> bool {
        self.origin.as_ref().map(|(scheme, authority)| (*scheme, &**authority)) == origin
    }

    /// Whether a prefix reaches all that this one does.
    fn is_within(&self, prefix: Prefix<'_>) -> bool {
        self.path.starts_with(prefix.path) && (prefix.origin.is_none() || self.has_origin(prefix.origin))
    }

    fn reaches(&self, place: &Place<'_>) -> bool {
        place.path.starts_with(&*self.path)
            && self
                .origin
                .as_ref()
                .is_none_or(|(scheme, authority)| *scheme == place.scheme && **authority == *place.authority)
    }
}

impl Wide {
    /// Ends everything.
    pub(super) fn end_all(&mut self, sequence: u64, end: End) {
        match end {
            End::Gone => {
                self.floor = sequence;
                self.records.clear();
            }
            End::Stale(_) => self.end_prefix(ALL, sequence, end),
        }
    }

    /// Ends all paths with this prefix.
    pub(super) fn end_prefix(&mut self, prefix: Prefix<'_>, sequence: u64, end: End) {
        let ended = match end {
            End::Gone if prefix == ALL => return self.end_all(sequence, end),
            End::Gone => {
                // What an older one has ended is gone now, whatever it was before.
                self.records.retain(|record| !record.is_within(prefix));
                Ended::Gone(sequence)
            }
            End::Stale(at) => {
                let is_known =
                    |record: &Record| matches!(record.ended, Ended::Stale(_)) && record.is_of(prefix);
                let known = self.records.iter().position(is_known).and_then(|at| self.records.remove(at));
                let mut marks = match known.map(|record| record.ended) {
                    Some(Ended::Stale(marks)) => marks,
                    Some(Ended::Gone(_)) | None => Marks::default(),
                };
                marks.add(sequence, at);
                Ended::Stale(marks)
            }
        };
        if self.records.len() >= MOST_PREFIXES {
            self.forget_oldest();
        }
        let origin = prefix.origin.map(|(scheme, authority)| (scheme, authority.into()));
        self.records.push_back(Record { origin, path: prefix.path.into(), ended });
    }

    fn forget_oldest(&mut self) {
        match self.records.pop_front() {
            Some(record @ Record { ended: Ended::Gone(_), .. }) => self.floor = self.floor.max(record.last()),
            Some(record @ Record { ended: Ended::Stale(_), .. }) => {
                self.soft_floor = self.soft_floor.max(record.last());
            }
            None => {}
        }
    }

    /// What has become, after `known`, of what is stored for this place.
    pub(super) fn standing(&self, known: u64, place: &Place<'_>) -> Standing {
        if self.floor > known {
            return Standing::Gone;
        }
        let mut standing =
            if self.soft_floor > known { Standing::Ended(Duration::ZERO) } else { Standing::Current };
        for record in self.records.iter().rev().take_while(|record| record.last() > known) {
            if record.reaches(place) {
                standing = standing.and(match &record.ended {
                    Ended::Gone(_) => return Standing::Gone,
                    Ended::Stale(marks) => marks.first_after(known).into(),
                });
            }
        }
        standing
    }
}

/// The prefix of every path.
const ALL: Prefix<'static> = Prefix { origin: None, path: "/" };
