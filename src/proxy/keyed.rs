//! Requests that have a key: answered from the store, from a fetch that is in progress, or by a fetch of their own.

use std::{ops::Deref, sync::Arc};

use http::Method;

use super::{
    Problem, Proxy, Reply,
    errand::{Held, Order},
    exchange::Exchange,
    fetch::Fetched,
    fill::Filling,
    flight::{Common, Flight, Landing, Lead, Part},
    respond::{self, Outcome},
};
use crate::{
    decision::{Bypass, Keyed, Plan, Reason, Refusal, Stored, can_be_offered, plan},
    observe::{Finding, Incident, Role},
    semantics::{
        Now,
        cache_status::{Fwd, Handling},
        freshness::Remaining,
        partial::Extent,
        range::asks_for_a_part,
        validation::is_conditional,
    },
    store::{Entry, KeyHash, Store, Variants},
};

/// How often a request whose leader brought nothing takes part in another fetch, before it has the leader's failure for
/// its own or goes alone.
const MOST_TURNS: usize = 2;

/// What a request asks the store for: its key with all that goes with it, and the hash that the key is looked up by.
#[derive(Debug)]
pub(super) struct Sought {
    keyed: Keyed,
    hash: KeyHash,
}

impl Sought {
    /// By this key.
    pub(super) fn new(keyed: Keyed, store: &dyn Store<Stored>) -> Arc<Self> {
        let hash = store.hash(&keyed.key);
        Arc::new(Self { keyed, hash })
    }

    pub(super) const fn hash(&self) -> KeyHash {
        self.hash
    }

    /// The same key, sought by this method.
    pub(super) fn by(&self, method: Method) -> Arc<Self> {
        Arc::new(Self { keyed: Keyed { method, ..self.keyed.clone() }, hash: self.hash })
    }
}

impl Deref for Sought {
    type Target = Keyed;

    fn deref(&self) -> &Keyed {
        &self.keyed
    }
}

/// What waiting for the fetches of others has come to.
#[derive(Default)]
pub(super) struct Turns {
    taken: usize,
    /// Why the request would have gone to the origin when it began to wait.
    waited: Option<Fwd>,
    /// Whether it waits no more.
    alone: bool,
}

impl Turns {
    /// Whether the request shared the fetch of another; `None` where there was none.
    fn collapsed(&self) -> Option<bool> {
        self.waited.map(|_| !self.alone)
    }
}

/// A request's part in a fetch.
enum Share {
    /// It makes its own.
    Alone,
    /// It makes one that others may share.
    Lead(Lead),
    /// It has the answer to that of another.
    Follow(Filling),
    /// It looks again.
    Again,
    /// It has the failure of another.
    Failed(Problem),
}

/// What the store has for a request.
pub(super) enum Found {
    /// The answer.
    Answer(Reply),
    /// No answer yet, and the way to one.
    Way(Way),
}

/// How a request that the store cannot answer comes to its answer.
pub(super) enum Way {
    /// As it came.
    Bypass(Bypass),
    /// By a fetch, of which this is why, and what is held already.
    Fetch(Fwd, Held),
}

impl Proxy {
    /// Answers from the store, at once, what can be.
    pub(super) fn look_up(
        &self,
        exchange: &Exchange,
        sought: &Sought,
        turns: &Turns,
        now: Now,
    ) -> Result<Found, Problem> {
        let shared = &self.shared;
        let (keyed, hash) = (&sought.keyed, sought.hash);
        let variants = shared.store.get_hashed(&keyed.key, hash);
        let entries = || variants.iter().flat_map(Variants::iter);
        let memory = shared.uncacheable.recall(hash, now.mono);
        let stored = entries().map(|entry| entry.meta());
        let policy = &shared.settings.policy;
        let planned = plan(keyed, exchange.fields(), stored, memory, policy, now);
        let entry = |variant| entries().nth(variant).ok_or(Problem::Internal);
        let served = |entry, remaining| Found::Answer(self.served(exchange, entry, remaining, turns, now));
        Ok(match planned {
            Plan::Serve { variant, remaining } => served(entry(variant)?, remaining),
            Plan::ServeStale { variant, since } => {
                let entry = entry(variant)?;
                self.refresh(exchange, sought, entry);
                served(entry, Remaining::Stale(since))
            }
            Plan::Validate { variant, fwd } => {
                Found::Way(Way::Fetch(fwd, Held::Selected(Arc::clone(entry(variant)?))))
            }
            Plan::Complete { variant, missing } => {
                let held = Held::Part(Arc::clone(entry(variant)?), missing);
                Found::Way(Way::Fetch(Fwd::Partial, held))
            }
            Plan::Fetch { fwd } => {
                let can_be_offered = |entry: &&Arc<Entry<Stored>>| {
                    can_be_offered(keyed, exchange.fields(), entry.meta(), policy)
                };
                Found::Way(Way::Fetch(fwd, Held::offered(entries().filter(can_be_offered))))
            }
            Plan::Bypass(bypass) => {
                if bypass.reason == Some(Refusal::VaryUndeclared.into()) {
                    shared.report(&exchange.route, Finding::of(Refusal::VaryUndeclared.into()));
                }
                Found::Way(Way::Bypass(bypass))
            }
            Plan::OnlyIfCached => return Err(Problem::OnlyIfCached),
        })
    }

    /// Goes the way to an answer: by a fetch of its own, or that of another, after which it may look again.
    pub(super) async fn seek(
        &self,
        exchange: &mut Exchange,
        sought: Arc<Sought>,
        mut way: Way,
    ) -> Result<Reply, Problem> {
        let mut turns = Turns::default();
        loop {
            let (fwd, held) = match way {
                Way::Bypass(bypass) => return self.forward(exchange, bypass, self.shared.clock.now()).await,
                Way::Fetch(fwd, held) => (fwd, held),
            };
            match self.share(exchange, &sought, fwd, &held, &mut turns).await {
                Share::Alone => return self.fetch(exchange, sought, fwd, held, None, &turns).await,
                Share::Lead(lead) => return self.lead(exchange, sought, lead, &turns).await,
                Share::Follow(filling) => {
                    let handling =
                        Handling::Forwarded { why: fwd, status: None, stored: false, collapsed: Some(true) };
                    let outcome = Outcome::of(handling, Some(filling.stored.level()), None);
                    return Ok(self.respond_filling(exchange, filling, outcome));
                }
                Share::Again => turns.taken += 1,
                Share::Failed(problem) => {
                    return self.without_answer(exchange, held.stand_in(&sought, fwd), problem);
                }
            }
            way = match self.look_up(exchange, &sought, &turns, self.shared.clock.now())? {
                Found::Answer(response) => return Ok(response),
                Found::Way(way) => way,
            };
        }
    }

    /// Makes a fetch that others may share, unless that of another has ended between the look and the lead: then what it
    /// brought is there.
    async fn lead(
        &self,
        exchange: &mut Exchange,
        sought: Arc<Sought>,
        lead: Lead,
        turns: &Turns,
    ) -> Result<Reply, Problem> {
        match self.look_up(exchange, &sought, turns, self.shared.clock.now())? {
            Found::Answer(response) => Ok(response),
            Found::Way(Way::Bypass(bypass)) => {
                // Who waits for it looks again.
                drop(lead);
                self.forward(exchange, bypass, self.shared.clock.now()).await
            }
            Found::Way(Way::Fetch(fwd, held)) => {
                let lead = may_lead(exchange, &sought, &held).then_some(lead);
                if lead.is_some() {
                    let role = if turns.taken == 0 { Role::Leader } else { Role::Retry };
                    self.shared.sink.took_part(&exchange.route, role);
                }
                self.fetch(exchange, sought, fwd, held, lead, turns).await
            }
        }
    }

    /// Takes part in a fetch: waits for that of another, if there is one and its answer may be for this request too.
    async fn share(
        &self,
        exchange: &Exchange,
        sought: &Sought,
        fwd: Fwd,
        held: &Held,
        turns: &mut Turns,
    ) -> Share {
        let shared = &self.shared;
        turns.alone =
            turns.alone || turns.taken >= MOST_TURNS || fwd == Fwd::Request || shared.is_unshared(sought);
        if turns.alone {
            return Share::Alone;
        }
        let part = if may_lead(exchange, sought, held) {
            shared.flights.join(sought)
        } else {
            match shared.flights.find(sought) {
                Some(flight) => Part::Follow(flight),
                None => return Share::Alone,
            }
        };
        let flight = match part {
            Part::Lead(lead) => return Share::Lead(lead),
            Part::Follow(flight) => flight,
        };
        turns.waited = turns.waited.or(Some(fwd));
        shared.sink.took_part(&exchange.route, Role::Follower);
        let share = match flight.landed(shared.settings.lock_timeout).await {
            Some(Landing::Filling(common)) => self.follow(exchange, sought, &flight, &common),
            // Who has waited until the origin's time was up does not wait for that again.
            Some(Landing::Failed(problem))
                if problem == Problem::OriginTimeout || turns.taken + 1 >= MOST_TURNS =>
            {
                Share::Failed(problem)
            }
            Some(Landing::News | Landing::Failed(_)) => Share::Again,
            Some(Landing::NotShared) | None => Share::Alone,
        };
        turns.alone = matches!(share, Share::Alone);
        share
    }

    /// Follows an answer that is being received, if it is for this request.
    fn follow(&self, exchange: &Exchange, sought: &Sought, flight: &Arc<Flight>, common: &Common) -> Share {
        let shared = &self.shared;
        // Which bytes of a part are for whom is known when it is stored.
        if common.stored.extent() != Extent::Whole {
            return Share::Alone;
        }
        let is_over = matches!(common.fill.outcome(), Some(Err(_)));
        if is_over || !shared.store.purge_clock().is_current(&common.stamped, || sought.key.place()) {
            return shared.flights.replace(sought, flight).map_or(Share::Again, Share::Lead);
        }
        let (now, fields) = (shared.clock.now(), exchange.fields());
        let planned = plan(sought, fields, [&*common.stored], None, &shared.settings.policy, now);
        if !matches!(planned, Plan::Serve { .. }) {
            return Share::Alone;
        }
        let (stored, length) = (Arc::clone(&common.stored), common.length);
        let part = respond::own_part(&exchange.parts.method, fields, &stored, Extent::Whole, length, now);
        match common.fill.follow(part.range()) {
            Some(follower) => {
                let (status, head) = (stored.status, common.head.clone());
                let announced = common.announced.clone();
                Share::Follow(Filling { status, stored, head, part, length, announced, follower })
            }
            // It has just failed, or is too large to be shared.
            None => Share::Alone,
        }
    }

    /// Asks the origin on behalf of this request, in a task of its own: a client that leaves does not end it.
    async fn fetch(
        &self,
        exchange: &mut Exchange,
        sought: Arc<Sought>,
        fwd: Fwd,
        held: Held,
        lead: Option<Lead>,
        turns: &Turns,
    ) -> Result<Reply, Problem> {
        let stand_in = held.stand_in(&sought, fwd);
        let order = Order::new(exchange, sought, held, stand_in.clone(), &self.shared)?;
        let Ok(fetched) = self.spawn_fetch(order, lead).await else {
            // Its task ended without an answer.
            self.shared.sink.happened(Incident::Panic);
            return Err(Problem::Internal);
        };
        // Who leads after it has waited shares nothing.
        let collapsed = turns.collapsed().filter(|shared| !shared);
        let handling = |why, status, stored| Handling::Forwarded { why, status, stored, collapsed };
        match fetched {
            Fetched::Filling(filling) => {
                // Only a status that the client does not get itself is worth a word.
                let own = filling.part.status(&filling.stored);
                let status = Some(filling.status).filter(|status| *status != own);
                let outcome = Outcome::of(handling(fwd, status, true), Some(filling.stored.level()), None);
                Ok(self.respond_filling(exchange, filling, outcome))
            }
            // By its new Last-Modified, If-Range asks for the whole of what is held in part.
            Fetched::Renewed { entry, .. }
                if !entry.meta().suffices(
                    &exchange.parts.method,
                    exchange.fields(),
                    self.shared.clock.now(),
                ) =>
            {
                let bypass = Bypass { fwd, reason: None, evidence: entry.meta().evidence };
                self.forward(exchange, bypass, self.shared.clock.now()).await
            }
            Fetched::Renewed { entry, status, is_stored } => {
                let status = Some(status).filter(|status| *status != entry.meta().status);
                let outcome = Outcome::of(handling(fwd, status, is_stored), Some(entry.meta().level()), None);
                Ok(self.respond_stored(exchange, &entry, outcome, self.shared.clock.now()))
            }
            Fetched::Passed { response, evidence, reason } => {
                let handling = handling(reason.fwd(fwd), None, false);
                let outcome = Outcome::of(handling, evidence.level(), Some(reason));
                Ok(self.respond_passed(exchange, response, outcome).into())
            }
            Fetched::NotForClient(bypass) => self.forward(exchange, bypass, self.shared.clock.now()).await,
            Fetched::Failed(problem) => self.without_answer(exchange, stand_in, problem),
        }
    }

    /// The answer where the origin has none: something stale, if it may stand in.
    fn without_answer(
        &self,
        exchange: &Exchange,
        stand_in: Option<Arc<Entry<Stored>>>,
        problem: Problem,
    ) -> Result<Reply, Problem> {
        let now = self.shared.clock.now();
        let entry = stand_in.filter(|entry| entry.meta().is_usable_on_error(now)).ok_or(problem)?;
        let remaining = entry.meta().remaining(now);
        Ok(self.hit(exchange, &entry, remaining, Some(Refusal::StaleIfError.into()), now))
    }

    /// The answer from the store; to who has waited for it, as the answer to the fetch of another.
    fn served(
        &self,
        exchange: &Exchange,
        entry: &Arc<Entry<Stored>>,
        remaining: Remaining,
        turns: &Turns,
        now: Now,
    ) -> Reply {
        let Some(why) = turns.waited else { return self.hit(exchange, entry, remaining, None, now) };
        let handling = Handling::Forwarded { why, status: None, stored: false, collapsed: Some(true) };
        self.respond_stored(exchange, entry, Outcome::of(handling, Some(entry.meta().level()), None), now)
    }

    fn hit(
        &self,
        exchange: &Exchange,
        entry: &Arc<Entry<Stored>>,
        remaining: Remaining,
        reason: Option<Reason>,
        now: Now,
    ) -> Reply {
        let outcome = Outcome::of(Handling::Hit { ttl: remaining.ttl() }, Some(entry.meta().level()), reason);
        self.respond_stored(exchange, entry, outcome, now)
    }
}

/// Whether the answer to this request may be that to others: on a declared route always, since the fetch is built from the
/// key; elsewhere if it asks for the whole and under no condition, or if the conditions that are sent are those of what is
/// held. Who may not lead may still follow.
fn may_lead(exchange: &Exchange, keyed: &Keyed, held: &Held) -> bool {
    let fields = exchange.fields();
    let is_plain = !asks_for_a_part(fields) && !is_conditional(fields);
    let is_replaced = matches!(held, Held::Selected(entry) if entry.meta().has_validator());
    keyed.declared.is_some() || (keyed.method != Method::HEAD && (is_plain || is_replaced))
}
