//! What sinks make of what happens: metrics, the access log, and events for who follows them live.

mod access;
mod events;
mod metrics;
mod shown;

use std::{sync::Arc, time::Duration};

use http::StatusCode;

pub use access::{AccessLog, Format, Rotation, Target};
pub use events::{Event, Events, Filter, FilterError, Names, Subscription, Told, TooMany};
pub use metrics::{CONTENT_TYPE as METRICS_CONTENT_TYPE, Gauges, Metrics, StoreGauges};
pub use shown::timestamp;

use crate::{
    observe::{Decision, End, Finding, Incident, Role, Sink, Unfinished},
    route::Route,
    wire::Violation,
};

/// Every sink of a running proxy as one.
pub struct Telemetry {
    /// The application log.
    log: Arc<dyn Sink>,
    metrics: Arc<Metrics>,
    events: Arc<Events>,
    access: Option<AccessLog>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Telemetry").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Tells `log` everything, counts it, and writes a line for each request where there is an access log.
    pub const fn new(
        log: Arc<dyn Sink>,
        metrics: Arc<Metrics>,
        events: Arc<Events>,
        access: Option<AccessLog>,
    ) -> Self {
        Self { log, metrics, events, access }
    }

    /// The counters.
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The live events.
    pub const fn events(&self) -> &Arc<Events> {
        &self.events
    }

    /// How many lines of the access log found no room.
    pub fn lost_lines(&self) -> u64 {
        self.access.as_ref().map_or(0, AccessLog::lost_lines)
    }
}

impl Sink for Telemetry {
    fn decided(&self, decision: &Decision<'_>) -> Option<Box<dyn Unfinished>> {
        self.log.decided(decision);
        self.metrics.decided(decision);
        self.events.decided(decision);
        self.access.as_ref().map(|access| access.begin(decision))
    }

    fn ended(&self, end: &End) {
        self.log.ended(end);
        self.metrics.ended(end);
    }

    fn took_part(&self, route: &Route, role: Role) {
        self.log.took_part(route, role);
        self.metrics.took_part(route, role);
    }

    fn found(&self, route: &Route, finding: Finding, first: bool) {
        self.log.found(route, finding, first);
    }

    fn happened(&self, incident: Incident<'_>) {
        self.log.happened(incident);
        self.metrics.happened(incident);
    }

    fn refused(&self, violation: Violation) {
        self.log.refused(violation);
        self.metrics.refused(violation);
    }

    fn origin_asked(&self, elapsed: Duration, answer: Result<StatusCode, &'static str>) {
        self.log.origin_asked(elapsed, answer);
        self.metrics.origin_asked(elapsed, answer);
    }

    fn purged(&self, kind: &'static str, soft: bool) {
        self.log.purged(kind, soft);
        self.metrics.purged(kind, soft);
    }

    fn connection(&self, is_open: bool) {
        self.log.connection(is_open);
        self.metrics.connection(is_open);
    }
}
