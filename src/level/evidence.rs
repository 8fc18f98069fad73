//! What was seen that says how stateful a response is. The same variant is what Cache-Status, logs, events and
//! `explain` show, so that "why was this not cached?" always has one named answer.

use super::Level;

/// One observation that a response is at least of some level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The operator declared the route's level.
    RouteDeclared(Level),
    /// The origin gave an explicit, finite freshness lifetime: it expects the response to change.
    ExplicitFreshness,
    /// The request says who asks, on a route that the operator has not declared.
    RequestIdentity,
    /// The request names a session, on a route that the operator has not declared.
    RequestSession,
    /// The response is `private` without field names (RFC 9111 section 5.2.2.7).
    ResponsePrivate,
    /// The response's Vary names a field that says who asks.
    VaryIdentity,
    /// The response's Vary names Cookie or another field that carries a session.
    VaryCookie,
    /// The response sets a cookie: a session is being made.
    SetCookie,
    /// The response's Vary is `*`: it depends on something that no request shows.
    VaryStar,
    /// 401, 403 or 407 to a request without identity: it matters who asks.
    AccessControl,
}

impl Evidence {
    /// Every kind of evidence, the declared levels one by one; the order is that of the bits in [`EvidenceSet`].
    pub const ALL: [Self; 14] = [
        Self::RouteDeclared(Level::Permanent),
        Self::RouteDeclared(Level::Changing),
        Self::RouteDeclared(Level::User),
        Self::RouteDeclared(Level::Session),
        Self::RouteDeclared(Level::Random),
        Self::ExplicitFreshness,
        Self::RequestIdentity,
        Self::RequestSession,
        Self::ResponsePrivate,
        Self::VaryIdentity,
        Self::VaryCookie,
        Self::SetCookie,
        Self::VaryStar,
        Self::AccessControl,
    ];

    /// The lowest level that a response with this evidence can have.
    pub const fn level(self) -> Level {
        match self {
            Self::RouteDeclared(level) => level,
            Self::ExplicitFreshness => Level::Changing,
            Self::RequestIdentity | Self::ResponsePrivate | Self::VaryIdentity | Self::AccessControl => {
                Level::User
            }
            Self::RequestSession | Self::VaryCookie | Self::SetCookie => Level::Session,
            Self::VaryStar => Level::Random,
        }
    }

    /// The stable name of this kind of evidence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RouteDeclared(_) => "route-declared",
            Self::ExplicitFreshness => "explicit-freshness",
            Self::RequestIdentity => "request-identity",
            Self::RequestSession => "request-session",
            Self::ResponsePrivate => "response-private",
            Self::VaryIdentity => "vary-identity",
            Self::VaryCookie => "vary-cookie",
            Self::SetCookie => "set-cookie",
            Self::VaryStar => "vary-star",
            Self::AccessControl => "access-control",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub const fn place(self) -> usize {
        match self {
            Self::RouteDeclared(level) => level.number() as usize - 1,
            Self::ExplicitFreshness => 5,
            Self::RequestIdentity => 6,
            Self::RequestSession => 7,
            Self::ResponsePrivate => 8,
            Self::VaryIdentity => 9,
            Self::VaryCookie => 10,
            Self::SetCookie => 11,
            Self::VaryStar => 12,
            Self::AccessControl => 13,
        }
    }

    const fn bit(self) -> u16 {
        1 << self.place()
    }
}

/// A set of evidence; its level is the join of the levels of its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct EvidenceSet(u16);

/// The evidence of each level, in the order of [`Level::ALL`].
const OF_LEVEL: [EvidenceSet; Level::ALL.len()] = {
    let mut sets = [EvidenceSet::EMPTY; Level::ALL.len()];
    let mut place = 0;
    while place < Evidence::ALL.len() {
        let evidence = Evidence::ALL[place];
        let level = evidence.level().number() as usize - 1;
        sets[level] = sets[level].with(evidence);
        place += 1;
    }
    sets
};

impl EvidenceSet {
    /// No evidence at all.
    pub const EMPTY: Self = Self(0);

    /// This set and one more piece of evidence.
    #[must_use]
    pub const fn with(self, evidence: Evidence) -> Self {
        Self(self.0 | evidence.bit())
    }

    /// All evidence of both sets.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this piece of evidence is in the set.
    pub const fn contains(self, evidence: Evidence) -> bool {
        self.0 & evidence.bit() != 0
    }

    /// Whether there is no evidence.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of [`Evidence::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Evidence> {
        Evidence::ALL.into_iter().filter(move |evidence| self.contains(*evidence))
    }

    /// The effective level: the highest level of any member, or `None` where nothing is known.
    pub fn level(self) -> Option<Level> {
        let mut levels = Level::ALL.into_iter().zip(OF_LEVEL).rev();
        levels.find(|(_, evidence)| self.0 & evidence.0 != 0).map(|(level, _)| level)
    }

    /// The piece of evidence that the effective level rests on: the first of those with the highest level.
    pub fn decisive(self) -> Option<Evidence> {
        let level = self.level()?;
        self.iter().find(|evidence| evidence.level() == level)
    }

    /// Whether the evidence rules out serving one stored answer to everybody.
    pub fn is_unshareable(self) -> bool {
        self.level().is_some_and(|level| !level.is_shared())
    }
}

impl FromIterator<Evidence> for EvidenceSet {
    fn from_iter<I: IntoIterator<Item = Evidence>>(members: I) -> Self {
        members.into_iter().fold(Self::EMPTY, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_set() -> impl Strategy<Value = EvidenceSet> {
        proptest::collection::vec(proptest::sample::select(Evidence::ALL.as_slice()), 0..8)
            .prop_map(|members| members.into_iter().collect())
    }

    #[test]
    fn every_kind_of_evidence_has_a_place_of_its_own() {
        let places: Vec<_> = Evidence::ALL.into_iter().map(Evidence::place).collect();
        assert_eq!(places, (0..Evidence::ALL.len()).collect::<Vec<_>>());
    }

    #[test]
    fn the_level_of_any_set_is_the_highest_of_its_members() {
        for bits in 0..1 << Evidence::ALL.len() {
            let set = EvidenceSet(bits);
            assert_eq!(set.level(), set.iter().map(Evidence::level).max(), "{bits:b}");
        }
    }

    #[test]
    fn no_evidence_has_no_level() {
        assert_eq!(EvidenceSet::EMPTY.level(), None);
        assert_eq!(EvidenceSet::EMPTY.decisive(), None);
    }

    #[test]
    fn the_decisive_evidence_is_of_the_effective_level() {
        let set = EvidenceSet::EMPTY
            .with(Evidence::RouteDeclared(Level::Changing))
            .with(Evidence::SetCookie)
            .with(Evidence::ResponsePrivate);
        assert_eq!(set.level(), Some(Level::Session));
        assert_eq!(set.decisive(), Some(Evidence::SetCookie));
    }

    proptest! {
        #[test]
        fn the_join_is_commutative(a in any_set(), b in any_set()) {
            prop_assert_eq!(a.join(b), b.join(a));
        }

        #[test]
        fn the_join_is_associative(a in any_set(), b in any_set(), c in any_set()) {
            prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
        }

        #[test]
        fn the_join_is_idempotent(a in any_set()) {
            prop_assert_eq!(a.join(a), a);
        }

        #[test]
        fn more_evidence_never_lowers_the_level(a in any_set(), b in any_set()) {
            prop_assert!(a.join(b).level() >= a.level());
        }

        #[test]
        fn the_level_of_a_join_is_the_join_of_the_levels(a in any_set(), b in any_set()) {
            prop_assert_eq!(a.join(b).level(), a.level().max(b.level()));
        }
    }
}
