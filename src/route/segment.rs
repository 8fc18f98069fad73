//! One segment of a path pattern, and which of two is more specific.

use std::cmp::{Ordering, Reverse};

/// What one segment of a path has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text, which may be empty.
    Literal(String),
    /// Text and parameters.
    Mixed(Mixed),
    /// Anything but nothing.
    Parameter(String),
    /// This segment and all that follow, slashes included; may be nothing.
    Rest(String),
}

impl Segment {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (one, many) = match self {
            Self::Literal(_) => (None, &[][..]),
            Self::Mixed(mixed) => (None, mixed.names.as_slice()),
            Self::Parameter(name) | Self::Rest(name) => (Some(name), &[][..]),
        };
        one.into_iter().chain(many).map(String::as_str)
    }

    /// The segment without names of parameters. No literal of a canonical path holds a brace.
    pub(super) fn shape(&self) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Mixed(mixed) => mixed.texts.join("{}"),
            Self::Parameter(_) => "{}".to_owned(),
            Self::Rest(_) => "{*}".to_owned(),
        }
    }

    /// The more specific segment is less: a literal, then mixed ones, then a parameter, then the rest.
    pub(super) fn specificity(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Mixed(a), Self::Mixed(b)) => a.specificity(b),
            _ => self.kind().cmp(&other.kind()),
        }
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::Literal(_) => 0,
            Self::Mixed(_) => 1,
            Self::Parameter(_) => 2,
            Self::Rest(_) => 3,
        }
    }
}

/// A segment of text and parameters in turn: there is one text more than there are names, and only the first and the
/// last text may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mixed {
    texts: Vec<String>,
    names: Vec<String>,
    rank: MixedRank,
}

/// More literal bytes come first, then fewer parameters, then the longer text at the beginning.
type MixedRank = (Reverse<usize>, usize, Reverse<usize>);

/// The plainest segment that says the same.
pub(super) fn literal_or_mixed(mut mixed: Mixed) -> Segment {
    match mixed.names.len() {
        0 => Segment::Literal(mixed.texts.swap_remove(0)),
        1 if mixed.texts.iter().all(String::is_empty) => Segment::Parameter(mixed.names.swap_remove(0)),
        _ => Segment::Mixed(mixed),
    }
}

impl Mixed {
    /// `texts` has to have one member more than `names`.
    pub(super) fn new(texts: Vec<String>, names: Vec<String>) -> Self {
        let literal_bytes = texts.iter().map(String::len).sum();
        let prefix = texts.first().map_or(0, String::len);
        let rank = (Reverse(literal_bytes), names.len(), Reverse(prefix));
        Self { texts, names, rank }
    }

    pub(super) fn is_same_shape(&self, other: &Self) -> bool {
        self.texts == other.texts
    }

    /// The more specific one is less.
    pub(super) fn specificity(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }

    /// Whether the segment of a canonical path matches.
    pub(super) fn matches(&self, segment: &str) -> bool {
        self.walk(segment, |_, _| {}).is_some()
    }

    /// Adds name and value of each parameter; `None` where the segment does not match.
    pub(super) fn capture<'p, 't>(
        &'p self,
        segment: &'t str,
        captures: &mut Vec<(&'p str, &'t str)>,
    ) -> Option<()> {
        self.walk(segment, |name, value| captures.push((name, value)))
    }

    /// Gives every parameter as little as it can take, from the left. That leaves the most for what follows, so that a
    /// segment that can match does.
    fn walk<'p, 't>(&'p self, segment: &'t str, mut found: impl FnMut(&'p str, &'t str)) -> Option<()> {
        let (first, texts) = self.texts.split_first()?;
        let (last, middle) = texts.split_last()?;
        let mut rest = segment.strip_prefix(first.as_str())?;
        let mut names = self.names.iter();
        for text in middle {
            let at = find_after_one(rest, text)?;
            found(names.next()?, &rest[..at]);
            rest = &rest[at + text.len()..];
        }
        let value = rest.strip_suffix(last.as_str())?;
        let is_value = !value.is_empty() && is_boundary(rest, value.len());
        is_value.then(|| names.next().map(|name| found(name, value)))?
    }
}

/// The first place of `text` that leaves something before it and begins at no percent-encoded character's inside.
fn find_after_one(segment: &str, text: &str) -> Option<usize> {
    (1..segment.len())
        .find(|at| segment.get(*at..).is_some_and(|rest| rest.starts_with(text)) && is_boundary(segment, *at))
}

/// Whether the place is outside the three bytes of an encoded character. A canonical path holds complete ones only.
fn is_boundary(segment: &str, at: usize) -> bool {
    !segment.as_bytes()[at.saturating_sub(2)..at].contains(&b'%')
}
