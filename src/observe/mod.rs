//! What happened, as types: clocks, decisions, findings. Sinks (log, metrics, events) plug in from above.

mod clock;
mod findings;
mod incident;

use http::{Method, StatusCode};

pub use clock::{Clock, ManualClock, SystemClock};
pub use findings::{Finding, Findings};
pub use incident::Incident;

use crate::{decision::Reason, level::Level, semantics::cache_status::Handling, wire::Violation};

/// One request, decided: what Cache-Status, the log and every later sink show.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's path, canonical, without its query.
    pub path: &'a str,
    /// The route's name.
    pub route: &'a str,
    /// The effective level, where there is evidence for one.
    pub level: Option<Level>,
    /// Answered from the store, or forwarded.
    pub handling: Handling,
    /// The evidence or refusal behind it.
    pub reason: Option<Reason>,
    /// The status that the client gets.
    pub status: StatusCode,
}

/// A request's part in a fetch that others may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It makes the fetch.
    Leader,
    /// It makes the fetch after one that it waited for has brought nothing.
    Retry,
    /// It waits for the fetch of another.
    Follower,
}

/// Where decisions go.
pub trait Sink: Send + Sync {
    /// A request was decided. Called on the request's way: it must neither block nor wait.
    fn decided(&self, decision: &Decision<'_>);
    /// A request took part in a fetch. Called on the request's way.
    fn took_part(&self, route: &str, role: Role);
    /// An answer contradicted what the operator declared; `first` is whether it is news for this route.
    fn found(&self, route: &str, finding: Finding, first: bool);
    /// Something went wrong on the way. To be counted.
    fn happened(&self, incident: Incident<'_>);
    /// A message was refused because it broke a rule of the wire.
    fn refused(&self, violation: Violation);
    /// Something was purged. `kind` is url, tag, route, prefix, host or all; `soft` is whether it went stale instead of away.
    fn purged(&self, kind: &'static str, soft: bool);
}

/// A sink that writes to the application log: findings as warnings the first time, everything else for debugging.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink;

impl Sink for LogSink {
    fn decided(&self, decision: &Decision<'_>) {
        tracing::debug!(
            method = %decision.method,
            path = decision.path,
            route = decision.route,
            level = decision.level.map(Level::number),
            handling = ?decision.handling,
            reason = decision.reason.map(Reason::name),
            status = decision.status.as_u16(),
            "decided"
        );
    }

    fn took_part(&self, route: &str, role: Role) {
        tracing::trace!(route, ?role, "took part in a fetch");
    }

    fn found(&self, route: &str, finding: Finding, first: bool) {
        let reason = finding.reason().name();
        if first {
            tracing::warn!(route, reason, "{}", finding.advice());
        } else {
            tracing::debug!(route, reason, "{}", finding.advice());
        }
    }

    fn happened(&self, incident: Incident<'_>) {
        tracing::debug!(incident = incident.name(), detail = incident.detail(), "happened");
    }

    fn refused(&self, violation: Violation) {
        tracing::info!(rule = violation.name(), section = violation.rule().section, "refused a message");
    }

    fn purged(&self, kind: &'static str, soft: bool) {
        tracing::info!(kind, soft, "purged");
    }
}
