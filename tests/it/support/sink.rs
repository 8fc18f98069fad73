//! A sink that remembers what went wrong, and logs like the program's own.

use std::sync::Mutex;

use plimsoll::observe::{Decision, Finding, Incident, LogSink, Sink};

/// Remembers incidents.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    incidents: Mutex<Vec<(&'static str, String)>>,
}

impl Recorder {
    /// Each incident, as (name, detail).
    pub(crate) fn incidents(&self) -> Vec<(&'static str, String)> {
        self.incidents.lock().expect("no panic").clone()
    }
}

impl Sink for Recorder {
    fn decided(&self, decision: &Decision<'_>) {
        LogSink.decided(decision);
    }

    fn found(&self, route: &str, finding: Finding, first: bool) {
        LogSink.found(route, finding, first);
    }

    fn happened(&self, incident: Incident<'_>) {
        self.incidents.lock().expect("no panic").push((incident.name(), incident.detail().to_owned()));
    }
}
