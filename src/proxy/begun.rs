//! How far a request comes without waiting: to its answer, if that is stored, or to what it has to wait for.

use http::Response;
use hyper::body::Incoming;

use super::{Body, exchange::Exchange, keyed::Way};
use crate::decision::{Bypass, Keyed};

/// What a request has come to at once.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "what is answered at once is to cost no allocation")]
pub enum Begun {
    /// Its answer.
    Answered(Response<Body>),
    /// No answer yet.
    Open(Open),
}

/// A request that cannot be answered without waiting. Both parts are in places of their own: they go through many hands.
pub struct Open {
    pub(super) exchange: Box<Exchange>,
    pub(super) next: Box<Next>,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
}

/// What is decided about a request.
#[expect(clippy::large_enum_variant, reason = "what is answered at once is to cost no allocation")]
pub(super) enum Decided {
    /// The answer to it.
    Answer(Response<Body>),
    /// What it waits for.
    Next(Box<Next>),
}

/// What a request waits for.
#[expect(clippy::large_enum_variant, reason = "it is in an allocation of its own as it is")]
pub(super) enum Next {
    /// Its content.
    Read(Incoming),
    /// The origin's answer to the request as it came.
    Forward(Bypass),
    /// The answer to a fetch, of its own or of another.
    Seek(Keyed, Way),
}
