//! What became of a request in one word: the label of metrics, and what logs and events are filtered by.

use crate::semantics::cache_status::Fwd;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// Answered from the store.
    Hit,
    /// Forwarded to the origin for this reason, by itself or together with others.
    Forwarded(Fwd),
    /// Answered with a problem of the proxy's own.
    Problem,
}

impl Word {
    /// All of them, in the order of [`place`](Self::place).
    pub const ALL: [Self; 9] = [
        Self::Hit,
        Self::Forwarded(Fwd::UriMiss),
        Self::Forwarded(Fwd::VaryMiss),
        Self::Forwarded(Fwd::Stale),
        Self::Forwarded(Fwd::Partial),
        Self::Forwarded(Fwd::Request),
        Self::Forwarded(Fwd::Method),
        Self::Forwarded(Fwd::Bypass),
        Self::Problem,
    ];

    /// Its place in [`ALL`](Self::ALL).
    pub const fn place(self) -> usize {
        match self {
            Self::Hit => 0,
            Self::Forwarded(Fwd::UriMiss) => 1,
            Self::Forwarded(Fwd::VaryMiss) => 2,
            Self::Forwarded(Fwd::Stale) => 3,
            Self::Forwarded(Fwd::Partial) => 4,
            Self::Forwarded(Fwd::Request) => 5,
            Self::Forwarded(Fwd::Method) => 6,
            Self::Forwarded(Fwd::Bypass) => 7,
            Self::Problem => 8,
        }
    }

    /// The word of Cache-Status, or `error`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Forwarded(why) => why.name(),
            Self::Problem => "error",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_and_its_name() {
        for (place, word) in Word::ALL.into_iter().enumerate() {
            assert_eq!(word.place(), place);
            assert_eq!(Word::from_name(word.name()), Some(word));
        }
        assert_eq!(Word::from_name("miss"), None);
    }
}
