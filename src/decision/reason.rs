//! Every answer to "why was this not cached?".

use crate::{level::Evidence, semantics::cache_status::Fwd};

/// Why a response did not come from the cache, or was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Because of its level.
    Evidence(Evidence),
    /// For another reason than its level.
    Refusal(Refusal),
}

impl Reason {
    /// The word of RFC 9211 for a request whose answer was not stored for this reason, and which went to the origin as
    /// `planned`: a level is a matter of bypassing, whether it showed in the request or in the answer.
    pub const fn fwd(self, planned: Fwd) -> Fwd {
        match (self, planned) {
            (Self::Evidence(_), Fwd::UriMiss) => Fwd::Bypass,
            (_, planned) => planned,
        }
    }

    /// The stable name, as Cache-Status shows it in `detail`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evidence(evidence) => evidence.name(),
            Self::Refusal(refusal) => refusal.name(),
        }
    }
}

impl Reason {
    /// How many there are.
    pub const COUNT: usize = Evidence::ALL.len() + Refusal::ALL.len();

    /// Every reason, in the order of [`place`](Self::place).
    pub fn all() -> impl Iterator<Item = Self> {
        Evidence::ALL.into_iter().map(Self::from).chain(Refusal::ALL.into_iter().map(Self::from))
    }

    /// Its place among all of them.
    pub const fn place(self) -> usize {
        match self {
            Self::Evidence(evidence) => evidence.place(),
            // The order of the variants is that of `ALL`.
            Self::Refusal(refusal) => Evidence::ALL.len() + refusal as usize,
        }
    }
}

impl From<Evidence> for Reason {
    fn from(evidence: Evidence) -> Self {
        Self::Evidence(evidence)
    }
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

/// A refusal that is not a matter of level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// GET or HEAD with content.
    RequestContent,
    /// QUERY with more content than a key may hold.
    QueryContentTooLarge,
    /// If-Match or If-Unmodified-Since: only the origin can say.
    Precondition,
    /// The request asks for something else than its target says: X-Original-URL and its like.
    OverrideField,
    /// The request says `no-store`.
    RequestNoStore,
    /// A stored answer depends on a field that the route does not declare, and this request has it.
    VaryUndeclared,
    /// A stored 404 or 410 answers only requests without identity.
    AbsentForIdentity,
    /// The answer says `no-store`.
    ResponseNoStore,
    /// The answer is only for caches that know what its status means: `must-understand`.
    MustUnderstand,
    /// The answer states no lifetime, and none may be guessed.
    NoFreshness,
    /// The status may not be stored without a lifetime from the origin.
    StatusNotStorable,
    /// A status that no shared answer has: a redirect to a login, say, in answer to a request without identity.
    StatusUnexpected,
    /// The answer is partial.
    PartialContent,
    /// The answer to HEAD has no content to store.
    HeadRequest,
    /// The answer is encoded in a way that the request did not offer.
    ContentCoding,
    /// The answer is a stream without end: events, replaced parts, gRPC.
    EndlessStream,
    /// Larger than `cache.max_object`.
    TooLarge,
    /// The store is over its budget at this moment.
    OverBudget,
    /// Nothing but the end of the connection says where the content ends.
    CloseDelimited,
    /// Something ended its currency before it was there: a write to its target.
    Invalidated,
    /// Served although stale, because the origin failed.
    StaleIfError,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 21] = [
        Self::RequestContent,
        Self::QueryContentTooLarge,
        Self::Precondition,
        Self::OverrideField,
        Self::RequestNoStore,
        Self::VaryUndeclared,
        Self::AbsentForIdentity,
        Self::ResponseNoStore,
        Self::MustUnderstand,
        Self::NoFreshness,
        Self::StatusNotStorable,
        Self::StatusUnexpected,
        Self::PartialContent,
        Self::HeadRequest,
        Self::ContentCoding,
        Self::EndlessStream,
        Self::TooLarge,
        Self::OverBudget,
        Self::CloseDelimited,
        Self::Invalidated,
        Self::StaleIfError,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestContent => "request-content",
            Self::QueryContentTooLarge => "query-content-too-large",
            Self::Precondition => "precondition",
            Self::OverrideField => "override-field",
            Self::RequestNoStore => "request-no-store",
            Self::VaryUndeclared => "vary-undeclared",
            Self::AbsentForIdentity => "absent-for-identity",
            Self::ResponseNoStore => "response-no-store",
            Self::MustUnderstand => "must-understand",
            Self::NoFreshness => "no-freshness",
            Self::StatusNotStorable => "status-not-storable",
            Self::StatusUnexpected => "status-unexpected",
            Self::PartialContent => "partial-content",
            Self::HeadRequest => "head-request",
            Self::ContentCoding => "content-coding",
            Self::EndlessStream => "endless-stream",
            Self::TooLarge => "too-large",
            Self::OverBudget => "over-budget",
            Self::CloseDelimited => "close-delimited",
            Self::Invalidated => "invalidated",
            Self::StaleIfError => "stale-if-error",
        }
    }

    /// What it means, in one line for the README and `explain`.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::RequestContent => {
                "GET or HEAD with content is forwarded, and neither answered from nor kept in the store"
            }
            Self::QueryContentTooLarge => "QUERY with more content than cache.max_query_content is forwarded",
            Self::Precondition => "If-Match and If-Unmodified-Since are for the origin to judge",
            Self::OverrideField => {
                "X-Original-URL, X-Rewrite-URL, X-Host, X-HTTP-Method-Override or one like them asks for something else than the target"
            }
            Self::RequestNoStore => "the request says no-store",
            Self::VaryUndeclared => {
                "the answer varies by a field that the route does not declare, and this request has that field"
            }
            Self::AbsentForIdentity => "a stored 404 or 410 answers only requests without identity",
            Self::ResponseNoStore => "the answer says no-store",
            Self::MustUnderstand => {
                "the answer says must-understand, and what its status asks of a cache is not known here"
            }
            Self::NoFreshness => "the answer states no lifetime, and none may be guessed",
            Self::StatusNotStorable => "this status is stored only with a lifetime from the origin",
            Self::StatusUnexpected => {
                "the answer to a request without identity has a status that no shared answer has; the client's own request was forwarded"
            }
            Self::PartialContent => "the answer is a part of the representation",
            Self::HeadRequest => "the answer to HEAD has no content to store",
            Self::ContentCoding => "the answer is encoded in a way that the request did not offer",
            Self::EndlessStream => "event streams, multipart/x-mixed-replace and gRPC are only passed on",
            Self::TooLarge => "the content is larger than cache.max_object",
            Self::OverBudget => "the store is over its budget at this moment",
            Self::CloseDelimited => {
                "only the end of the connection says where the content ends, so it could be cut short"
            }
            Self::Invalidated => "a write to the target was answered while the answer was on its way",
            Self::StaleIfError => "served although stale, because the origin failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_place_of_its_own() {
        let places: Vec<_> = Reason::all().map(Reason::place).collect();
        assert_eq!(places, (0..Reason::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn names_are_tokens_and_unique() {
        let names: std::collections::BTreeSet<_> = Refusal::ALL
            .into_iter()
            .map(Refusal::name)
            .chain(Evidence::ALL.into_iter().map(Evidence::name))
            .collect();
        // The five declared levels share one name.
        assert_eq!(names.len(), Refusal::ALL.len() + Evidence::ALL.len() - 4);
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
    }
}
