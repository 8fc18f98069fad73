//! The request function: a request walks through here in one direction, and each step is a decision made elsewhere.
//!
//! read the request -> find its route -> classify -> plan -> serve from the store, fetch, or forward as it came.

mod account;
mod ahead;
mod audience;
mod begun;
mod body;
mod errand;
mod exchange;
mod familiar;
mod fetch;
mod fill;
mod flight;
mod forward;
mod head;
mod interim;
mod invalidate;
mod keyed;
mod look;
mod multipart;
mod outgoing;
mod panics;
mod parts;
mod passed;
mod preview;
mod problem;
mod purge;
mod ready;
mod renew;
mod respond;
mod scopes;
mod shelve;
mod sweep;
mod trailers;
mod unshared;

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{HeaderValue, Response, request::Parts};
use hyper::body::Incoming;
use ipnet::IpNet;
use tokio_util::task::TaskTracker;

pub use begun::{Begun, Open};
pub use body::Body;
pub use familiar::Familiar;
pub use interim::{Interim, Interims};
pub use look::Known;
pub use preview::Preview;
pub use problem::{PROBLEM_JSON, Problem, problem_response};
pub use purge::{PrefixFault, Purge, PurgeError, PurgeMode, Purged};
pub use ready::{Ready, ReadyHead, Reply};
pub use respond::own_status;

use crate::{
    decision::{Policy, Reason, Stored},
    key::Scheme,
    observe::{Clock, Finding, Findings, Incident, Sink},
    route::{Route, RouteTable},
    semantics::Now,
    store::{Store, UncacheableMemory},
    upstream::Upstream,
    wire::Violation,
};
use account::untargeted;
use begun::{Class, Decided, Next};
use exchange::Exchange;
use familiar::Owner;
use flight::Flights;
use keyed::{Found, Turns};
use panics::{Panicked, caught, caught_now};
use sweep::Sweeper;
use unshared::Unshared;

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
    /// How long a request waits for the fetch of another, at most.
    pub lock_timeout: Duration,
    /// How long a fetch goes on that nobody waits for any more.
    pub fill_timeout: Duration,
    /// The largest content of a QUERY that is part of a key, in bytes.
    pub max_query_content: usize,
    /// How long a client's content may stand still.
    pub body_timeout: Duration,
    /// The least bytes of it that have to come in a second, on average beyond that; 0 for no such bound.
    pub min_body_rate: u64,
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
    owner: Owner,
    settings: Settings,
    routes: RouteTable,
    store: Arc<dyn Store<Stored>>,
    uncacheable: UncacheableMemory<Reason>,
    /// Keys whose answers proved to be for nobody else: nobody waits for them for a while.
    unshared: UncacheableMemory<Unshared>,
    flights: Arc<Flights>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn Sink>,
    findings: Findings,
    sweeper: Sweeper,
    tasks: TaskTracker,
    host: OnceLock<String>,
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
            owner: Owner::new(),
            settings,
            routes,
            store,
            uncacheable: UncacheableMemory::new(UNCACHEABLE_PLACES),
            unshared: UncacheableMemory::new(UNCACHEABLE_PLACES),
            flights: Flights::new(),
            clock,
            sink,
            findings: Findings::default(),
            sweeper: Sweeper::default(),
            tasks,
            host: OnceLock::new(),
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

    /// How many fetches that others may share are in progress.
    pub fn fetches_in_progress(&self) -> u64 {
        self.flights.len() as u64
    }

    fn report(&self, route: &Route, finding: Finding) {
        let first = self.findings.record(&route.name, finding);
        self.sink.found(route, finding, first);
    }
}

/// An answer in the making, in a place of its own: one future with room for every way to an answer would be large, and
/// moved often.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send + 'a>>;

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

    /// Begins to answer a request, and answers it where that needs no waiting: a hit does not. There is always an answer:
    /// what goes wrong becomes a problem (RFC 9457).
    pub fn begin(&self, head: Parts, content: Option<Incoming>, peer: Peer) -> Begun {
        self.caught(peer, |began| {
            let exchange = match self.exchange(head, peer, began) {
                Ok(exchange) => exchange,
                Err(reply) => return Begun::Answered(reply),
            };
            if let Some(content) = content {
                let next = Box::new(Next::Read(content));
                return Begun::Open(Open { exchange: Box::new(exchange), next });
            }
            let class = self.class(&exchange);
            self.start(exchange, &class, began)
        })
    }

    /// The same for a request without content, whose whole head this text is: it will be familiar if it comes again.
    pub fn begin_head(&self, text: &[u8], head: Parts, peer: Peer) -> Begun {
        self.caught(peer, |began| {
            let exchange = match self.exchange(head, peer, began) {
                Ok(exchange) => exchange,
                Err(reply) => return Begun::Answered(reply),
            };
            let class = self.class(&exchange);
            self.remember(text, peer, &exchange, &class);
            self.start(exchange, &class, began)
        })
    }

    /// The same for a request whose head is familiar.
    pub fn begin_again(&self, familiar: &Familiar, peer: Peer) -> Begun {
        self.caught(peer, |began| self.start(familiar.exchange(peer, began), familiar.class(), began))
    }

    /// Answers a request that has to wait.
    ///
    /// What the origin says before its answer goes through `interim`, if the client can hear it.
    pub async fn go_on(&self, open: Open, interim: Option<Interim>) -> Reply {
        let Open { mut exchange, next } = open;
        exchange.interim = interim;
        let began = exchange.began;
        let (incident, problem) = match caught(self.proceed(&mut exchange, *next, began).as_mut()).await {
            Ok(Ok(reply)) => return reply,
            Ok(Err(problem)) => (Incident::Problem(problem.name()), problem),
            Err(Panicked) => (Incident::Panic, Problem::Internal),
        };
        self.shared.sink.happened(incident);
        self.failed(problem, &exchange).into()
    }

    /// Answers a message that broke a rule of the wire.
    pub fn refuse(&self, violation: Violation, peer: Peer) -> Response<Body> {
        self.shared.sink.refused(violation);
        self.explained(Problem::Refused(violation), None, None, peer, self.shared.clock.now())
    }

    /// The answer to a connection that there is no room for, as it is written.
    pub fn turn_away(&self) -> Vec<u8> {
        self.shared.sink.happened(Incident::TurnedAway);
        Problem::Busy.into_last_words()
    }

    /// Takes note that a client connected, or that its connection ended.
    pub fn note_connection(&self, is_open: bool) {
        self.shared.sink.connection(is_open);
    }

    /// Takes note that a connection was ended because its client was slower than this limit allows.
    pub fn gave_up(&self, limit: &'static str) {
        self.shared.sink.happened(Incident::ClientTooSlow(limit));
    }

    /// Begins something now. A panic in it is an answer too.
    fn caught(&self, peer: Peer, act: impl FnOnce(Now) -> Begun) -> Begun {
        let began = self.shared.clock.now();
        caught_now(|| act(began)).unwrap_or_else(|Panicked| {
            self.shared.sink.happened(Incident::Panic);
            Begun::Answered(self.explained(Problem::Internal, None, None, peer, began).into())
        })
    }

    /// The request of a head, or the answer to one that has no target.
    fn exchange(&self, head: Parts, peer: Peer, began: Now) -> Result<Exchange, Reply> {
        let Shared { settings, routes, sink, .. } = &*self.shared;
        Exchange::of_head(head, peer, began, settings, routes).map_err(|(problem, parts)| {
            sink.happened(Incident::Problem(problem.name()));
            self.explained(problem, Some(untargeted(&parts)), None, peer, began).into()
        })
    }

    /// Answers a request without content, or says what it has to wait for.
    fn start(&self, exchange: Exchange, class: &Class, began: Now) -> Begun {
        match self.decide(&exchange, class, began) {
            Ok(Decided::Answer(reply)) => Begun::Answered(reply),
            Ok(Decided::Next(next)) => Begun::Open(Open { exchange: Box::new(exchange), next }),
            Err(problem) => {
                self.shared.sink.happened(Incident::Problem(problem.name()));
                Begun::Answered(self.failed(problem, &exchange).into())
            }
        }
    }

    /// Answers a request whose content is as far here as it needs to be, or says what it has to wait for.
    fn decide(&self, exchange: &Exchange, class: &Class, now: Now) -> Result<Decided, Problem> {
        match class {
            Class::Bypass(bypass) => Ok(Decided::Next(Box::new(Next::Forward(*bypass)))),
            Class::Sought(sought) => Ok(match self.look_up(exchange, sought, &Turns::default(), now)? {
                Found::Answer(reply) => Decided::Answer(reply),
                Found::Way(way) => Decided::Next(Box::new(Next::Seek(Arc::clone(sought), way))),
            }),
            Class::OnlyIfCached => Err(Problem::OnlyIfCached),
        }
    }

    /// Goes on with a request about which this was decided now, each kind in a place of its own.
    fn proceed<'a>(&'a self, exchange: &'a mut Exchange, next: Next, now: Now) -> Answering<'a> {
        match next {
            Next::Forward(bypass) => self.forward(exchange, bypass, now),
            Next::Seek(sought, way) => Box::pin(self.seek(exchange, sought, way)),
            Next::Read(content) => Box::pin(self.read(exchange, content)),
        }
    }

    async fn read(&self, exchange: &mut Exchange, content: Incoming) -> Result<Reply, Problem> {
        exchange.read_content(content, &self.shared.settings).await?;
        let now = self.shared.clock.now();
        match self.decide(exchange, &self.class(exchange), now)? {
            Decided::Answer(reply) => Ok(reply),
            Decided::Next(next) => self.proceed(exchange, *next, now).await,
        }
    }
}
