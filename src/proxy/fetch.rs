//! A fetch from the origin that may be stored, in a task of its own: the client that caused it is only its first
//! follower, so that a client who leaves never ends it, and an answer that is cut short never looks whole.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, header::SET_COOKIE};
use tokio::sync::oneshot;

use super::{
    Interim, Problem, Proxy, Shared,
    audience::Audience,
    errand::{Errand, Held, Order},
    exchange::Exchange,
    fill::{Filling, Receiving, Storable},
    flight::{Lead, Part},
    head,
    keyed::Sought,
    parts::{Beside, Combined},
    renew::News,
    trailers::end_connection,
    unshared::Unshared,
};
use crate::{
    decision::{Answered, Bypass, Framing, Judgement, Reason, Refusal, Stored, Verdict, judge},
    level::EvidenceSet,
    observe::Finding,
    semantics::{
        Now,
        partial::{self, Extent},
        validation::is_conditional,
    },
    store::{Entry, Stamp, Stamped, Variants},
    upstream::{Answer, Content, Listener, Outgoing, RequestBody, UpstreamError},
};

/// What became of a fetch.
pub(super) enum Fetched {
    /// It is being received and will be stored.
    Filling(Filling),
    /// An answer with this status, and no content, says that what was held is still good; it has brought what is stored up
    /// to date, or is only for the client that asked.
    Renewed { entry: Arc<Entry<Stored>>, status: StatusCode, is_stored: bool },
    /// It is not stored, and passed on to the client that asked.
    Passed { response: Response<Content>, evidence: EvidenceSet, reason: Reason },
    /// It is not for the client that asked, whose own request is to be forwarded.
    NotForClient(Bypass),
    /// There is no answer, or one that says that the origin is broken while something held may stand in.
    Failed(Problem),
}

/// The head of an answer, and both clocks when its request was sent and when it arrived.
pub(super) struct Arrived {
    pub(super) response: Response<Content>,
    pub(super) framing: Framing,
    pub(super) asked: Now,
    pub(super) received: Now,
    pub(super) stamp: Stamp,
}

/// An answer as it came: whose head is its lines.
pub(super) struct Came {
    pub(super) answer: Answer,
    asked: Now,
    received: Now,
    stamp: Stamp,
}

impl Came {
    /// The answer with a map of its fields, without those of the origin's connection.
    pub(super) fn read(self) -> Result<Arrived, UpstreamError> {
        let Self { answer: Answer { head, content, framing }, asked, received, stamp } = self;
        let mut response = head.into_response()?.map(|()| content);
        end_connection(&mut response);
        Ok(Arrived { response, framing, asked, received, stamp })
    }
}

impl Arrived {
    fn news(&self) -> News<'_> {
        News::of(&self.response, self.asked, self.received, self.stamp)
    }

    /// Judges it, as the answer to this errand.
    pub(super) fn judged(&self, errand: &Errand, shared: &Shared) -> Judgement {
        let answer = Answered {
            status: self.response.status(),
            fields: self.response.headers(),
            framing: self.framing,
            asked: self.asked,
            received: self.received,
            with_content: errand.method_sent() != Method::HEAD,
            chance: fastrand::f64(),
        };
        judge(&answer, errand.fields(), &errand.sought, &errand.route, &shared.settings.policy)
    }
}

impl Proxy {
    /// Starts the fetch. The answer is there when its head is; where nobody waits any more, the fetch goes on for
    /// `cache.fill_timeout` at most.
    pub(super) fn spawn_fetch(&self, order: Order, lead: Option<Lead>) -> oneshot::Receiver<Fetched> {
        let (reply, receiver) = oneshot::channel();
        self.spawn_run(order, Audience::of(reply, lead, Arc::clone(&self.shared)));
        receiver
    }

    fn spawn_run(&self, order: Order, audience: Audience) {
        // In places of their own: the runtime moves what it is given more than once, and the fetch its order.
        self.shared.tasks.spawn(Box::pin(self.clone().run_fetch(Box::new(order), audience)));
    }

    /// Refreshes a stale response in the background, once at a time for each key.
    pub(super) fn refresh(&self, exchange: &Exchange, sought: &Sought, entry: &Arc<Entry<Stored>>) {
        let Part::Lead(lead) = self.shared.flights.join(sought) else { return };
        // Unless that of another has ended between the look and the lead: then what it brought is there.
        let held = self.shared.store.get_hashed(&sought.key, sought.hash());
        if !held.iter().flat_map(Variants::iter).any(|held| Arc::ptr_eq(held, entry)) {
            return;
        }
        let exchange = exchange.for_the_whole();
        let sought = sought.by(exchange.parts.method.clone());
        let held = Held::Selected(Arc::clone(entry));
        let Ok(order) = Order::new(&exchange, sought, held, None, &self.shared) else { return };
        // Nobody waits: what goes wrong is in the log.
        self.spawn_run(order, Audience::none_yet(lead, Arc::clone(&self.shared)));
    }

    async fn run_fetch(self, mut order: Box<Order>, mut audience: Audience) {
        let shared = &self.shared;
        let stamp = shared.store.purge_clock().now();
        let interim = order.interim.take();
        let mut request = std::mem::replace(&mut order.request, Request::new(RequestBody::empty()));
        // At most twice: an answer that does not fit what is held is asked for again, without a word of it.
        loop {
            let conditional = is_conditional(request.headers());
            let asked = shared.clock.now();
            // In a place of its own: with it, the future of every fetch would be twice as large.
            let asking = Box::pin(self.ask(request.into(), interim.as_ref(), asked, stamp));
            let came = tokio::select! {
                biased;
                came = asking => came,
                () = audience.deserted_for(shared.settings.fill_timeout) => return,
            };
            let arrived = match came.and_then(Came::read) {
                Ok(arrived) => arrived,
                Err(error) => return audience.deliver(Fetched::Failed(error.into())),
            };
            match self.fit(&order, arrived) {
                Fit::Renews(entry, is_stored) => {
                    let status = StatusCode::NOT_MODIFIED;
                    return audience.deliver(Fetched::Renewed { entry, status, is_stored });
                }
                Fit::Completes(completed) => {
                    let (receiving, body) = *completed;
                    return Box::pin(self.fill(&order.errand, receiving, body, None, audience)).await;
                }
                Fit::StandsAlone(arrived) => return self.receive(order, arrived, audience).await,
                Fit::Misses(arrived) => match order.unconditional.take() {
                    Some(unconditional) => {
                        order.held = Held::Nothing;
                        request = unconditional;
                    }
                    None => return audience.deliver(order.unasked(arrived, conditional)),
                },
            }
        }
    }

    /// Asks the origin, and tells how long it took. What comes before the answer goes to `interim`.
    pub(super) async fn ask(
        &self,
        request: Box<Outgoing>,
        interim: Option<&Interim>,
        asked: Now,
        stamp: Stamp,
    ) -> Result<Came, UpstreamError> {
        let listener = interim.map(|interim| interim as &dyn Listener);
        let sent = self.upstream.send(request, listener).await;
        let received = self.shared.clock.now();
        let status = sent.as_ref().map(|answer| answer.head.status()).map_err(UpstreamError::name);
        self.shared.sink.origin_asked(received.mono.saturating_sub(asked.mono), status);
        Ok(Came { answer: sent?, asked, received, stamp })
    }

    /// How an answer fits what is held.
    fn fit(&self, order: &Order, arrived: Arrived) -> Fit {
        match (arrived.response.status(), &order.held) {
            (StatusCode::NOT_MODIFIED, _) => match self.confirm(order, arrived.news()) {
                Some((entry, is_stored)) => Fit::Renews(entry, is_stored),
                None => Fit::Misses(arrived),
            },
            (StatusCode::PARTIAL_CONTENT, Held::Part(held, missing)) => {
                match self.completing(&order.errand, held, *missing, &arrived) {
                    Some(receiving) => Fit::Completes(Box::new((receiving, arrived.response.into_body()))),
                    None => Fit::Misses(arrived),
                }
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Held::Part(..)) => Fit::Misses(arrived),
            _ => Fit::StandsAlone(arrived),
        }
    }

    /// What is received when these bytes complete a held part. `None` where they do not.
    fn completing(
        &self,
        errand: &Errand,
        held: &Arc<Entry<Stored>>,
        missing: partial::Part,
        arrived: &Arrived,
    ) -> Option<Receiving> {
        let Framing::Length(length) = arrived.framing else { return None };
        let Combined { stored, fields, unshared, beside } =
            self.complete(errand, held, missing, length, arrived.news())?;
        let storable = Storable { stored, fields: Some(fields), strip: Vec::new(), unshared };
        let stamped = self.storable_now(errand, arrived, &storable, missing.complete()).ok()?;
        Some(Receiving::new(errand, arrived, storable, stamped, Extent::Whole, beside))
    }

    /// Judges an answer, tells the client that asked, and receives the content if it is to be stored.
    async fn receive(&self, order: Box<Order>, arrived: Arrived, audience: Audience) {
        let shared = &self.shared;
        let Order { errand, selected, stand_in, .. } = *order;
        let (status, received) = (arrived.response.status(), arrived.received);
        if status.is_server_error() && stand_in.is_some_and(|held| held.meta().is_usable_on_error(received)) {
            return audience.deliver(Fetched::Failed(UpstreamError::ServerError(status).into()));
        }
        if status == StatusCode::OK
            && errand.method_sent() == Method::HEAD
            && let Some(entry) = self.update_by_head(&errand, arrived.news())
        {
            return audience.deliver(Fetched::Renewed { entry, status, is_stored: true });
        }
        let Judgement { verdict, evidence } = arrived.judged(&errand, shared);
        if let Some(entry) = &selected
            && !matches!(verdict, Verdict::Store { .. })
            && ends_what_is_held(&errand, status)
        {
            shared.store.discard(entry);
        }
        match verdict {
            Verdict::Discard(reason) => {
                let until = received.mono.saturating_add(shared.settings.uncacheable_memory);
                shared.uncacheable.remember(errand.sought.hash(), until, reason);
                shared.report(&errand.route, Finding::of(reason));
                audience.deliver(Fetched::NotForClient(Bypass::because(reason, evidence)));
            }
            Verdict::Refuse(reason) => audience.deliver(errand.passed(arrived.response, evidence, reason)),
            Verdict::Store { stored, strip, unshared, not_for_client } => {
                let storable = Storable { stored, fields: None, strip, unshared };
                let not_for_client = not_for_client.map(|reason| {
                    if reason == Reason::Refusal(Refusal::VaryUndeclared) {
                        shared.report(&errand.route, Finding::of(reason));
                    }
                    Bypass::because(reason, errand.sought.evidence)
                });
                match (self.received(&errand, &arrived, storable), not_for_client) {
                    (Ok(receiving), not_for_client) => {
                        let body = arrived.response.into_body();
                        Box::pin(self.fill(&errand, receiving, body, not_for_client, audience)).await;
                    }
                    (Err(refusal), None) => {
                        audience.deliver(errand.passed(arrived.response, evidence, refusal.into()));
                    }
                    (Err(_), Some(bypass)) => audience.deliver(Fetched::NotForClient(bypass)),
                }
            }
        }
    }

    /// What is to be received of an answer that may be stored, together with parts that are held.
    pub(super) fn received(
        &self,
        errand: &Errand,
        arrived: &Arrived,
        storable: Storable,
    ) -> Result<Receiving, Refusal> {
        let stamped = self.storable_now(errand, arrived, &storable, announced(arrived.framing))?;
        let extent = storable.stored.extent();
        let (storable, beside) = match self.combine(errand, &storable.stored, arrived.news()) {
            Some(Combined { stored, fields, unshared, beside }) => {
                (Storable { stored, fields: Some(fields), unshared, ..storable }, beside)
            }
            None => (storable, Beside::default()),
        };
        let mut storable = storable;
        if storable.stored.extent().part().is_some_and(partial::Part::is_whole) {
            storable.stored.set_extent(Extent::Whole);
        }
        Ok(Receiving::new(errand, arrived, storable, stamped, extent, beside))
    }

    /// The stamp of an answer that may be stored, unless there is no room for this many bytes of content, or something
    /// has ended its currency since its fetch began.
    fn storable_now(
        &self,
        errand: &Errand,
        arrived: &Arrived,
        storable: &Storable,
        bytes: u64,
    ) -> Result<Stamped, Refusal> {
        let store = &self.shared.store;
        if !store.has_room(bytes) {
            return Err(Refusal::OverBudget);
        }
        let fields = storable.fields.as_ref().unwrap_or_else(|| arrived.response.headers());
        let stamped = Stamped::new(arrived.stamp, self.scopes(errand, fields));
        let is_current = store.purge_clock().is_current(&stamped, || errand.sought.key.place());
        if is_current { Ok(stamped) } else { Err(Refusal::Invalidated) }
    }
}

/// How an answer fits what is held.
enum Fit {
    /// It says that a stored response is still good, and whether that is stored.
    Renews(Arc<Entry<Stored>>, bool),
    /// Its content is what a held part lacked.
    Completes(Box<(Receiving, Content)>),
    /// It is an answer of its own.
    StandsAlone(Arrived),
    /// It speaks of something else than what is held.
    Misses(Arrived),
}

impl Order {
    /// An answer about something that this cache did not ask for.
    fn unasked(&self, arrived: Arrived, conditional: bool) -> Fetched {
        if arrived.response.status() == StatusCode::NOT_MODIFIED && !conditional {
            let nonsense = UpstreamError::Nonsense("304 in answer to a request without a condition");
            return Fetched::Failed(nonsense.into());
        }
        // The client's own condition, which the origin has answered.
        let (evidence, reason) = (self.errand.sought.evidence, Refusal::StatusNotStorable.into());
        Fetched::Passed { response: arrived.response, evidence, reason }
    }
}

impl Errand {
    /// An answer that is not stored, for the client that asked. One to a hermetic fetch says what decided it.
    fn passed(&self, mut response: Response<Content>, evidence: EvidenceSet, reason: Reason) -> Fetched {
        if self.sought.declared.is_some() {
            head::merge_vary(response.headers_mut(), &self.route);
            if self.route.ignore.contains(&SET_COOKIE) {
                response.headers_mut().remove(SET_COOKIE);
            }
        }
        Fetched::Passed { response, evidence, reason }
    }
}

/// Whether an answer that is not stored says that what is held is not the answer any more (RFC 9111 section 4.3.3). A
/// failing server says nothing of it, nor does one that asks for patience, or answers a range or HEAD; and what is said to
/// who has an identity is not said to all.
pub(super) fn ends_what_is_held(errand: &Errand, status: StatusCode) -> bool {
    let is_silent = status.is_server_error()
        || matches!(
            status,
            StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
                | StatusCode::RANGE_NOT_SATISFIABLE
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        );
    let is_for_all = Unshared::like(&errand.sought) == Unshared::Everybodys;
    !is_silent && errand.method_sent() != Method::HEAD && is_for_all
}

/// How many bytes of content an answer announces; none where it does not say.
const fn announced(framing: Framing) -> u64 {
    match framing {
        Framing::Length(length) => length,
        Framing::Chunked | Framing::CloseDelimited => 0,
    }
}
