//! What answers taught about the operator's declarations: routes that were declared too low, or say too little.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::decision::{Reason, Refusal};

/// An answer that contradicts what the operator declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finding {
    /// The answer to a hermetic fetch showed that the level is higher.
    DeclaredTooLow(Reason),
    /// The answer to a hermetic fetch was none that could be shared, for another reason than its level.
    Unshareable(Reason),
    /// The answer varies by a field that the route does not declare.
    SaysTooLittle(Reason),
}

impl Finding {
    /// What an answer shows that was not for everybody, for this reason.
    pub const fn of(reason: Reason) -> Self {
        match reason {
            Reason::Refusal(Refusal::VaryUndeclared) => Self::SaysTooLittle(reason),
            Reason::Evidence(_) => Self::DeclaredTooLow(reason),
            Reason::Refusal(_) => Self::Unshareable(reason),
        }
    }

    /// The evidence or refusal behind it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::DeclaredTooLow(reason) | Self::Unshareable(reason) | Self::SaysTooLittle(reason) => reason,
        }
    }

    /// What the operator can do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::DeclaredTooLow(_) => {
                "an answer shows that the route is declared too low: the client's own request was forwarded and \
                 nothing stored; raise the route's level, or exempt this path with a route of its own"
            }
            Self::Unshareable(_) => {
                "an answer was none that could be shared: the client's own request was forwarded and nothing stored; \
                 where that is usual, give this path a route of its own"
            }
            Self::SaysTooLittle(_) => {
                "an answer varies by a field that the route does not declare: requests with that field are \
                 forwarded; add it to the route's state.headers"
            }
        }
    }
}

/// How often each finding was made, by route. Bounded by the number of routes and of reasons.
#[derive(Debug, Default)]
pub struct Findings {
    counts: Mutex<BTreeMap<(String, &'static str), u64>>,
}

impl Findings {
    /// Counts a finding, and says whether it is the first of its kind on this route.
    pub fn record(&self, route: &str, finding: Finding) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((route.to_owned(), finding.reason().name())).or_default();
        *count += 1;
        *count == 1
    }

    /// Every (reason, count) of a route.
    pub fn of_route(&self, route: &str) -> Vec<(&'static str, u64)> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts
            .iter()
            .filter(|((name, _), _)| name == route)
            .map(|((_, reason), count)| (*reason, *count))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Evidence;

    #[test]
    fn the_first_finding_of_a_kind_is_news() {
        let findings = Findings::default();
        let finding = Finding::DeclaredTooLow(Evidence::SetCookie.into());
        assert!(findings.record("cart", finding));
        assert!(!findings.record("cart", finding));
        assert!(findings.record("product", finding));
        assert_eq!(findings.of_route("cart"), [("set-cookie", 2)]);
    }
}
