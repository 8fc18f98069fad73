//! What goes wrong on the way, and is counted: each kind has a name for the log and for metrics.

use http::Method;

/// Something that went wrong on the way to the origin, or in the proxy itself.
#[derive(Clone, Copy, Debug)]
pub enum Incident<'a> {
    /// A request was sent a second time (RFC 9110 section 9.2.2).
    SentAgain(&'a Method),
    /// The origin said what it must not say; the name of the rule.
    OriginFault(&'static str),
    /// A request was refused because too many wait for the origin, for this reason.
    Overload(&'static str),
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
            Self::Panic => "panic",
        }
    }

    /// What it was about.
    pub fn detail(&self) -> &str {
        match self {
            Self::SentAgain(method) => method.as_str(),
            Self::OriginFault(what) | Self::Overload(what) => what,
            Self::Panic => "",
        }
    }
}
