//! Which authorities a route is for.

use std::cmp::{Ordering, Reverse};

use crate::key::{self, TargetError};

/// An exact host, or `*.` and a suffix for any name below it; with a port, only that port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    is_suffix: bool,
    /// Canonical.
    host: String,
    port: Option<u16>,
}

/// Why a host pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// It is no host.
    Invalid(TargetError),
    /// A star stands elsewhere than as the whole first label.
    Star,
    /// The port is 80 or 443: the default of a scheme is left out of authorities before they are matched, so that this
    /// would match almost nothing.
    DefaultPort,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Invalid(error) => error.as_str(),
            Self::Star => "the star can only stand for whole labels at the start: *.example.com",
            Self::DefaultPort => "leave out the ports 80 and 443: a host without port matches every port",
        })
    }
}

impl std::error::Error for HostError {}

impl HostPattern {
    /// Reads `example.com`, `example.com:8080`, `[::1]` or `*.example.com`, in any case.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let (is_suffix, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.contains('*') {
            return Err(HostError::Star);
        }
        if name.contains('@') {
            return Err(HostError::Invalid(TargetError::UserInfo));
        }
        let (host, port) = key::split_port(name).map_err(HostError::Invalid)?;
        let host = key::canonical_host(key::without_root(host)).map_err(HostError::Invalid)?;
        if is_suffix && host.starts_with('[') {
            return Err(HostError::Star);
        }
        if matches!(port, Some(80 | 443)) {
            return Err(HostError::DefaultPort);
        }
        Ok(Self { is_suffix, host, port })
    }

    /// Whether a canonical authority matches.
    pub fn matches(&self, authority: &str) -> bool {
        let (host, port) = key::split_canonical(authority);
        let is_port = self.port.is_none() || self.port.map(|port| port.to_string()).as_deref() == port;
        let is_host = if self.is_suffix {
            host.strip_suffix(self.host.as_str())
                .is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
        } else {
            host == self.host
        };
        is_port && is_host
    }

    /// The more specific pattern is less: an exact host, then the longer suffix; with a port before without.
    pub(super) fn specificity(&self, other: &Self) -> Ordering {
        let rank =
            |p: &Self| (p.is_suffix, Reverse(if p.is_suffix { p.host.len() } else { 0 }), p.port.is_none());
        rank(self).cmp(&rank(other))
    }

    pub(super) const fn is_suffix(&self) -> bool {
        self.is_suffix
    }

    /// The host, and the port where there is one, as an authority has them.
    pub(super) fn authority(&self) -> String {
        self.port.map_or_else(|| self.host.clone(), |port| format!("{}:{port}", self.host))
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.is_suffix { "*." } else { "" }, self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, authority: &str) -> bool {
        HostPattern::parse(pattern).unwrap().matches(authority)
    }

    #[test]
    fn an_exact_host_matches_on_every_port_unless_it_has_one() {
        assert!(matches("Example.COM", "example.com") && matches("example.com.", "example.com:8080"));
        assert!(matches("example.com", "example.com."));
        assert!(matches("a:8080", "a:8080") && !matches("a:8080", "a") && !matches("a:8080", "a:808"));
        assert!(
            matches("[::1]", "[::1]:8080") && matches("[0::1]:81", "[::1]:81") && !matches("[::1]", "[::2]")
        );
    }

    #[test]
    fn a_suffix_matches_any_name_below_it() {
        assert!(matches("*.example.com", "a.example.com") && matches("*.example.com", "a.b.example.com:81"));
        assert!(!matches("*.example.com", "example.com") && !matches("*.example.com", "badexample.com"));
        assert!(!matches("*.example.com", ".example.com"));
    }

    #[test]
    fn what_could_match_nothing_is_refused() {
        for (text, error) in [
            ("", HostError::Invalid(TargetError::HostMissing)),
            ("*.", HostError::Invalid(TargetError::HostMissing)),
            ("a b", HostError::Invalid(TargetError::HostInvalid)),
            ("u@a", HostError::Invalid(TargetError::UserInfo)),
            ("a:x", HostError::Invalid(TargetError::PortInvalid)),
            ("*", HostError::Star),
            ("a.*", HostError::Star),
            ("*.*.a", HostError::Star),
            ("*.[::1]", HostError::Star),
            ("a:443", HostError::DefaultPort),
        ] {
            assert_eq!(HostPattern::parse(text), Err(error), "{text}");
        }
    }
}
