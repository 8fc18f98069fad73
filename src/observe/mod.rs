//! What happened, as types: clocks, decisions, findings. Sinks (log, metrics, events) plug in from above.

mod clock;
mod decision;
mod findings;
mod incident;
mod log;
mod word;

use std::time::Duration;

use http::StatusCode;

pub use clock::{Clock, ManualClock, SystemClock};
pub use decision::{Account, Decision, End, Fields, Outcome, Request, Unfinished};
pub use findings::{Finding, Findings};
pub use incident::Incident;
pub use log::LogSink;
pub use word::Word;

use crate::{route::Route, wire::Violation};

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

impl Role {
    /// All of them, in the order of [`place`](Self::place).
    pub const ALL: [Self; 3] = [Self::Leader, Self::Retry, Self::Follower];

    /// Its place in [`ALL`](Self::ALL).
    pub const fn place(self) -> usize {
        self as usize
    }

    /// Its name, for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Retry => "retry",
            Self::Follower => "follower",
        }
    }
}

/// Where decisions go. All of it is called on the way of requests: it must neither block nor wait.
pub trait Sink: Send + Sync {
    /// A request was decided. What is returned is finished when its answer is over.
    fn decided(&self, decision: &Decision<'_>) -> Option<Box<dyn Unfinished>>;
    /// The answer to a request is over.
    fn ended(&self, end: &End);
    /// A request took part in a fetch.
    fn took_part(&self, route: &Route, role: Role);
    /// An answer contradicted what the operator declared; `first` is whether it is news for this route.
    fn found(&self, route: &Route, finding: Finding, first: bool);
    /// Something went wrong on the way. To be counted.
    fn happened(&self, incident: Incident<'_>);
    /// A message was refused because it broke a rule of the wire.
    fn refused(&self, violation: Violation);
    /// The origin was asked, and the head of its answer, or its failure by name, came after this long.
    fn origin_asked(&self, elapsed: Duration, answer: Result<StatusCode, &'static str>);
    /// A client connected (`true`), or its connection ended.
    fn connection(&self, is_open: bool);
    /// Something was purged. `kind` is url, tag, route, prefix, host or all; `soft` is whether it went stale instead of away.
    fn purged(&self, kind: &'static str, soft: bool);
}
