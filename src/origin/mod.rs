//! The sample origin: a real HTTP API with one endpoint for each kind of statefulness, so that every level can be seen,
//! tested and load-tested. It imports nothing else of the crate.
//!
//! It sends no caching fields, as most real APIs do not, unless [`Options::honest`] is set; only where a system is about
//! such a field (`bank`, `jazz`, `registration`) does it always send that one. Every response carries `X-Origin-Requests`:
//! how many requests this instance has answered, this one included.
//!
//! The map. Each system has a file:
//!
//! | level | file |
//! |---|---|
//! | 1 | `warehouse` (closed years), `text` (a language in the URL), `jazz` (a search in a closed register) |
//! | 2 | `picture`, `product`, `weather`, `load` (the load target), and the lowered forms in `cart` and `preferences` |
//! | 2 | `bank` with its `ledger`, and `registration`, whose state the client carries |
//! | 3 | `access`, `publicity`, `cart`, `preferences`, and the `stateless` shop with its Bearer tokens |
//! | 4 | `session_preferences`, the `stateful` shop and `form_login`, with the `sessions` behind them |
//! | 5 | `random` |
//!
//! They read with `request`, answer with `answer` and `markup`, and share `accounts`, `language` and `login`. `signing` is
//! what is signed or cannot be guessed. `world` is all that an instance remembers, `clock` its time, `monitor` what reached
//! it. `honest` turns what answers say about themselves into caching fields. `listen` brings connections in, and `wire`
//! breaks them when the load target is told to. `home` is the page of links.

mod access;
mod accounts;
mod answer;
mod bank;
mod cart;
mod clock;
mod form_login;
mod home;
mod honest;
mod jazz;
mod language;
mod ledger;
mod listen;
mod load;
mod login;
mod markup;
mod monitor;
mod picture;
mod preferences;
mod product;
mod publicity;
mod random;
mod registration;
mod request;
mod session_preferences;
mod sessions;
mod signing;
mod stateful;
mod stateless;
mod text;
mod warehouse;
mod weather;
mod wire;
mod world;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::DATE;
use http::{HeaderName, HeaderValue, Request};
use tower_service::Service;

pub use self::clock::{Clock, Hand};
pub use self::listen::{bind_instances, serve};
pub use self::monitor::Recorded;

use self::answer::{Refusal, Stated};
use self::monitor::Monitor;
use self::world::World;

/// The field that counts: how many requests the instance has answered, the one that carries it included.
pub const REQUESTS: HeaderName = HeaderName::from_static("x-origin-requests");

/// How an instance behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether responses carry correct Cache-Control, Vary, `ETag` and Last-Modified, and conditional requests get
    /// conditional answers. Off, no response carries any caching field but those that its system is about.
    pub honest: bool,
    /// The time that products, pictures, tokens, sessions, books and the Date field go by.
    pub clock: Clock,
    /// Makes all that varies the same in every run. Without it `/random` and the load target's jitter differ each time;
    /// products and pictures are the same in every instance either way, so that instances agree.
    pub seed: Option<u64>,
    /// How often price and stock of a product that nobody has set change. Less than a second is never.
    pub drift: Duration,
    /// How often the picture is redrawn. Less than a second is never.
    pub redraw: Duration,
    /// How many of the latest requests [`Origin::recorded`] remembers.
    pub record: usize,
    /// The key that signs Bearer tokens and the state that clients carry. Instances that share it accept each other's. The
    /// default is no secret, no more than the passwords on the home page are; HS256 wants 32 bytes.
    pub token_key: Vec<u8>,
}

impl Default for Options {
    /// Silent about caching, by the system's clock: products drift every 30 seconds, the picture is redrawn every minute,
    /// and nothing is recorded.
    fn default() -> Self {
        Self {
            honest: false,
            clock: Clock::system(),
            seed: None,
            drift: Duration::from_secs(30),
            redraw: Duration::from_mins(1),
            record: 0,
            token_key: b"the sample origin guards nothing".to_vec(),
        }
    }
}

/// One instance of the origin. Clones are the same instance.
#[derive(Clone)]
pub struct Origin {
    world: Arc<World>,
    monitor: Arc<Monitor>,
    router: Router,
}

impl Origin {
    /// A new instance, with state of its own.
    pub fn new(options: &Options) -> Self {
        let world = Arc::new(World::new(options));
        let monitor = Arc::new(Monitor::new(options.record));
        Self { router: router(Arc::clone(&world)), world, monitor }
    }

    /// Answers one request in process. What [`Origin::serve`] answers over a socket is the same, but that the load target's
    /// faults need a connection.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.monitor.note(&request);
        let asked = self.world.honest.then(|| honest::Asked::of(&request));
        let Ok(mut response) = self.router.clone().call(request).await;
        let stated = response.extensions_mut().remove::<Stated>();
        let now = self.world.now();
        if let Some(asked) = asked {
            response = honest::complete(&asked, stated, now, response);
        }
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(now)) {
            response.headers_mut().insert(DATE, date);
        }
        response.headers_mut().insert(REQUESTS, HeaderValue::from(self.monitor.answer()));
        response
    }

    /// How many requests have been answered: the number that the latest answer carried.
    pub fn answered(&self) -> u64 {
        self.monitor.answered()
    }

    /// How many requests have arrived, those included that are still waiting or that a fault cut off.
    pub fn arrived(&self) -> u64 {
        self.monitor.arrived()
    }

    /// The latest requests, oldest first: at most [`Options::record`].
    pub fn recorded(&self) -> Vec<Recorded> {
        self.monitor.recorded()
    }

    /// Forgets the recorded requests. The counts go on.
    pub fn forget_recorded(&self) {
        self.monitor.forget();
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin")
            .field("honest", &self.world.honest)
            .field("monitor", &self.monitor)
            .finish_non_exhaustive()
    }
}

/// Every system's routes. What none of them answers is answered here, as JSON.
fn router(world: Arc<World>) -> Router {
    Router::new()
        .merge(home::routes())
        .merge(warehouse::routes())
        .merge(product::routes())
        .merge(picture::routes())
        .merge(load::routes())
        .merge(access::routes())
        .merge(publicity::routes())
        .merge(cart::routes())
        .merge(preferences::routes())
        .merge(session_preferences::routes())
        .merge(random::routes())
        .merge(stateless::routes())
        .merge(stateful::routes())
        .merge(form_login::routes())
        .merge(registration::routes())
        .merge(weather::routes())
        .merge(jazz::routes())
        .merge(bank::routes())
        .fallback(async || Refusal::no_such_resource())
        .method_not_allowed_fallback(async || Refusal::method_not_answered())
        .with_state(world)
}
