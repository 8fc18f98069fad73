//! What goes wrong on the way, and is counted: each kind has a name for the log and for metrics.

use http::Method;

/// Something that went wrong on the way to the origin or the client, or in the proxy itself. Each limit that the operator
/// sets shows here when it is met, by this name or by that of the problem.
#[derive(Clone, Copy, Debug)]
pub enum Incident<'a> {
    /// A request was sent a second time (RFC 9110 section 9.2.2).
    SentAgain(&'a Method),
    /// The origin said what it must not say; the name of the rule.
    OriginFault(&'static str),
    /// A request was refused because too many wait for the origin, for this reason.
    Overload(&'static str),
    /// The content of an answer broke off, or stood still for too long.
    CutShort,
    /// A client's connection was ended because it took longer than this limit allows: `idle` or `write`.
    ClientTooSlow(&'static str),
    /// A connection was turned away: there are too many.
    TurnedAway,
    /// A client got a problem of the proxy's own, by its name.
    Problem(&'static str),
    /// The proxy panicked, and a request failed with it.
    Panic,
}

impl Incident<'_> {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SentAgain(_) => "sent-again",
            Self::OriginFault(_) => "origin-fault",
            Self::Overload(_) => "overload",
            Self::CutShort => "cut-short",
            Self::ClientTooSlow(_) => "client-too-slow",
            Self::TurnedAway => "turned-away",
            Self::Problem(_) => "problem",
            Self::Panic => "panic",
        }
    }

    /// What it was about.
    pub fn detail(&self) -> &str {
        match self {
            Self::SentAgain(method) => method.as_str(),
            Self::OriginFault(what)
            | Self::Overload(what)
            | Self::ClientTooSlow(what)
            | Self::Problem(what) => what,
            Self::CutShort | Self::TurnedAway | Self::Panic => "",
        }
    }
}
