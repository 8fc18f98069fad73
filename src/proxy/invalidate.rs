//! What the answer to an unsafe request ends: its target, the places that the answer names, and groups
//! (RFC 9111 section 4.4, RFC 9875). And the answer to POST that is stored as that of GET (RFC 9110 section 9.3.3).

use std::sync::Arc;

use http::{
    HeaderMap, HeaderName, Method, Response, StatusCode,
    header::{CONTENT_LOCATION, LOCATION},
};

use super::{
    Proxy,
    errand::Errand,
    exchange::Exchange,
    fetch::Arrived,
    fill::{Receiving, Storable},
    keyed::Sought,
    scopes::{any_group, group_identity, scopes_of_answer},
};
use crate::{
    decision::{Asked, Classified, Content, Verdict, canonical_key, classify},
    key::{Target, path_identity, target_identity},
    level::Evidence,
    semantics::groups::{CACHE_GROUP_INVALIDATION, groups},
    store::{Scope, ScopeId, Stamp, Stamped},
};

impl Proxy {
    /// Ends the currency of what the answer to an unsafe request has changed, fills that began before included: of its
    /// target, and where the operator declared the path, of every query of it; of the same-origin places in Location
    /// and Content-Location; of the groups that it names.
    ///
    /// Returns the stamp with which the answer itself may be stored for its target, if no other write was faster.
    pub(super) fn invalidate<B>(
        &self,
        exchange: &Exchange,
        response: &Response<B>,
        began: Stamp,
    ) -> Option<Stamp> {
        let purges = self.shared.store.purge_clock();
        let target = &exchange.target;
        let mut scopes = Vec::new();
        let is_success = response.status().is_success() || response.status().is_redirection();
        if is_success {
            scopes.extend(self.scopes_of(target));
            for name in [&LOCATION, &CONTENT_LOCATION] {
                scopes.extend(
                    named(target, response.headers(), name).iter().flat_map(|place| self.scopes_of(place)),
                );
            }
        }
        let ended = groups(response.headers(), &CACHE_GROUP_INVALIDATION);
        scopes.extend(
            ended.iter().map(|group| purges.scope(Scope::Group(&group_identity(&target.place(), group)))),
        );
        if !ended.is_empty() {
            scopes.push(purges.scope(Scope::Group(&any_group(&target.place()))));
        }
        if scopes.is_empty() {
            return None;
        }
        let written = Stamped::new(began, self.scopes_of_written(exchange, response.headers()));
        purges.supersede(&written, || target.place(), &scopes).filter(|_| is_success)
    }

    /// What ends the answer to a write, were it stored as what its target has now: another write, or a purge of anything
    /// that it would belong to.
    fn scopes_of_written(&self, exchange: &Exchange, fields: &HeaderMap) -> Vec<ScopeId> {
        let shared = &self.shared;
        let target = &exchange.target;
        let route = shared.routes.find(&Method::GET, target.authority(), target.path(), target.query());
        let asked = Asked { method: &Method::GET, target, fields: exchange.fields(), content: Content::None };
        let mut scopes =
            scopes_of_answer(shared.store.purge_clock(), &canonical_key(&asked, route), route, fields);
        scopes.extend(self.scopes_of(target));
        scopes
    }

    fn scopes_of(&self, target: &Target) -> [ScopeId; 2] {
        let purges = self.shared.store.purge_clock();
        [Scope::Path(&path_identity(target)), Scope::Target(&target_identity(target))]
            .map(|scope| purges.scope(scope))
    }
}

/// The same-origin place that a field of an answer names, if it names one.
fn named(target: &Target, fields: &HeaderMap, name: &HeaderName) -> Option<Target> {
    let mut lines = fields.get_all(name).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    target.resolve(line.to_str().ok()?).filter(|place| place.has_origin_of(target))
}

impl Proxy {
    /// What is to be received of the answer to a POST, where it may answer a later GET: it says by Content-Location that
    /// it is what the target has now, and for how long. On a declared route it may not: it depends on a request that
    /// was not built from the key.
    pub(super) fn answer_to_get(
        &self,
        exchange: &Exchange,
        arrived: &Arrived,
    ) -> Option<(Errand, Receiving)> {
        let is_of_target = named(&exchange.target, arrived.response.headers(), &CONTENT_LOCATION)
            .is_some_and(|place| place == exchange.target);
        if exchange.parts.method != Method::POST
            || arrived.response.status() != StatusCode::OK
            || !is_of_target
        {
            return None;
        }
        let shared = &self.shared;
        let target = &exchange.target;
        let route = shared.routes.find(&Method::GET, target.authority(), target.path(), target.query());
        let asked = Asked { method: &Method::GET, target, fields: exchange.fields(), content: Content::None };
        let Classified::Keyed(keyed) = classify(&asked, route, &shared.settings.policy) else { return None };
        let sought = Sought::new(keyed, &*shared.store);
        let errand = Errand { sought, route: route.clone(), asking: Arc::clone(&exchange.asking) };
        let judgement = arrived.judged(&errand, shared);
        let is_explicit = judgement.evidence.contains(Evidence::ExplicitFreshness);
        let Verdict::Store { stored, strip, unshared, not_for_client: None } = judgement.verdict else {
            return None;
        };
        if errand.sought.declared.is_some() || !is_explicit {
            return None;
        }
        let receiving =
            self.received(&errand, arrived, Storable { stored, fields: None, strip, unshared }).ok()?;
        Some((errand, receiving))
    }
}
