//! How far a request comes without waiting: to its answer, if that is stored, or to what it has to wait for.

use std::sync::Arc;

use hyper::body::Incoming;

use super::{
    Proxy, Reply,
    exchange::Exchange,
    keyed::{Sought, Way},
};
use crate::decision::{Bypass, Classified, classify};

/// What a request has come to at once.
#[derive(Debug)]
pub enum Begun {
    /// Its answer.
    Answered(Reply),
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

/// What is decided about a request by itself, whatever is stored.
#[derive(Clone, Debug)]
pub(super) enum Class {
    Bypass(Bypass),
    Sought(Arc<Sought>),
    OnlyIfCached,
}

/// What is decided about a request.
pub(super) enum Decided {
    /// The answer to it.
    Answer(Reply),
    /// What it waits for.
    Next(Box<Next>),
}

/// What a request waits for.
pub(super) enum Next {
    /// Its content.
    Read(Incoming),
    /// The origin's answer to the request as it came.
    Forward(Bypass),
    /// The answer to a fetch, of its own or of another.
    Seek(Arc<Sought>, Way),
}

impl Proxy {
    pub(super) fn class(&self, exchange: &Exchange) -> Class {
        match classify(&exchange.asked(), &exchange.route, &self.shared.settings.policy) {
            Classified::Bypass(bypass) => Class::Bypass(bypass),
            Classified::Keyed(keyed) => Class::Sought(Sought::new(keyed, &*self.shared.store)),
            Classified::OnlyIfCached => Class::OnlyIfCached,
        }
    }
}
