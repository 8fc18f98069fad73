//! The proxy, from a config's text, on ports that the system chooses.

use std::{fmt::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use plimsoll::{
    cli::serve::{Started, start},
    config::Config,
    observe::{ManualClock, Role},
    server::Listen,
};

use super::{Ask, get, sink::Recorder};

/// A proxy in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Builder {
    server: String,
    origin: String,
    cache: String,
    identity: String,
    routes: String,
    admin: bool,
}

/// A proxy with no routes yet.
pub(crate) fn proxy() -> Builder {
    Builder::default()
}

impl Builder {
    /// Adds a route: the lines of its table, but for `[[route]]`.
    pub(crate) fn route(mut self, lines: &str) -> Self {
        write!(self.routes, "[[route]]\n{lines}\n").expect("to write a string");
        self
    }

    /// Adds lines to `[server]`.
    pub(crate) fn server(mut self, lines: &str) -> Self {
        writeln!(self.server, "{lines}").expect("to write a string");
        self
    }

    /// Adds lines to `[origin]`.
    pub(crate) fn origin(mut self, lines: &str) -> Self {
        writeln!(self.origin, "{lines}").expect("to write a string");
        self
    }

    /// Adds lines to `[cache]`.
    pub(crate) fn cache(mut self, lines: &str) -> Self {
        writeln!(self.cache, "{lines}").expect("to write a string");
        self
    }

    /// Adds lines to `[identity]`.
    pub(crate) fn identity(mut self, lines: &str) -> Self {
        writeln!(self.identity, "{lines}").expect("to write a string");
        self
    }

    /// Switches the admin place on.
    pub(crate) fn admin(mut self) -> Self {
        self.admin = true;
        self
    }

    /// Starts the proxy in front of this origin, by this clock.
    pub(crate) async fn start(self, origin: SocketAddr, clock: &Arc<ManualClock>) -> Proxy {
        let Self { server, origin: more, cache, identity, routes, admin } = self;
        let admin = if admin { "[admin]\nlisten = \"127.0.0.1:0\"\n" } else { "" };
        let workers = if server.contains("workers") { "" } else { "workers = 2\n" };
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n{workers}{server}{admin}[origin]\nurl = \"http://{origin}\"\n{more}\
             [cache]\n{cache}[identity]\n{identity}{routes}"
        );
        start_text("test.toml", &text, clock).await
    }
}

/// Starts the proxy that `config/plimsoll.toml` describes, but for where it listens, which origin it fronts, and the
/// admin place.
pub(crate) async fn shipped(origin: SocketAddr, clock: &Arc<ManualClock>) -> Proxy {
    let mut text = include_str!("../../../config/plimsoll.toml").to_owned();
    for (line, instead) in [
        ("listen = \"127.0.0.1:8080\"", "listen = \"127.0.0.1:0\"".to_owned()),
        ("url = \"http://127.0.0.1:3000\"", format!("url = \"http://{origin}\"")),
        ("[admin]\nlisten = \"127.0.0.1:9090\"\n", String::new()),
    ] {
        assert_eq!(text.matches(line).count(), 1, "config/plimsoll.toml says once: {line}");
        text = text.replace(line, &instead);
    }
    start_text("config/plimsoll.toml", &text, clock).await
}

/// Starts the proxy that this config describes; it listens on a port of its own.
pub(crate) async fn start_text(file: &str, text: &str, clock: &Arc<ManualClock>) -> Proxy {
    let config = Config::parse(file, text).unwrap_or_else(|errors| panic!("{errors}")).config;
    let recorder = Arc::<Recorder>::default();
    let started = start(config, Arc::clone(clock) as _, Arc::clone(&recorder) as _).await.expect("to start");
    let Listen::Tcp(address) = started.server.addresses()[0] else { panic!("not a TCP address") };
    Proxy { address, clock: Arc::clone(clock), started, recorder }
}

/// A running proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    clock: Arc<ManualClock>,
    started: Started,
    recorder: Arc<Recorder>,
}

impl Proxy {
    /// A GET of this target.
    pub(crate) fn get(&self, target: &str) -> Ask {
        get(self.address, target)
    }

    /// A GET of this target from the admin place.
    pub(crate) fn admin(&self, target: &str) -> Ask {
        let address = self.admin_address();
        get(address, target).field("host", &address.to_string())
    }

    /// Where the admin place is.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.started.admin.expect("an admin place")
    }

    /// The rules of the wire that were broken, in their order.
    pub(crate) fn refused(&self) -> Vec<&'static str> {
        self.recorder.refusals.borrow().iter().map(|violation| violation.name()).collect()
    }

    /// Turns the clock.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Waits until this many requests have begun to wait for the fetch of another.
    pub(crate) async fn followers(&self, n: usize) {
        let are_there = |parts: &Vec<Role>| parts.iter().filter(|role| **role == Role::Follower).count() >= n;
        super::within(self.recorder.parts.subscribe().wait_for(are_there)).await.expect("the proxy lives");
    }

    /// How many requests took this part in a fetch.
    pub(crate) fn count_of(&self, role: Role) -> usize {
        self.recorder.parts.borrow().iter().filter(|known| **known == role).count()
    }

    /// Bytes that the store counts as resident.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.started.shared.store().resident_bytes()
    }

    /// What went wrong so far, as (name, detail).
    pub(crate) fn incidents(&self) -> Vec<(&'static str, String)> {
        self.recorder.incidents()
    }
}
