//! How stateful a response is: [`Level`], the [`Evidence`] for it, and where identity rides in a request.
//!
//! A response is a function of explicit request state, of time, of who asks, of their session, and of chance. Its
//! level is the highest of these inputs that it really depends on. Evidence only ever raises a level, so the
//! effective level is the join of all evidence, and every decision has one named piece of evidence behind it.

mod advice;
mod evidence;
mod glance;
mod identity;

pub use advice::advice;
pub use evidence::{Evidence, EvidenceSet};
pub use glance::Glance;
pub use identity::{Carried, CookiePattern, Identity, IdentityField, Profile};

/// The highest input that a response depends on, from 1 (explicit request state only) to 5 (chance).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// 1: only explicit request state; the same request always has the same answer.
    Permanent = 1,
    /// 2: explicit request state and time.
    Changing = 2,
    /// 3: also who asks.
    User = 3,
    /// 4: also the hidden state of their session.
    Session = 4,
    /// 5: also chance.
    Random = 5,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 5] = [Self::Permanent, Self::Changing, Self::User, Self::Session, Self::Random];

    /// The number of the level, 1 to 5.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name of the level in config, logs and code.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Changing => "changing",
            Self::User => "user",
            Self::Session => "session",
            Self::Random => "random",
        }
    }

    /// The level with this number, if there is one.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|level| u64::from(level.number()) == number)
    }

    /// The level with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Whether one stored answer may serve everybody: true for levels 1 and 2.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Permanent | Self::Changing)
    }

    /// The higher of two levels.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        self.max(other)
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_level() {
        for level in Level::ALL {
            assert_eq!(Level::from_number(level.number().into()), Some(level));
            assert_eq!(Level::from_name(level.name()), Some(level));
        }
        assert_eq!(Level::from_number(0), None);
        assert_eq!(Level::from_number(6), None);
        assert_eq!(Level::from_name("Permanent"), None);
    }

    #[test]
    fn only_the_two_lowest_levels_are_shared() {
        let shared: Vec<_> = Level::ALL.into_iter().filter(|level| level.is_shared()).collect();
        assert_eq!(shared, [Level::Permanent, Level::Changing]);
    }
}
