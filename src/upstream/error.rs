//! What can go wrong between the proxy and the origin.

use super::{Late, Overload};
use crate::wire::Violation;

/// Why there is no answer from the origin.
#[derive(Debug)]
pub enum UpstreamError {
    /// Too much is asked of the origin already.
    Overload(Overload),
    /// No connection could be made.
    Connect(Box<dyn std::error::Error + Send + Sync>),
    /// Nothing moved for as long as the settings allow, or everything took too long.
    Timeout,
    /// The connection broke.
    Exchange(std::io::Error),
    /// What came breaks a rule, or is more than there is room for.
    Fault(Fault),
    /// The request's own body broke off: the client left.
    ClientBody,
    /// The request's own body stood still, or came too slowly.
    ClientTooSlow(Late),
    /// The origin says that it failed, while something held could stand in.
    ServerError(http::StatusCode),
    /// The answer is one that no origin may give to such a request.
    Nonsense(&'static str),
}

/// What an origin said that it must not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message that can be understood in two ways, or in none.
    Wire(Violation),
    /// One interim response after the other (RFC 9110 section 15.2).
    Interims,
    /// A change of the protocol that nobody asked for (RFC 9110 section 7.8).
    Switch,
}

impl Fault {
    /// The stable name, for the log and for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wire(violation) => violation.name(),
            Self::Interims => "too-many-interim",
            Self::Switch => "unasked-switch",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Fault {}

impl UpstreamError {
    /// The stable name of its kind, for metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Overload(_) => "overload",
            Self::Connect(_) => "connect",
            Self::Timeout => "timeout",
            Self::Exchange(_) => "broken",
            Self::Fault(_) => "fault",
            Self::ClientBody => "client-content",
            Self::ClientTooSlow(_) => "client-too-slow",
            Self::ServerError(_) => "server-error",
            Self::Nonsense(_) => "nonsense",
        }
    }

    /// What becomes of a request whose own content fails with this.
    pub(super) fn of_content(error: &(dyn std::error::Error + 'static)) -> Self {
        Late::behind(error).map_or(Self::ClientBody, Self::ClientTooSlow)
    }
}

impl From<std::io::Error> for UpstreamError {
    fn from(error: std::io::Error) -> Self {
        Self::Exchange(error)
    }
}

impl From<Fault> for UpstreamError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Overload(overload) => write!(f, "too much is asked of the origin: {}", overload.name()),
            Self::Connect(error) => write!(f, "no connection to the origin: {}", Chain(&**error)),
            Self::Timeout => f.write_str("the origin did not answer in time"),
            Self::Fault(fault) => write!(f, "the origin's answer breaks a rule: {fault}"),
            Self::Exchange(error) => write!(f, "the exchange with the origin broke: {}", Chain(error)),
            Self::ClientBody => f.write_str("the request's body broke off"),
            Self::ClientTooSlow(late) => write!(f, "the request did not come in time: {late}"),
            Self::ServerError(status) => write!(f, "the origin answered {status}"),
            Self::Nonsense(what) => write!(f, "the origin's answer makes no sense: {what}"),
        }
    }
}

impl std::error::Error for UpstreamError {}

/// An error and what caused it.
pub(super) fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error with its causes, for the log.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, error) in causes(self.0).enumerate() {
            write!(f, "{}{error}", if number == 0 { "" } else { ": " })?;
        }
        Ok(())
    }
}
