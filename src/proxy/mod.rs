//! The request function: a request walks through here in one direction, and each step is a decision made elsewhere.
//!
//! read the request -> find its route -> classify -> plan -> serve from the store, fetch, or forward as it came.

mod body;
mod errand;
mod exchange;
mod fetch;
mod fill;
mod forward;
mod head;
mod invalidate;
mod multipart;
mod outgoing;
mod parts;
mod preview;
mod problem;
mod renew;
mod respond;

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use ipnet::IpNet;
use tokio_util::task::TaskTracker;

pub use body::Body;
pub use preview::Preview;
pub use problem::Problem;
pub use respond::own_status;

use crate::{
    decision::{Classified, Keyed, Plan, Policy, Reason, Refusal, Stored, can_be_offered, classify, plan},
    key::{CacheKey, Scheme},
    observe::{Clock, Finding, Findings, Sink},
    route::{Route, RouteTable},
    semantics::{
        Now,
        cache_status::{Fwd, Handling},
        freshness::Remaining,
    },
    store::{Entry, Store, UncacheableMemory, Variants},
    upstream::Upstream,
};
use errand::{Held, Order};
use exchange::Exchange;
use fetch::Fetched;
use respond::Outcome;

/// The operator's settings for the request function.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What decisions depend on, besides the route.
    pub policy: Policy,
    /// Whether responses carry Cache-Status.
    pub cache_status: bool,
    /// Peers whose Forwarded and X-Forwarded-* fields count.
    pub trusted_proxies: Vec<IpNet>,
    /// How long a key that proved uncacheable goes straight to the origin.
    pub uncacheable_memory: Duration,
    /// The largest content of a QUERY that is part of a key, in bytes.
    pub max_query_content: usize,
    /// The Host that the origin gets; `None`: the one that the client sent.
    pub origin_host: Option<HeaderValue>,
}

/// Whom a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address at the other end of the connection; none for a unix socket.
    pub address: Option<IpAddr>,
    /// The scheme of the connection.
    pub scheme: Scheme,
}

/// How many keys the memory of uncacheable keys has places for.
const UNCACHEABLE_PLACES: usize = 1 << 16;

/// What all workers share.
pub struct Shared {
    settings: Settings,
    routes: RouteTable,
    store: Arc<dyn Store<Stored>>,
    uncacheable: UncacheableMemory<Reason>,
    refreshing: Mutex<HashSet<CacheKey>>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn Sink>,
    findings: Findings,
    tasks: TaskTracker,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Shared {
    /// What all workers share. `tasks` counts the fills that must end before the process may.
    pub fn new(
        settings: Settings,
        routes: RouteTable,
        store: Arc<dyn Store<Stored>>,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn Sink>,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            routes,
            store,
            uncacheable: UncacheableMemory::new(UNCACHEABLE_PLACES),
            refreshing: Mutex::default(),
            clock,
            sink,
            findings: Findings::default(),
            tasks,
        })
    }

    /// The routes, for the admin place.
    pub const fn routes(&self) -> &RouteTable {
        &self.routes
    }

    /// What answers taught about the operator's declarations.
    pub const fn findings(&self) -> &Findings {
        &self.findings
    }

    /// What is stored.
    pub fn store(&self) -> &dyn Store<Stored> {
        &*self.store
    }

    fn report(&self, route: &Route, finding: Finding) {
        let first = self.findings.record(&route.name, finding);
        self.sink.found(&route.name, finding, first);
    }
}

/// The proxy of one worker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    upstream: Upstream,
}

impl Proxy {
    /// The proxy of a worker with this pool of connections.
    pub const fn new(shared: Arc<Shared>, upstream: Upstream) -> Self {
        Self { shared, upstream }
    }

    /// Answers a request. There is always an answer: what goes wrong becomes a problem (RFC 9457).
    pub async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        match self.answer(request, peer).await {
            Ok(response) => response,
            Err(problem) => problem.into_response(),
        }
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Result<Response<Body>, Problem> {
        let exchange = Exchange::read(request, peer, &self.shared, self.upstream.body_timeout()).await?;
        match classify(&exchange.asked(), &exchange.route, &self.shared.settings.policy) {
            Classified::Bypass(bypass) => self.forward(exchange, bypass).await,
            Classified::Keyed(keyed) => self.answer_keyed(exchange, keyed).await,
            Classified::OnlyIfCached => Err(Problem::OnlyIfCached),
        }
    }

    async fn answer_keyed(&self, exchange: Exchange, keyed: Keyed) -> Result<Response<Body>, Problem> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let variants = shared.store.get(&keyed.key);
        let entries = || variants.iter().flat_map(Variants::iter);
        let memory = shared.uncacheable.recall(shared.store.hash(&keyed.key), now.mono);
        let stored = entries().map(|entry| entry.meta());
        let planned = plan(&keyed, &exchange.parts.headers, stored, memory, &shared.settings.policy, now);
        let entry = |variant| entries().nth(variant).ok_or(Problem::Internal);
        match planned {
            Plan::Serve { variant, remaining } => {
                Ok(self.hit(&exchange, entry(variant)?, remaining, None, now))
            }
            Plan::ServeStale { variant, since } => {
                let entry = entry(variant)?;
                self.refresh(&exchange, &keyed, entry);
                Ok(self.hit(&exchange, entry, Remaining::Stale(since), None, now))
            }
            Plan::Validate { variant, fwd } => {
                let held = Held::Selected(Arc::clone(entry(variant)?));
                self.fetch(exchange, keyed, fwd, held).await
            }
            Plan::Complete { variant, missing } => {
                let held = Held::Part(Arc::clone(entry(variant)?), missing);
                self.fetch(exchange, keyed, Fwd::Partial, held).await
            }
            Plan::Fetch { fwd } => {
                let policy = &shared.settings.policy;
                let can_be_offered = |entry: &&Arc<Entry<Stored>>| {
                    can_be_offered(&keyed, exchange.fields(), entry.meta(), policy)
                };
                let held = Held::offered(entries().filter(can_be_offered));
                self.fetch(exchange, keyed, fwd, held).await
            }
            Plan::Bypass(bypass) => {
                if bypass.reason == Some(Refusal::VaryUndeclared.into()) {
                    shared.report(&exchange.route, Finding::of(Refusal::VaryUndeclared.into()));
                }
                self.forward(exchange, bypass).await
            }
            Plan::OnlyIfCached => Err(Problem::OnlyIfCached),
        }
    }

    /// Asks the origin on behalf of this request, in a task of its own: a client that leaves does not end it.
    async fn fetch(
        &self,
        exchange: Exchange,
        keyed: Keyed,
        fwd: Fwd,
        held: Held,
    ) -> Result<Response<Body>, Problem> {
        // A client that wants no stale answer gets none, not even where the origin fails.
        let stand_in = match &held {
            Held::Selected(entry) if fwd == Fwd::Stale && !keyed.directives.wants_fresh() => {
                Some(Arc::clone(entry))
            }
            Held::Nothing | Held::Selected(_) | Held::Offered(_) | Held::Part(..) => None,
        };
        let order = Order::new(&exchange, keyed, held, stand_in.clone(), &self.shared)?;
        let fetched = self.spawn_fetch(order).await.map_err(|_| Problem::Internal)?;
        let handling = |status, stored| Handling::Forwarded { why: fwd, status, stored, collapsed: None };
        match fetched {
            Fetched::Filling(filling) => {
                // Only a status that the client does not get itself is worth a word.
                let own = filling.part.status(&filling.stored);
                let status = Some(filling.status).filter(|status| *status != own);
                let outcome = Outcome::of(handling(status, true), Some(filling.stored.level()), None);
                Ok(self.respond_filling(&exchange, filling, outcome))
            }
            Fetched::Renewed(entry, status) => {
                let status = Some(status).filter(|status| *status != entry.meta().status);
                let outcome = Outcome::of(handling(status, true), Some(entry.meta().level()), None);
                Ok(self.respond_stored(&exchange, &entry, outcome, self.shared.clock.now()))
            }
            Fetched::Passed { response, evidence, reason } => {
                let outcome =
                    Outcome::of(Handling::forwarded(reason.fwd(fwd)), evidence.level(), Some(reason));
                Ok(self.respond_passed(&exchange, response, outcome))
            }
            Fetched::NotForClient(bypass) => self.forward(exchange, bypass).await,
            Fetched::Failed(failure) => {
                let now = self.shared.clock.now();
                match stand_in.filter(|entry| entry.meta().is_usable_on_error(now)) {
                    Some(entry) => {
                        let remaining = entry.meta().remaining(now);
                        Ok(self.hit(&exchange, &entry, remaining, Some(Refusal::StaleIfError.into()), now))
                    }
                    None => Err(failure.into()),
                }
            }
        }
    }

    fn hit(
        &self,
        exchange: &Exchange,
        entry: &Arc<Entry<Stored>>,
        remaining: Remaining,
        reason: Option<Reason>,
        now: Now,
    ) -> Response<Body> {
        let outcome = Outcome::of(Handling::Hit { ttl: ttl(remaining) }, Some(entry.meta().level()), reason);
        self.respond_stored(exchange, entry, outcome, now)
    }
}

/// The `ttl` of Cache-Status: whole seconds of freshness left, negative when stale. Counted so that Age, which is
/// rounded down, and a ttl of whole seconds add up to the lifetime.
fn ttl(remaining: Remaining) -> Option<i64> {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match remaining {
        Remaining::Forever => None,
        Remaining::Fresh(left) => Some(seconds(left.saturating_add(Duration::from_nanos(999_999_999)))),
        Remaining::Stale(since) => Some(-seconds(since)),
    }
}
