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
    Open(Box<Open>),
}

impl Begun {
    pub(super) fn open(exchange: Box<Exchange>, next: Next) -> Self {
        Self::Open(Box::new(Open { exchange, next }))
    }
}

/// A request that cannot be answered without waiting.
pub struct Open {
    /// In a place of its own: it goes through many hands.
    pub(super) exchange: Box<Exchange>,
    pub(super) next: Next,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").finish_non_exhaustive()
    }
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
