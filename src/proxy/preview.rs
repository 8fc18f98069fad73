//! What would happen to a request, told without a network by the functions that the proxy itself calls.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, request::Parts};

use super::{Peer, Problem, Settings, errand::Condition, exchange::Exchange, outgoing};
use crate::{
    decision::{Classified, canonical_key, classify},
    key::{CacheKey, Target},
    route::{Route, RouteTable},
    semantics::{Now, methods},
};

/// What would happen to a request.
#[derive(Debug)]
pub struct Preview {
    /// The target URI, canonical.
    pub target: Target,
    /// The route that it matches.
    pub route: Arc<Route>,
    /// Whether it bypasses the cache, or has a key.
    pub classified: Classified,
    /// The key of its explicit state, also where it bypasses; none where the method is not one that a cache answers.
    pub key: Option<CacheKey>,
    /// The request that would go to the origin, in origin form, if nothing stored answered it.
    pub outgoing: Request<()>,
}

impl Preview {
    /// Looks ahead. `head` is the request as the client would send it.
    ///
    /// # Errors
    /// The problem that the client would get.
    pub fn of(
        head: Parts,
        content: Bytes,
        peer: Peer,
        now: Now,
        settings: &Settings,
        routes: &RouteTable,
    ) -> Result<Self, Problem> {
        let is_query = methods::is_query(&head.method) && content.len() <= settings.max_query_content;
        let mut exchange =
            Exchange::of_head(head, peer, now, settings, routes).map_err(|(problem, _)| problem)?;
        if !content.is_empty() {
            exchange =
                if is_query { exchange.with_query_content(content) } else { exchange.with_content(content) };
        }
        let classified = classify(&exchange.asked(), &exchange.route, &settings.policy);
        let key = methods::is_cacheable(&exchange.parts.method)
            .then(|| canonical_key(&exchange.asked(), &exchange.route));
        let outgoing = match &classified {
            Classified::Bypass(_) | Classified::OnlyIfCached => {
                outgoing::shown_as_it_came(&mut exchange, settings).ok_or(Problem::Internal)?
            }
            Classified::Keyed(keyed) => {
                outgoing::to_be_stored(&exchange, keyed, settings, &Condition::AsAsked)?
            }
        };
        let (target, route) = (exchange.target.clone(), Arc::clone(&exchange.route));
        Ok(Self { target, route, classified, key, outgoing: outgoing.map(|_| ()) })
    }
}
