//! A sink that remembers what went wrong, and logs like the program's own. It is also the place for a fault in the house:
//! it panics about the path `/panics`, and about what is found on the route `panics`.

use std::{sync::Mutex, time::Duration};

use http::StatusCode;
use plimsoll::{
    observe::{Decision, End, Finding, Incident, LogSink, Outcome, Role, Sink, Unfinished},
    route::Route,
    wire::Violation,
};
use tokio::sync::watch;

/// Remembers incidents, parts in fetches, and refusals.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// What part requests took in fetches.
    pub(crate) parts: watch::Sender<Vec<Role>>,
    /// The rules of the wire that clients broke.
    pub(crate) refusals: watch::Sender<Vec<Violation>>,
    incidents: Mutex<Vec<(&'static str, String)>>,
    purged: Mutex<Vec<(&'static str, bool)>>,
}

impl Recorder {
    /// Each incident, as (name, detail).
    pub(crate) fn incidents(&self) -> Vec<(&'static str, String)> {
        self.incidents.lock().expect("no panic").clone()
    }

    /// What was purged, as (kind, whether softly).
    pub(crate) fn purged(&self) -> Vec<(&'static str, bool)> {
        self.purged.lock().expect("no panic").clone()
    }
}

impl Sink for Recorder {
    fn decided(&self, decision: &Decision<'_>) -> Option<Box<dyn Unfinished>> {
        let path = decision.request.map(|request| request.path);
        let is_answer = matches!(decision.outcome, Outcome::Handled(_));
        assert!(!is_answer || path != Some("/panics"), "as the test wants it");
        LogSink.decided(decision)
    }

    fn ended(&self, end: &End) {
        LogSink.ended(end);
    }

    fn found(&self, route: &Route, finding: Finding, first: bool) {
        assert_ne!(route.name, "panics", "as the test wants it");
        LogSink.found(route, finding, first);
    }

    fn took_part(&self, route: &Route, role: Role) {
        LogSink.took_part(route, role);
        self.parts.send_modify(|parts| parts.push(role));
    }

    fn refused(&self, violation: Violation) {
        LogSink.refused(violation);
        self.refusals.send_modify(|refusals| refusals.push(violation));
    }

    fn happened(&self, incident: Incident<'_>) {
        self.incidents.lock().expect("no panic").push((incident.name(), incident.detail().to_owned()));
    }

    fn origin_asked(&self, elapsed: Duration, answer: Result<StatusCode, &'static str>) {
        LogSink.origin_asked(elapsed, answer);
    }

    fn connection(&self, is_open: bool) {
        LogSink.connection(is_open);
    }

    fn purged(&self, kind: &'static str, soft: bool) {
        LogSink.purged(kind, soft);
        self.purged.lock().expect("no panic").push((kind, soft));
    }
}
