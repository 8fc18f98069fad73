//! The decision, once, as pure functions that the proxy and `explain` both call.
//!
//! `classify` reads a request: does it bypass the cache, and if not, what is its key? `plan` looks at what is stored
//! under the key: serve it, validate it, or fetch? `judge` reads the head of the origin's answer: store it, pass it on,
//! or discard it because the route was declared too low? Each answer that is not "serve" or "store" has one named
//! [`Reason`].

mod classify;
mod heeded;
mod judge;
mod lifetime;
mod plan;
mod reason;
mod stored;
#[cfg(test)]
mod tests;
mod times;
mod update;

use http::HeaderName;

use crate::level::{Identity, Profile};

pub use classify::{Asked, Bypass, Classified, Content, Keyed, canonical_key, classify, is_override};
pub use heeded::{is_endless, is_endless_type};
pub use judge::{Answered, Judgement, Verdict, judge};
pub use plan::{Plan, can_be_offered, is_candidate, plan};
pub use reason::{Reason, Refusal};
pub use stored::{Framing, Nature, Sharing, Stored};
pub use times::Times;
pub use update::updated_fields;

/// The operator's settings that decisions depend on, besides the route.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Where identity rides in a request.
    pub identity: Identity,
    /// How strictly an undeclared route treats it.
    pub profile: Profile,
    /// The largest body that is stored, in bytes.
    pub max_object: u64,
    /// The targeted fields that speak to this cache, the most specific first (RFC 9213 section 2.2).
    pub targeted: Vec<HeaderName>,
}
