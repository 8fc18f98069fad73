//! The routes of one host by the segments of their paths, so that a look-up walks the path once and allocates nothing.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use super::segment::{Mixed, Segment};

/// The place of a route in order of precedence: of two routes that match, the lesser wins.
pub(super) type Rank = usize;

/// What follows one prefix of segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    literals: HashMap<Box<str>, Self, BuildHasherDefault<TextHasher>>,
    /// In descending specificity; equals in any order.
    mixed: Vec<(Mixed, Self)>,
    parameter: Option<Box<Self>>,
    /// Routes whose last segment is `{*rest}` here, in order.
    rest: Vec<Rank>,
    /// Routes that end here, in order.
    ends: Vec<Rank>,
}

impl Node {
    /// Adds a route. Routes are added in their order.
    pub(super) fn insert(&mut self, segments: &[Segment], rank: Rank) {
        let Some((first, others)) = segments.split_first() else {
            self.ends.push(rank);
            return;
        };
        let child = match first {
            Segment::Rest(_) => {
                self.rest.push(rank);
                return;
            }
            Segment::Literal(text) => self.literals.entry(text.as_str().into()).or_default(),
            Segment::Mixed(mixed) => self.mixed(mixed),
            Segment::Parameter(_) => self.parameter.get_or_insert_default(),
        };
        child.insert(others, rank);
    }

    /// The first route in order that matches: its path matches `path`, what is left of one behind a slash, and it
    /// passes `admits`, which is told the routes in question. `None` as the path: nothing is left, not even a slash.
    pub(super) fn find(&self, path: Option<&str>, admits: &impl Fn(Rank) -> bool) -> Option<Rank> {
        let first_admitted = |ranks: &[Rank]| ranks.iter().copied().find(|rank| admits(*rank));
        let Some(path) = path else { return first_admitted(&self.ends) };
        // Segments are short: a search made for long texts takes longer to begin than this does altogether.
        let (segment, left) = match path.bytes().position(|byte| byte == b'/') {
            Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
            None => (path, None),
        };
        if let Some(rank) = self.literals.get(segment).and_then(|child| child.find(left, admits)) {
            return Some(rank);
        }
        if !segment.is_empty() {
            for equals in self.mixed.chunk_by(|(a, _), (b, _)| a.specificity(b).is_eq()) {
                // Equally specific segments are told apart by what comes after them, and then by the config.
                let matching = equals.iter().filter(|(mixed, _)| mixed.matches(segment));
                if let Some(rank) = matching.filter_map(|(_, child)| child.find(left, admits)).min() {
                    return Some(rank);
                }
            }
            if let Some(rank) = self.parameter.as_ref().and_then(|child| child.find(left, admits)) {
                return Some(rank);
            }
        }
        first_admitted(&self.rest)
    }

    fn mixed(&mut self, mixed: &Mixed) -> &mut Self {
        let known = self.mixed.iter().position(|(known, _)| known.is_same_shape(mixed));
        let at = known.unwrap_or_else(|| {
            let at = self.mixed.partition_point(|(known, _)| known.specificity(mixed).is_le());
            self.mixed.insert(at, (mixed.clone(), Self::default()));
            at
        });
        &mut self.mixed[at].1
    }
}

/// A fast hash of short texts, eight bytes at a time. It has no seed: the texts in the table are the operator's, and
/// clients, who only look them up, cannot fill a bucket.
#[derive(Clone, Copy, Debug, Default)]
struct TextHasher(u64);

impl TextHasher {
    fn add(&mut self, word: u64) {
        /// An odd number with its bits spread evenly: the golden ratio's.
        const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(SPREAD);
    }
}

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        self.add(rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
    }

    fn write_u8(&mut self, _: u8) {
        // The end mark of a text, whose length is in the hash already.
    }

    fn finish(&self) -> u64 {
        // The table takes its bucket from the low bits, and those of a product are its weakest.
        self.0 ^ self.0 >> 32
    }
}
