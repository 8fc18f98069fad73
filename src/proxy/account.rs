//! What sinks are told about a request: once when it is decided, and once when its answer is over.

use http::{Response, StatusCode, request::Parts};

use super::{Body, Peer, Problem, Proxy, exchange::Exchange, forward::ensure_date, respond::Outcome};
use crate::{
    observe::{self, Account, Decision, Fields, Request},
    route::Route,
    semantics::Now,
};

/// A request that has no target, as sinks are told of it.
pub(super) fn untargeted(parts: &Parts) -> Request<'_> {
    Request {
        method: &parts.method,
        version: parts.version,
        authority: "",
        path: parts.uri.path(),
        query: parts.uri.query(),
        fields: Fields::among(&parts.headers),
    }
}

impl Exchange {
    /// The request, as sinks are told of it.
    fn told(&self) -> Request<'_> {
        Request { authority: self.target.authority(), path: self.target.path(), ..untargeted(&self.parts) }
    }
}

impl Proxy {
    /// Tells the sinks what was decided. What they are to be told when the answer is over.
    pub(super) fn tell(&self, exchange: &Exchange, status: StatusCode, outcome: Outcome) -> Account {
        let Outcome { handling, level, reason } = outcome;
        self.open_account(&Decision {
            request: Some(exchange.told()),
            client: exchange.peer.address,
            route: Some(&exchange.route),
            level,
            outcome: observe::Outcome::Handled(handling),
            reason,
            status,
            began: exchange.began,
        })
    }

    /// The response to a request that has come to nothing.
    pub(super) fn failed(&self, problem: Problem, exchange: &Exchange) -> Response<Body> {
        let Exchange { asking, peer, began, .. } = exchange;
        self.explained(problem, Some(exchange.told()), Some(&asking.route), *peer, *began)
    }

    /// The response to a request that has come to nothing, or could not be read.
    pub(super) fn explained(
        &self,
        problem: Problem,
        request: Option<Request<'_>>,
        route: Option<&Route>,
        peer: Peer,
        began: Now,
    ) -> Response<Body> {
        let mut response = problem.into_response();
        ensure_date(response.headers_mut(), || self.shared.clock.now().wall);
        let status = response.status();
        let account = self.open_account(&Decision {
            request,
            client: peer.address,
            route,
            level: None,
            outcome: observe::Outcome::Problem(problem.name()),
            reason: None,
            status,
            began,
        });
        response.body_mut().account = Some(account);
        response
    }

    fn open_account(&self, decision: &Decision<'_>) -> Account {
        Account::of(decision, self.shared.sink.decided(decision))
    }

    /// Takes note that the answer to a request is over, after this many bytes of its content.
    pub fn close_account(&self, account: Account, bytes: u64, is_whole: bool) {
        let end = account.end(self.shared.clock.mono(), bytes, is_whole);
        self.shared.sink.ended(&end);
    }
}
