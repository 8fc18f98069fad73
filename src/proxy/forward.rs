//! Requests that go to the origin as they came, and what happens to the fields of an answer that is passed on.

use http::{
    HeaderMap, Response, Version,
    header::{DATE, VIA},
};
use hyper::body::Incoming;

use super::{
    Body, Problem, Proxy,
    exchange::Exchange,
    outgoing::{as_it_came, own_via},
    respond::Outcome,
};
use crate::{
    decision::Bypass,
    key::{path_identity, target_identity},
    semantics::{cache_status::Handling, date::format_date, fields::remove_hop_by_hop, methods},
    store::Scope,
    upstream::IdleTimeout,
};

impl Proxy {
    /// Forwards a request as it came, and passes the answer on as it comes. Nothing is stored.
    pub(super) async fn forward(
        &self,
        mut exchange: Exchange,
        bypass: Bypass,
    ) -> Result<Response<Body>, Problem> {
        let request = as_it_came(&mut exchange, &self.shared.settings);
        let response = self.upstream.send(request).await?.response;
        if !methods::is_safe(&exchange.parts.method) && is_success(&response) {
            self.invalidate(&exchange);
        }
        let outcome = Outcome::of(Handling::forwarded(bypass.fwd), bypass.evidence.level(), bypass.reason);
        Ok(self.respond_passed(&exchange, response, outcome))
    }

    /// The body of an answer, guarded against standing still.
    pub(super) fn guarded(&self, body: Incoming) -> IdleTimeout {
        IdleTimeout::new(body, self.upstream.body_timeout())
    }

    /// Ends the currency of everything stored for the target of an unsafe request: where the operator declared the
    /// path, of every query of it (RFC 9111 section 4.4). Fills that began before are not stored either.
    fn invalidate(&self, exchange: &Exchange) {
        let purges = self.shared.store.purge_clock();
        let path = purges.scope(Scope::Path(&path_identity(&exchange.target)));
        let target = purges.scope(Scope::Target(&target_identity(&exchange.target)));
        purges.invalidate(&[path, target]);
    }
}

fn is_success(response: &Response<Incoming>) -> bool {
    response.status().is_success() || response.status().is_redirection()
}

/// The fields of an answer that is passed on: those of its connection stay behind.
pub(super) fn passed_fields(fields: &mut HeaderMap, version: Version, received: std::time::SystemTime) {
    remove_hop_by_hop(fields);
    fields.append(VIA, own_via(version));
    ensure_date(fields, received);
}

/// Adds a Date where the origin sent none (RFC 9110 section 6.6.1).
pub(super) fn ensure_date(fields: &mut HeaderMap, received: std::time::SystemTime) {
    if !fields.contains_key(DATE)
        && let Some(date) = format_date(received)
    {
        fields.insert(DATE, date);
    }
}
