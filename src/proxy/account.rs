//! What sinks are told about a request: once when it is decided, and once when its answer is over.

use std::sync::Arc;

use http::{
    HeaderValue, Method, Response, Uri, Version,
    header::{REFERER, USER_AGENT},
    request::Parts,
};

use super::{Body, Peer, Problem, Proxy, exchange::Exchange, forward::ensure_date, respond::Outcome};
use crate::{
    key::Target,
    observe::{self, Account, Decision, Fields, Request},
    route::Route,
    semantics::Now,
};

/// What is left of a request that is on its way to somebody else, in case it comes to nothing.
pub(super) struct Remains {
    method: Method,
    version: Version,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    /// None where it did not come that far.
    found: Option<(Target, Arc<Route>)>,
}

impl Remains {
    /// Of a request that has a route.
    pub(super) fn of(exchange: &Exchange) -> Box<Self> {
        let found = (exchange.target.clone(), Arc::clone(&exchange.route));
        Box::new(Self { found: Some(found), ..Self::of_head(&exchange.parts) })
    }

    /// Of a request that has none, as it came.
    pub(super) fn of_head(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            version: parts.version,
            uri: parts.uri.clone(),
            user_agent: parts.headers.get(USER_AGENT).cloned(),
            referer: parts.headers.get(REFERER).cloned(),
            found: None,
        }
    }

    fn request(&self) -> Request<'_> {
        let target = self.found.as_ref().map(|(target, _)| target);
        Request {
            method: &self.method,
            version: self.version,
            authority: target.map_or("", Target::authority),
            path: target.map_or(self.uri.path(), Target::path),
            query: self.uri.query(),
            fields: Fields::Kept { user_agent: self.user_agent.as_ref(), referer: self.referer.as_ref() },
        }
    }

    fn route(&self) -> Option<&Route> {
        self.found.as_ref().map(|(_, route)| &**route)
    }
}

impl Proxy {
    /// Tells the sinks what was decided, and has them told when the answer is over.
    pub(super) fn tell(&self, exchange: &Exchange, response: &mut Response<Body>, outcome: Outcome) {
        let status = response.status();
        let Outcome { handling, level, reason } = outcome;
        let request = Request {
            method: &exchange.parts.method,
            version: exchange.parts.version,
            authority: exchange.target.authority(),
            path: exchange.target.path(),
            query: exchange.parts.uri.query(),
            fields: Fields::Among(exchange.fields()),
        };
        self.open_account(
            response,
            &Decision {
                request: Some(request),
                client: exchange.peer.address,
                route: Some(&exchange.route),
                level,
                outcome: observe::Outcome::Handled(handling),
                reason,
                status,
                began: exchange.began,
            },
        );
    }

    /// The response to a request that has come to nothing, or could not be read.
    pub(super) fn explained(
        &self,
        problem: Problem,
        remains: Option<&Remains>,
        peer: Peer,
        began: Now,
    ) -> Response<Body> {
        let mut response = problem.into_response();
        ensure_date(response.headers_mut(), self.shared.clock.now().wall);
        let status = response.status();
        self.open_account(
            &mut response,
            &Decision {
                request: remains.map(Remains::request),
                client: peer.address,
                route: remains.and_then(Remains::route),
                level: None,
                outcome: observe::Outcome::Problem(problem.name()),
                reason: None,
                status,
                began,
            },
        );
        response
    }

    fn open_account(&self, response: &mut Response<Body>, decision: &Decision<'_>) {
        let unfinished = self.shared.sink.decided(decision);
        response.body_mut().account = Some(Account::of(decision, unfinished));
    }

    /// Takes note that the answer to a request is over, after this many bytes of its content.
    pub fn close_account(&self, account: Account, bytes: u64, is_whole: bool) {
        let end = account.end(self.shared.clock.mono(), bytes, is_whole);
        self.shared.sink.ended(&end);
    }
}
