//! The routes of one host by the segments of their paths, so that a look-up walks the path once and allocates nothing.

use std::cmp::Ordering;

use super::segment::{Mixed, Segment};

/// The place of a route in order of precedence: of two routes that match, the lesser wins.
pub(super) type Rank = usize;

/// What follows one prefix of segments.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Sorted by text, shorter ones first.
    literals: Vec<(Box<str>, Self)>,
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
            Segment::Literal(text) => self.literal(text),
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
        let (segment, left) = path.split_once('/').map_or((path, None), |(first, left)| (first, Some(left)));
        let by_text = self.literals.binary_search_by(|(text, _)| order(text, segment));
        if let Some((_, child)) = by_text.ok().and_then(|at| self.literals.get(at))
            && let Some(rank) = child.find(left, admits)
        {
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

    fn literal(&mut self, text: &str) -> &mut Self {
        let place = self.literals.binary_search_by(|(known, _)| order(known, text));
        let at = place.unwrap_or_else(|at| {
            self.literals.insert(at, (text.into(), Self::default()));
            at
        });
        &mut self.literals[at].1
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

/// Lengths first: most texts differ there, and are told apart without being read.
fn order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
