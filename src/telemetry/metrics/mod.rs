//! Metrics: how often and how long, by a bounded number of labels. Names of routes, words, reasons and rules are all known
//! before the first request, and no label is ever made of what a client sends.

mod expose;
mod histogram;
mod shard;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use http::{Method, StatusCode};

pub use expose::{CONTENT_TYPE, Gauges, StoreGauges};

use crate::{
    observe::{Decision, End, Incident, Role},
    route::{Route, RouteTable},
    wire::Violation,
};
use shard::{Shard, class, one_more, this_thread};

/// The most shards: beyond, threads share them.
const MOST_SHARDS: usize = 64;

/// All counters.
#[derive(Debug)]
pub struct Metrics {
    /// The routes' names, by their number.
    routes: Vec<String>,
    shards: Box<[Shard]>,
    connections: Connections,
    rare: Mutex<Rare>,
}

/// Connections of clients so far.
#[derive(Debug, Default)]
struct Connections {
    opened: AtomicU64,
    closed: AtomicU64,
}

/// What happens rarely, by names that the program knows.
#[derive(Debug, Default)]
struct Rare {
    incidents: BTreeMap<(&'static str, String), u64>,
    refused: BTreeMap<&'static str, u64>,
    origin_errors: BTreeMap<&'static str, u64>,
    purges: BTreeMap<(&'static str, &'static str), u64>,
}

impl Metrics {
    /// Counters at zero, for these routes and this many threads that serve.
    pub fn new(routes: &RouteTable, workers: usize) -> Self {
        let names: Vec<String> =
            routes.iter().chain([routes.default_route()]).map(|route| route.name.clone()).collect();
        let shards = (workers + 1).clamp(1, MOST_SHARDS);
        let shards = (0..shards).map(|_| Shard::new(names.len())).collect();
        Self { routes: names, shards, connections: Connections::default(), rare: Mutex::default() }
    }

    fn shard(&self) -> &Shard {
        &self.shards[this_thread() % self.shards.len()]
    }

    fn rarely(&self, count: impl FnOnce(&mut Rare)) {
        count(&mut self.rare.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn decided(&self, decision: &Decision<'_>) {
        self.shard().decided(decision);
    }

    pub(super) fn ended(&self, end: &End) {
        self.shard().ended(end);
    }

    pub(super) fn took_part(&self, route: &Route, role: Role) {
        if let Some(counters) = self.shard().of_route(Some(route.number)) {
            one_more(&counters.roles[role.place()]);
        }
    }

    pub(super) fn happened(&self, incident: Incident<'_>) {
        let detail = match incident {
            Incident::SentAgain(method) => known_method(method),
            _ => incident.detail(),
        };
        self.rarely(|rare| {
            *rare.incidents.entry((incident.name(), detail.to_owned())).or_default() += 1;
        });
    }

    pub(super) fn refused(&self, violation: Violation) {
        self.rarely(|rare| *rare.refused.entry(violation.name()).or_default() += 1);
    }

    pub(super) fn origin_asked(&self, elapsed: Duration, answer: Result<StatusCode, &'static str>) {
        match answer {
            Ok(status) => {
                let shard = self.shard();
                shard.origin.observe(elapsed);
                one_more(&shard.origin_answers[class(status)]);
            }
            Err(kind) => self.rarely(|rare| *rare.origin_errors.entry(kind).or_default() += 1),
        }
    }

    pub(super) fn connection(&self, is_open: bool) {
        one_more(if is_open { &self.connections.opened } else { &self.connections.closed });
    }

    pub(super) fn purged(&self, kind: &'static str, soft: bool) {
        let mode = if soft { "soft" } else { "hard" };
        self.rarely(|rare| *rare.purges.entry((kind, mode)).or_default() += 1);
    }
}

/// A client may call a method what it likes: a label has the names that everybody knows.
fn known_method(method: &Method) -> &str {
    const KNOWN: [Method; 9] = [
        Method::CONNECT,
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::POST,
        Method::PUT,
        Method::QUERY,
    ];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}
