//! `[origin]`: the API behind the proxy, and how long it is waited for.

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::uri::Authority;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::item::Item;
use super::reader::Table;
use super::server::Server;
use super::units::ByteSize;
use crate::key::Scheme;

/// `[origin]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Where the API is. The only key without a default.
    pub url: OriginUrl,
    /// Which Host the origin sees. Default: the client's for http, its own for https.
    pub host: OriginHost,
    /// Longest wait for a connection. Default: 5s.
    pub connect_timeout: Duration,
    /// Longest wait for the head of a response. Default: 30s.
    pub response_timeout: Duration,
    /// Longest silence while content flows, in both directions. Default: 30s.
    pub body_timeout: Duration,
    /// Longest exchange, from the request's first byte to the last of its response. Default: 1h.
    pub total_timeout: Duration,
    /// How long an unused connection is kept. Default: 60s.
    pub idle_timeout: Duration,
    /// Most exchanges at once, 1 to 1048576. Default: 1024.
    pub max_fetches: usize,
    /// Most requests that wait for one of those to end, 0 to 1048576. Default: 1024.
    pub max_queue: usize,
    /// Longest wait for one of those to end. Default: 5s.
    pub queue_timeout: Duration,
    /// Largest head of a response, 8 KiB to 16 MiB. Default: 64 KiB.
    pub max_head: ByteSize,
    /// Most fields of a response, 1 to 16384. Default: 256.
    pub max_fields: usize,
}

impl Origin {
    /// An origin at this URL, with the defaults for all else.
    pub fn at(url: OriginUrl) -> Self {
        let host = match url.scheme {
            Scheme::Http => OriginHost::Client,
            Scheme::Https => OriginHost::Origin,
        };
        Self {
            url,
            host,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_hours(1),
            idle_timeout: Duration::from_mins(1),
            max_fetches: 1024,
            max_queue: 1024,
            queue_timeout: Duration::from_secs(5),
            max_head: ByteSize(64 << 10),
            max_fields: 256,
        }
    }
}

/// Which Host field goes to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginHost {
    /// The one that the client sent.
    Client,
    /// The one of `origin.url`.
    Origin,
}

/// The URL of an origin: scheme, host and port, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginUrl {
    /// The scheme.
    pub scheme: Scheme,
    /// Host and port, in lower case and without the scheme's default port; never with userinfo.
    pub authority: Authority,
}

impl OriginUrl {
    /// The host, an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// The port, the scheme's default where the URL has none.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(self.scheme.default_port())
    }

    /// Reads `http://127.0.0.1:3000` or `https://api.example.com`.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        const HELP: &str = "write \"http://HOST:PORT\" or \"https://HOST\"";
        let fault = |message: String, help: &str| Fault::new(Code::BadUrl, message, help);
        let Some((scheme, rest)) = text.split_once("://") else {
            let help = if parse_authority(text).is_some() {
                format!("write \"http://{text}\"")
            } else {
                HELP.to_owned()
            };
            return Err(fault(format!("the URL {} has no scheme", quoted(text)), &help));
        };
        let scheme_end = scheme.len();
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => {
                let message = format!("plimsoll does not speak {}", quoted(scheme));
                return Err(fault(message, "use http or https").at(0..scheme_end));
            }
        };
        let start = scheme_end + 3;
        let end = rest.find(['/', '?', '#']).map_or(text.len(), |at| start + at);
        let authority = text.get(start..end).unwrap_or("");
        if let Some(at) = authority.rfind('@') {
            let message = "the origin's URL has a user and password".to_owned();
            let help = "leave them out: plimsoll adds no credentials of its own";
            return Err(fault(message, help).at(start..start + at + 1));
        }
        if !matches!(text.get(end..), Some("" | "/")) {
            let message = "the origin's URL has more than a host and port".to_owned();
            return Err(
                fault(message, "leave this out: paths are sent as clients ask for them").at(end..text.len())
            );
        }
        let place = start..end.max(start);
        let Some(authority) = parse_authority(authority) else {
            let message = format!("{} is not a host with an optional port", quoted(authority));
            return Err(fault(message, HELP).at(place));
        };
        Ok(Self { authority: without_default_port(authority, scheme), scheme })
    }
}

impl fmt::Display for OriginUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority)
    }
}

fn without_default_port(authority: Authority, scheme: Scheme) -> Authority {
    if authority.port_u16() == Some(scheme.default_port()) {
        authority.host().parse().unwrap_or(authority)
    } else {
        authority
    }
}

fn parse_authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.to_ascii_lowercase().parse().ok()?;
    let host = authority.host();
    let after_host = authority.as_str().strip_prefix(host)?;
    let port_is_right = match after_host.strip_prefix(':') {
        Some(port) => authority.port_u16().is_some_and(|port| port != 0) && !port.starts_with('+'),
        None => after_host.is_empty(),
    };
    let host_is_right = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)),
    };
    (port_is_right && host_is_right).then_some(authority)
}

/// Reads `[origin]`; `None` where its URL is missing or wrong, which has then been reported.
pub(crate) fn read_origin(table: &Table<'_, '_>, server: &Server) -> Option<Origin> {
    if table.get("url").is_none() {
        table.missing(
            "`origin.url` is missing: where is the API?",
            "add [origin] with url = \"http://127.0.0.1:3000\"",
        );
    }
    let url = table.read("url", |item| {
        let url = item.parse("a URL", OriginUrl::parse)?;
        if reaches(&url, server) {
            item.fail(own_address(&url));
        }
        Some(url)
    });
    // The other keys are read even without a URL, so that what is wrong with them is reported too.
    let placeholder = OriginUrl { scheme: Scheme::Http, authority: Authority::from_static("origin.invalid") };
    let is_there = url.is_some();
    let default = Origin::at(url.unwrap_or(placeholder));
    let origin = Origin {
        host: table.read_or("host", default.host, |item| {
            item.word(&[("client", OriginHost::Client), ("origin", OriginHost::Origin)])
        }),
        connect_timeout: table.read_or("connect_timeout", default.connect_timeout, Item::positive_duration),
        response_timeout: table.read_or(
            "response_timeout",
            default.response_timeout,
            Item::positive_duration,
        ),
        body_timeout: table.read_or("body_timeout", default.body_timeout, Item::positive_duration),
        total_timeout: table.read_or("total_timeout", default.total_timeout, Item::positive_duration),
        idle_timeout: table.read_or("idle_timeout", default.idle_timeout, Item::positive_duration),
        max_fetches: read_count(table, "max_fetches", 1..=1 << 20).unwrap_or(default.max_fetches),
        max_queue: read_count(table, "max_queue", 0..=1 << 20).unwrap_or(default.max_queue),
        queue_timeout: table.read_or("queue_timeout", default.queue_timeout, Item::positive_duration),
        max_head: table.read_or("max_head", default.max_head, read_head_size),
        max_fields: read_count(table, "max_fields", 1..=16_384).unwrap_or(default.max_fields),
        url: default.url,
    };
    is_there.then_some(origin)
}

fn read_count(table: &Table<'_, '_>, name: &'static str, range: RangeInclusive<u32>) -> Option<usize> {
    table.read(name, |item| item.whole(&range)).map(|count| count as usize)
}

fn read_head_size(item: &Item<'_, '_>) -> Option<ByteSize> {
    let size = item.size()?;
    if !(ByteSize(8 << 10)..=ByteSize(16 << 20)).contains(&size) {
        let message = "`max_head` is out of range".to_owned();
        item.fail(Fault::new(Code::OutOfRange, message, "write a size from \"8 KiB\" to \"16 MiB\""));
        return None;
    }
    Some(size)
}

/// Whether requests to this origin would come straight back.
pub(crate) fn reaches(url: &OriginUrl, server: &Server) -> bool {
    let host = url.host().trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<IpAddr> = match host {
        "localhost" => vec![IpAddr::from([127, 0, 0, 1])],
        _ => host.parse().into_iter().collect(),
    };
    addresses.into_iter().any(|ip| server.listen.iter().any(|listen| listen.answers(ip, url.port())))
}

/// The fault of an origin that is plimsoll itself.
pub(crate) fn own_address(url: &OriginUrl) -> Fault {
    let message = format!("`{url}` is where plimsoll itself listens");
    Fault::new(Code::OriginIsSelf, message, "give one of the two another port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for (text, shown, port) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000", 3000),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000", 3000),
            ("HTTPS://API.Example.COM:443", "https://api.example.com", 443),
            ("http://[::1]:80/", "http://[::1]", 80),
            ("http://my_service", "http://my_service", 80),
        ] {
            let url = OriginUrl::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.port()), (shown, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_origin_says_where_it_is_wrong() {
        for (text, at) in [
            ("ftp://x", Some(0..3)),
            ("http://u:p@x", Some(7..11)),
            ("http://x/api", Some(8..12)),
            ("http://x?q", Some(8..10)),
            ("http://x#f", Some(8..10)),
            ("http://", Some(7..7)),
            ("http://x:0", Some(7..10)),
            ("http://x:70000", Some(7..14)),
            ("http://x:", Some(7..9)),
            ("http://a b", Some(7..10)),
            ("http://[::z]", Some(7..12)),
            ("127.0.0.1:3000", None),
            ("", None),
        ] {
            let fault = OriginUrl::parse(text).unwrap_err();
            assert_eq!((fault.code, fault.at), (Code::BadUrl, at), "{text}");
        }
        assert_eq!(OriginUrl::parse("127.0.0.1:3000").unwrap_err().help, "write \"http://127.0.0.1:3000\"");
    }
}
