//! A fetch from the origin that may be stored, in a task of its own: the client that caused it is only its first
//! follower, so that a client who leaves never ends it, and an answer that is cut short never looks whole.

use std::sync::{Arc, PoisonError};

use http::{HeaderMap, Method, Request, Response, StatusCode, header::SET_COOKIE};
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::{
    Problem, Proxy, Shared,
    exchange::Exchange,
    fill::{Filling, Receiving},
    head, outgoing,
};
use crate::{
    decision::{
        Answered, Bypass, Framing, Keyed, Reason, Refusal, Stored, Verdict, judge, merge_not_modified,
    },
    key::CacheKey,
    level::EvidenceSet,
    observe::Finding,
    route::Route,
    semantics::{Now, fields::remove_hop_by_hop, validation::is_conditional},
    store::{Entry, HeadBlock, Inserted, Stamp},
    upstream::{Answer, RequestBody, UpstreamError},
};

/// What is to be fetched, for whom, and what is held already.
pub(super) struct Order {
    pub(super) keyed: Keyed,
    pub(super) route: Arc<Route>,
    pub(super) method: Method,
    /// The client's own fields.
    pub(super) fields: HeaderMap,
    /// A stored response that the origin may confirm.
    held: Option<Arc<Entry<Stored>>>,
    /// A stored response that may be served where the origin fails.
    stand_in: Option<Arc<Entry<Stored>>>,
    request: Request<RequestBody>,
    /// The request without the validators of what is held, for an answer that confirms something else.
    unconditional: Option<Request<RequestBody>>,
}

/// What became of a fetch.
pub(super) enum Fetched {
    /// It is being received and will be stored.
    Filling(Filling),
    /// The origin has confirmed what was held.
    Freshened(Arc<Entry<Stored>>),
    /// It is not stored, and passed on to the client that asked.
    Passed { response: Response<Incoming>, evidence: EvidenceSet, reason: Reason },
    /// It is not for the client that asked, whose own request is to be forwarded.
    NotForClient(Bypass),
    /// There is no answer, or one that says that the origin is broken while something held may stand in.
    Failed(UpstreamError),
}

impl Order {
    /// Builds the request to the origin: on a declared route from the key, elsewhere from the client's own.
    pub(super) fn new(
        exchange: &Exchange,
        keyed: Keyed,
        held: Option<Arc<Entry<Stored>>>,
        stand_in: Option<Arc<Entry<Stored>>>,
        shared: &Shared,
    ) -> Result<Self, Problem> {
        let build = |held| outgoing::to_be_stored(exchange, &keyed, &shared.settings, held);
        let validated = held.as_ref().map(|entry| entry.meta()).filter(|stored| stored.has_validator());
        let request = build(validated)?;
        let unconditional = validated.map(|_| build(None)).transpose()?;
        Ok(Self {
            route: Arc::clone(&exchange.route),
            method: exchange.parts.method.clone(),
            fields: exchange.fields().clone(),
            held,
            stand_in,
            request,
            unconditional,
            keyed,
        })
    }
}

impl Proxy {
    /// Starts the fetch. The answer is there when its head is; the fetch goes on whether anybody waits or not.
    pub(super) fn spawn_fetch(&self, order: Order) -> oneshot::Receiver<Fetched> {
        let (reply, receiver) = oneshot::channel();
        let proxy = self.clone();
        self.shared.tasks.spawn(async move { proxy.run_fetch(order, reply).await });
        receiver
    }

    /// Refreshes a stale response in the background, once at a time for each key.
    pub(super) fn refresh(&self, exchange: &Exchange, keyed: &Keyed, entry: &Arc<Entry<Stored>>) {
        let Some(claim) = Claim::on(&self.shared, &keyed.key) else { return };
        let Ok(order) = Order::new(exchange, keyed.clone(), Some(Arc::clone(entry)), None, &self.shared)
        else {
            return;
        };
        let proxy = self.clone();
        self.shared.tasks.spawn(async move {
            let route = Arc::clone(&order.route);
            let (reply, mut fetched) = oneshot::channel();
            proxy.run_fetch(order, reply).await;
            drop(claim);
            if let Ok(Fetched::Failed(error)) = fetched.try_recv() {
                tracing::warn!(route = route.name, %error, "a stale answer could not be refreshed");
            }
        });
    }

    async fn run_fetch(&self, mut order: Order, reply: oneshot::Sender<Fetched>) {
        let shared = &self.shared;
        let stamp = shared.store.purge_clock().now();
        let mut request = std::mem::replace(&mut order.request, Request::new(RequestBody::empty()));
        // At most twice: an answer that confirms something else than what is held is asked for again, whole.
        loop {
            let conditional = is_conditional(request.headers());
            let asked = shared.clock.now();
            let Answer { mut response, framing } = match self.upstream.send(request).await {
                Ok(answer) => answer,
                Err(error) => return deliver(reply, Fetched::Failed(error)),
            };
            remove_hop_by_hop(response.headers_mut());
            if response.status() != StatusCode::NOT_MODIFIED {
                return self.receive(order, response, framing, asked, stamp, reply).await;
            }
            if let Some(entry) = self.freshen(&order, &response, asked, stamp) {
                return deliver(reply, Fetched::Freshened(entry));
            }
            match order.unconditional.take() {
                Some(unconditional) => request = unconditional,
                // The client's own condition, which the origin has answered.
                None if conditional => {
                    let (evidence, reason) = (order.keyed.evidence, Refusal::StatusNotStorable.into());
                    return deliver(reply, Fetched::Passed { response, evidence, reason });
                }
                None => {
                    let nonsense = UpstreamError::Nonsense("304 in answer to a request without a condition");
                    return deliver(reply, Fetched::Failed(nonsense));
                }
            }
        }
    }

    /// Takes a 304 as the word that what is held is still good: its fields are brought up to date, its content is kept
    /// (RFC 9111 section 4.3.4). `None` where it speaks of something else, or where what is held may no longer be.
    fn freshen<B>(
        &self,
        order: &Order,
        not_modified: &Response<B>,
        asked: Now,
        stamp: Stamp,
    ) -> Option<Arc<Entry<Stored>>> {
        let (fields, version) = (not_modified.headers(), not_modified.version());
        let shared = &self.shared;
        let held = order.held.as_ref().filter(|_| order.unconditional.is_some())?;
        let confirmed = fields.get(http::header::ETAG).is_none_or(|tag| {
            held.meta().tag.as_ref().is_some_and(|held| held.weakly_equals(tag.as_bytes()))
        });
        if !confirmed {
            return None;
        }
        let origin = head::undress(held.head(), &order.route, held.meta().lifetime);
        let merged = merge_not_modified(&origin, fields);
        let received = shared.clock.now();
        let answer = Answered {
            status: held.meta().status,
            fields: &merged,
            framing: Framing::Length(held.body().len()),
            asked,
            received,
            with_content: true,
            chance: fastrand::f64(),
        };
        let judgement = judge(&answer, &order.fields, &order.keyed, &order.route, &shared.settings.policy);
        let Verdict::Store { mut stored, mut strip, unshared, not_for_client: None } = judgement.verdict
        else {
            shared.store.remove(&order.keyed.key);
            return None;
        };
        stored.keep_offered(held.meta());
        strip.extend(unshared);
        let fields = head::dress(merged, &strip, &order.route, stored.lifetime, version, received.wall);
        let entry = held.freshened(*stored, HeadBlock::from_fields(&fields), stamp);
        // Where it cannot take the old one's place (evicted, invalidated), it still answers this client.
        let _: Inserted = shared.store.replace(held, Arc::clone(&entry));
        Some(entry)
    }

    /// Judges an answer, tells the client that asked, and receives the content if it is to be stored.
    async fn receive(
        &self,
        order: Order,
        response: Response<Incoming>,
        framing: Framing,
        asked: Now,
        stamp: Stamp,
        reply: oneshot::Sender<Fetched>,
    ) {
        let shared = &self.shared;
        let received = shared.clock.now();
        if is_failure(response.status())
            && order.stand_in.as_ref().is_some_and(|held| held.meta().is_usable_on_error(received))
        {
            return deliver(reply, Fetched::Failed(UpstreamError::ServerError(response.status())));
        }
        let answer = Answered {
            status: response.status(),
            fields: response.headers(),
            framing,
            asked,
            received,
            with_content: order.method_sent() != Method::HEAD,
            chance: fastrand::f64(),
        };
        let judgement = judge(&answer, &order.fields, &order.keyed, &order.route, &shared.settings.policy);
        let evidence = judgement.evidence;
        match judgement.verdict {
            Verdict::Discard(reason) => {
                let until = received.mono.saturating_add(shared.settings.uncacheable_memory);
                shared.uncacheable.remember(shared.store.hash(&order.keyed.key), until, reason);
                shared.report(&order.route, Finding::of(reason));
                deliver(reply, Fetched::NotForClient(Bypass::because(reason, evidence)));
            }
            Verdict::Refuse(reason) => deliver(reply, order.passed(response, evidence, reason)),
            Verdict::Store { not_for_client: None, .. } if !shared.store.has_room(announced(framing)) => {
                deliver(reply, order.passed(response, evidence, Refusal::OverBudget.into()));
            }
            Verdict::Store { not_for_client: None, .. } if !self.is_current(&order, stamp) => {
                deliver(reply, order.passed(response, evidence, Refusal::Invalidated.into()));
            }
            Verdict::Store { stored, strip, unshared, not_for_client } => {
                let (parts, body) = response.into_parts();
                let version = parts.version;
                let mut fields =
                    head::dress(parts.headers, &strip, &order.route, stored.lifetime, version, received.wall);
                let whole = HeadBlock::from_fields(&fields);
                for name in &unshared {
                    fields.remove(name);
                }
                let head = if unshared.is_empty() { whole.clone() } else { HeadBlock::from_fields(&fields) };
                let not_for_client = not_for_client.map(|reason| {
                    if reason == Reason::Refusal(Refusal::VaryUndeclared) {
                        shared.report(&order.route, Finding::of(reason));
                    }
                    Bypass::because(reason, order.keyed.evidence)
                });
                let receiving = Receiving { stored: Arc::new(*stored), whole, head, framing, stamp };
                self.fill(order, receiving, body, not_for_client, reply).await;
            }
        }
    }
}

impl Order {
    /// An answer that is not stored, for the client that asked. One to a hermetic fetch says what decided it.
    fn passed(&self, mut response: Response<Incoming>, evidence: EvidenceSet, reason: Reason) -> Fetched {
        if self.keyed.declared.is_some() {
            head::merge_vary(response.headers_mut(), &self.route);
            if self.route.ignore.contains(&SET_COOKIE) {
                response.headers_mut().remove(SET_COOKIE);
            }
        }
        Fetched::Passed { response, evidence, reason }
    }

    /// The method that was sent to the origin: on a declared route the whole representation is fetched.
    fn method_sent(&self) -> Method {
        match self.keyed.declared {
            Some(_) => self.keyed.key.parts().method.to_method(),
            None => self.method.clone(),
        }
    }
}

/// Statuses that say that the origin is broken (RFC 5861 section 4).
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// How many bytes of content an answer announces; none where it does not say.
const fn announced(framing: Framing) -> u64 {
    match framing {
        Framing::Length(length) => length,
        Framing::Chunked | Framing::CloseDelimited => 0,
    }
}

/// Nobody may be waiting any more: then the answer is dropped, and with it an answer's connection.
pub(super) fn deliver(reply: oneshot::Sender<Fetched>, fetched: Fetched) {
    let _ = reply.send(fetched);
}

/// The right to refresh a key, given back when it is dropped.
struct Claim {
    shared: Arc<Shared>,
    key: CacheKey,
}

impl Claim {
    fn on(shared: &Arc<Shared>, key: &CacheKey) -> Option<Self> {
        let mut refreshing = shared.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        refreshing.insert(key.clone()).then(|| Self { shared: Arc::clone(shared), key: key.clone() })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.refreshing.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
