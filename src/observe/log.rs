//! The application log as a sink: findings as warnings the first time, everything else for debugging.

use std::time::Duration;

use http::StatusCode;

use super::{Decision, End, Finding, Incident, Outcome, Role, Sink, Unfinished};
use crate::{level::Level, route::Route, wire::Violation};

/// Writes to the application log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink;

impl Sink for LogSink {
    fn decided(&self, decision: &Decision<'_>) -> Option<Box<dyn Unfinished>> {
        let request = decision.request.as_ref();
        if let Outcome::Problem(problem) = decision.outcome {
            tracing::debug!(
                method = request.map(|request| request.method.as_str()),
                path = request.map(|request| request.path),
                route = decision.route.map(|route| route.name.as_str()),
                status = decision.status.as_u16(),
                problem,
                "answered with a problem"
            );
            return None;
        }
        tracing::debug!(
            method = request.map(|request| request.method.as_str()),
            path = request.map(|request| request.path),
            route = decision.route.map(|route| route.name.as_str()),
            level = decision.level.map(Level::number),
            outcome = decision.outcome.word().name(),
            detail = decision.detail(),
            status = decision.status.as_u16(),
            "decided"
        );
        None
    }

    fn ended(&self, end: &End) {
        tracing::trace!(bytes = end.bytes, elapsed = ?end.elapsed, is_whole = end.is_whole, "ended");
    }

    fn took_part(&self, route: &Route, role: Role) {
        tracing::trace!(route = route.name, ?role, "took part in a fetch");
    }

    fn found(&self, route: &Route, finding: Finding, first: bool) {
        let (route, reason) = (route.name.as_str(), finding.reason().name());
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

    fn origin_asked(&self, elapsed: Duration, answer: Result<StatusCode, &'static str>) {
        tracing::trace!(?elapsed, ?answer, "asked the origin");
    }

    fn purged(&self, kind: &'static str, soft: bool) {
        tracing::trace!(kind, soft, "purged");
    }

    fn connection(&self, is_open: bool) {
        tracing::trace!(is_open, "a client's connection");
    }
}
