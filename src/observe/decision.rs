//! One request, decided: what Cache-Status, the log, metrics and events show.

use std::{net::IpAddr, time::Duration};

use http::{
    HeaderMap, HeaderValue, Method, StatusCode, Version,
    header::{REFERER, USER_AGENT},
};

use super::Word;
use crate::{
    decision::Reason,
    level::Level,
    route::Route,
    semantics::{Now, cache_status::Handling},
};

/// One request, decided.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The request; `None` where it could not be read.
    pub request: Option<Request<'a>>,
    /// The address at the other end of the connection; none for a unix socket.
    pub client: Option<IpAddr>,
    /// The route; `None` where the request did not come that far.
    pub route: Option<&'a Route>,
    /// The effective level, where there is evidence for one.
    pub level: Option<Level>,
    /// What became of it.
    pub outcome: Outcome,
    /// The evidence or refusal behind it.
    pub reason: Option<Reason>,
    /// The status that the client gets.
    pub status: StatusCode,
    /// When the request began to be answered.
    pub began: Now,
}

/// A request, as far as sinks may look at it. They show no more of its query and its fields than what the operator
/// declared and what is never personal.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its version of HTTP.
    pub version: Version,
    /// The authority of its target; empty where it could not be told.
    pub authority: &'a str,
    /// Its path: canonical, or as it came where that could not be told.
    pub path: &'a str,
    /// Its query, as it came.
    pub query: Option<&'a str>,
    /// Those of its fields that may be shown.
    pub fields: Fields<'a>,
}

/// The fields of a request that a log may show. The others are not of its concern.
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a HeaderMap);

impl std::fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fields").finish_non_exhaustive()
    }
}

impl<'a> Fields<'a> {
    /// Those among these.
    pub const fn among(fields: &'a HeaderMap) -> Self {
        Self(fields)
    }

    /// User-Agent.
    pub fn user_agent(self) -> Option<&'a HeaderValue> {
        self.0.get(USER_AGENT)
    }

    /// Referer.
    pub fn referer(self) -> Option<&'a HeaderValue> {
        self.0.get(REFERER)
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The store or the origin answered.
    Handled(Handling),
    /// The proxy itself did, with the problem of this name.
    Problem(&'static str),
}

impl Outcome {
    /// It in one word.
    pub const fn word(self) -> Word {
        match self {
            Self::Handled(Handling::Hit { .. }) => Word::Hit,
            Self::Handled(Handling::Forwarded { why, .. }) => Word::Forwarded(why),
            Self::Problem(_) => Word::Problem,
        }
    }
}

impl Decision<'_> {
    /// The name of what is behind it: evidence, refusal, or problem.
    pub fn detail(&self) -> Option<&'static str> {
        match self.outcome {
            Outcome::Problem(name) => Some(name),
            Outcome::Handled(_) => self.reason.map(Reason::name),
        }
    }

    /// Seconds of freshness left, of a hit that expires; negative when stale.
    pub const fn ttl(&self) -> Option<i64> {
        match self.outcome {
            Outcome::Handled(Handling::Hit { ttl }) => ttl,
            Outcome::Handled(Handling::Forwarded { .. }) | Outcome::Problem(_) => None,
        }
    }

    /// Whether the answer is stored.
    pub const fn is_stored(&self) -> bool {
        matches!(self.outcome, Outcome::Handled(Handling::Forwarded { stored: true, .. }))
    }

    /// Whether it shared the fetch of another; `Some(false)` where that was refused.
    pub const fn collapsed(&self) -> Option<bool> {
        match self.outcome {
            Outcome::Handled(Handling::Forwarded { collapsed, .. }) => collapsed,
            Outcome::Handled(Handling::Hit { .. }) | Outcome::Problem(_) => None,
        }
    }
}

/// What is told when an answer is over.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// What became of the request, in one word.
    pub word: Word,
    /// The number of the route, if it came that far.
    pub route: Option<usize>,
    /// Whether it shared the fetch of another.
    pub is_collapsed: bool,
    /// Bytes of content that the connection took.
    pub bytes: u64,
    /// How long it took, from when the request began to be answered.
    pub elapsed: Duration,
    /// Whether that was all of the answer.
    pub is_whole: bool,
}

/// What a sink has begun to write about a request and finishes when the answer is over.
pub trait Unfinished: Send + Sync {
    /// Finishes it.
    fn finish(self: Box<Self>, end: &End);
}

/// A request that is answered, until the answer is over.
pub struct Account {
    word: Word,
    route: Option<usize>,
    is_collapsed: bool,
    began: Duration,
    unfinished: Option<Box<dyn Unfinished>>,
}

impl Account {
    /// Of this decision.
    pub fn of(decision: &Decision<'_>, unfinished: Option<Box<dyn Unfinished>>) -> Self {
        Self {
            word: decision.outcome.word(),
            route: decision.route.map(|route| route.number),
            is_collapsed: decision.collapsed() == Some(true),
            began: decision.began.mono,
            unfinished,
        }
    }

    /// Ends it at this time of the monotonic clock, after this many bytes of content.
    pub fn end(self, now: Duration, bytes: u64, is_whole: bool) -> End {
        let Self { word, route, is_collapsed, began, unfinished } = self;
        let end = End { word, route, is_collapsed, bytes, elapsed: now.saturating_sub(began), is_whole };
        if let Some(unfinished) = unfinished {
            unfinished.finish(&end);
        }
        end
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("word", &self.word)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}
