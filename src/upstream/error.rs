//! What can go wrong between the proxy and the origin.

use std::error::Error as _;

/// Why there is no answer from the origin.
#[derive(Debug)]
pub enum UpstreamError {
    /// No connection could be made.
    Connect(hyper_util::client::legacy::Error),
    /// Nothing moved for as long as the settings allow.
    Timeout,
    /// The connection broke.
    Exchange(hyper_util::client::legacy::Error),
    /// What came was not HTTP, or more than a head may hold.
    Garbage(hyper_util::client::legacy::Error),
    /// The request's own body broke off: the client left.
    ClientBody,
    /// The origin says that it failed, while something held could stand in.
    ServerError(http::StatusCode),
    /// The answer is one that no origin may give to such a request.
    Nonsense(&'static str),
    /// The target cannot be sent.
    Target,
}

impl UpstreamError {
    /// Whether this is a matter of time, so that the client gets 504 and not 502.
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }
}

impl From<hyper_util::client::legacy::Error> for UpstreamError {
    fn from(error: hyper_util::client::legacy::Error) -> Self {
        if error.is_connect() {
            return if is_timed_out(&error) { Self::Timeout } else { Self::Connect(error) };
        }
        let Some(cause) = error.source().and_then(|source| source.downcast_ref::<hyper::Error>()) else {
            return Self::Exchange(error);
        };
        match cause {
            cause if cause.is_user() => Self::ClientBody,
            cause if cause.is_parse() => Self::Garbage(error),
            _ => Self::Exchange(error),
        }
    }
}

fn is_timed_out(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut)
        {
            return true;
        }
        next = cause.source();
    }
    false
}

impl std::fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection to the origin: {}", Chain(error)),
            Self::Timeout => f.write_str("the origin did not answer in time"),
            Self::Garbage(error) => write!(f, "the origin's answer is not HTTP: {}", Chain(error)),
            Self::Exchange(error) => write!(f, "the exchange with the origin broke: {}", Chain(error)),
            Self::ClientBody => f.write_str("the request's body broke off"),
            Self::ServerError(status) => write!(f, "the origin answered {status}"),
            Self::Nonsense(what) => write!(f, "the origin's answer makes no sense: {what}"),
            Self::Target => f.write_str("the request's target cannot be sent"),
        }
    }
}

impl std::error::Error for UpstreamError {}

/// An error with its causes, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
