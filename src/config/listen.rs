//! Addresses to listen on.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::code::Code;
use super::diagnostic::{Fault, quoted};

/// The longest path that a Unix socket can have on Linux, in bytes (`sun_path` without its closing zero).
const LONGEST_SOCKET_PATH: usize = 107;

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// An address and port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// Reads `127.0.0.1:8080`, `[::1]:8080` or `unix:/run/plimsoll.sock`.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let Some(path) = text.strip_prefix("unix:") else { return parse_socket_address(text).map(Self::Tcp) };
        let fault =
            |message: &str, help: &str| Err(Fault::new(Code::BadAddress, message, help).at(5..text.len()));
        if path.is_empty() || path.ends_with('/') {
            return fault("a Unix socket needs a file's path", "write \"unix:/run/plimsoll.sock\"");
        }
        if path.contains('\0') {
            return fault("no path has a zero byte", "write \"unix:/run/plimsoll.sock\"");
        }
        if path.len() > LONGEST_SOCKET_PATH {
            return fault("the path is too long for a Unix socket", "the longest has 107 bytes");
        }
        Ok(Self::Unix(Path::new(path).to_owned()))
    }

    /// Whether both cannot be listened on at once. Port 0 is another port each time.
    pub(crate) fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(two)) => one == two && one.port() != 0,
            _ => self == other,
        }
    }

    /// Whether a connection to this address and port would arrive here.
    pub(crate) fn answers(&self, ip: IpAddr, port: u16) -> bool {
        match self {
            Self::Tcp(own) => {
                let everywhere = own.ip().is_unspecified() && ip.is_loopback();
                own.port() == port && (own.ip() == ip || everywhere)
            }
            Self::Unix(_) => false,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Reads the IP address and the port of a flag.
///
/// # Errors
/// It is something else: what it is, and what to write.
pub fn address_of_flag(text: &str) -> Result<SocketAddr, String> {
    parse_socket_address(text).map_err(|fault| format!("{}: {}", fault.message, fault.help))
}

/// Reads an IP address and a port.
pub(crate) fn parse_socket_address(text: &str) -> Result<SocketAddr, Fault> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let (message, help) = match (text.rsplit_once(':'), bare.parse::<IpAddr>()) {
        (_, Ok(IpAddr::V4(ip))) => (format!("{} has no port", quoted(text)), format!("write \"{ip}:8080\"")),
        (_, Ok(IpAddr::V6(ip))) => {
            (format!("{} has no port", quoted(text)), format!("write \"[{ip}]:8080\""))
        }
        (Some(("" | "*", port)), _) if port.parse::<u16>().is_ok() => (
            format!("{} has no address", quoted(text)),
            format!("write \"0.0.0.0:{port}\" for every address, \"127.0.0.1:{port}\" for this machine only"),
        ),
        (Some(("localhost", port)), _) if port.parse::<u16>().is_ok() => (
            format!("{} is a name, not an address", quoted(text)),
            format!("write \"127.0.0.1:{port}\" or \"[::1]:{port}\""),
        ),
        (Some((host, port)), _) if host.parse::<IpAddr>().is_ok() || bracketed(host) => {
            (format!("{} is not a port", quoted(port)), "a port is a number from 0 to 65535".to_owned())
        }
        (None, _) if text.parse::<u16>().is_ok() => {
            (format!("{} has no address", quoted(text)), format!("write \"127.0.0.1:{text}\""))
        }
        _ if text.starts_with('/') => (
            format!("{} is not an address", quoted(text)),
            "write \"unix:\" before the path of a socket".to_owned(),
        ),
        _ => (
            format!("{} is not an address", quoted(text)),
            "write an IP address and a port: \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned(),
        ),
    };
    Err(Fault::new(Code::BadAddress, message, help))
}

fn bracketed(host: &str) -> bool {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .is_some_and(|ip| ip.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_tcp_or_unix() {
        for text in ["127.0.0.1:8080", "[::1]:8080", "0.0.0.0:0", "unix:/run/plimsoll.sock", "unix:p.sock"] {
            assert_eq!(ListenAddress::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_flag_says_what_to_write() {
        assert_eq!(address_of_flag("[::1]:80"), Ok("[::1]:80".parse().unwrap()));
        let error = address_of_flag("localhost:1").unwrap_err();
        assert_eq!(error, "`localhost:1` is a name, not an address: write \"127.0.0.1:1\" or \"[::1]:1\"");
    }

    #[test]
    fn what_is_no_address_says_what_would_be() {
        for (text, help) in [
            ("127.0.0.1", "write \"127.0.0.1:8080\""),
            ("::1", "write \"[::1]:8080\""),
            ("[::1]", "write \"[::1]:8080\""),
            ("8080", "write \"127.0.0.1:8080\""),
            (":80", "write \"0.0.0.0:80\" for every address, \"127.0.0.1:80\" for this machine only"),
            ("localhost:80", "write \"127.0.0.1:80\" or \"[::1]:80\""),
            ("127.0.0.1:99999", "a port is a number from 0 to 65535"),
            ("[::1]:x", "a port is a number from 0 to 65535"),
            ("/run/x.sock", "write \"unix:\" before the path of a socket"),
            ("unix:", "write \"unix:/run/plimsoll.sock\""),
            ("example.com:80", "write an IP address and a port: \"127.0.0.1:8080\" or \"[::1]:8080\""),
        ] {
            let fault = ListenAddress::parse(text).unwrap_err();
            assert_eq!((fault.code, fault.help.as_str()), (Code::BadAddress, help), "{text}");
        }
        assert!(ListenAddress::parse(&format!("unix:/{}", "x".repeat(107))).is_err());
        assert!(ListenAddress::parse("unix:a\0b").is_err());
    }
}
