//! Binding addresses, so that every worker has a socket of its own and "in use" is an error and not a silent share.

use std::{
    fmt, fs, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    os::unix::{
        fs::FileTypeExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, Protocol, Type};

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 4096;
/// How many bytes the system takes for a client beyond those that are on their way to it. Left alone it takes megabytes,
/// and says that a connection moved only when a good part of them has gone: a slow client would look like one that stands
/// still.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT: u32 = 128 * 1024;

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// The path of a unix socket.
    Unix(PathBuf),
}

impl Listen {
    /// The host and port by which a client on this machine reaches it; none for a unix socket.
    pub fn host(&self) -> Option<String> {
        let Self::Tcp(mut address) = *self else { return None };
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        Some(address.to_string())
    }

    /// Whether something that is no socket is in the way of a unix socket.
    fn is_another_file(&self) -> bool {
        let Self::Unix(path) = self else { return false };
        fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.file_type().is_socket())
    }

    /// Removes the file of a unix socket.
    pub(super) fn clean_up(&self) {
        if let Self::Unix(path) = self
            && let Err(error) = fs::remove_file(path)
        {
            tracing::debug!(%error, path = %path.display(), "the socket's file is gone already");
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An address that cannot be listened on.
#[derive(Debug)]
pub struct BindError {
    address: Listen,
    error: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.address, self.error)?;
        match self.error.kind() {
            io::ErrorKind::AddrInUse if self.address.is_another_file() => {
                f.write_str("; there is a file of another kind: remove it, or listen elsewhere")
            }
            io::ErrorKind::AddrInUse => {
                f.write_str("; another process has it: end that one, or listen elsewhere")
            }
            io::ErrorKind::PermissionDenied => {
                f.write_str("; choose a port above 1023, or a path that may be written")
            }
            io::ErrorKind::AddrNotAvailable => f.write_str("; this machine has no such address"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for BindError {}

/// Sockets that listen already, for each worker.
#[derive(Debug)]
pub struct Bound {
    pub(super) workers: Vec<Vec<Socket>>,
    pub(super) addresses: Vec<Listen>,
}

/// One socket of one worker.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A socket, known to the worker's runtime.
pub(super) enum Listener {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl Socket {
    pub(super) fn into_listener(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(socket) => tokio::net::TcpListener::from_std(socket).map(Listener::Tcp),
            Self::Unix(socket) => tokio::net::UnixListener::from_std(socket).map(Listener::Unix),
        }
    }
}

/// Binds all addresses, with a socket for each worker.
///
/// # Errors
/// An address cannot be listened on. Nothing stays bound.
pub fn bind(addresses: &[Listen], workers: usize) -> Result<Bound, BindError> {
    let mut bound = Bound { workers: (0..workers).map(|_| Vec::new()).collect(), addresses: Vec::new() };
    for address in addresses {
        let failed = |error| BindError { address: address.clone(), error };
        let (sockets, actual) = match address {
            Listen::Tcp(tcp) => bind_tcp(*tcp, workers).map_err(failed)?,
            Listen::Unix(path) => (bind_unix(path, workers).map_err(failed)?, address.clone()),
        };
        for (worker, socket) in bound.workers.iter_mut().zip(sockets) {
            worker.push(socket);
        }
        bound.addresses.push(actual);
    }
    Ok(bound)
}

fn bind_tcp(address: SocketAddr, workers: usize) -> io::Result<(Vec<Socket>, Listen)> {
    // With SO_REUSEPORT a second process would bind silently: the address is tried without it first.
    if workers > 1 && address.port() != 0 {
        drop(tcp_socket(address, false)?);
    }
    let first = tcp_socket(address, workers > 1)?;
    let actual = first.local_addr()?;
    let mut sockets = vec![Socket::Tcp(first)];
    while sockets.len() < workers {
        sockets.push(Socket::Tcp(tcp_socket(actual, true)?));
    }
    Ok((sockets, Listen::Tcp(actual)))
}

fn tcp_socket(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if shared {
        socket.set_reuse_port(true)?;
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket.set_tcp_notsent_lowat(UNSENT)?; // The connections that it accepts have it from here.
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Unix sockets refuse `SO_REUSEPORT`: the workers share one.
fn bind_unix(path: &Path, workers: usize) -> io::Result<Vec<Socket>> {
    remove_stale_socket(path)?;
    let socket = UnixListener::bind(path)?;
    socket.set_nonblocking(true)?;
    (0..workers).map(|_| socket.try_clone().map(Socket::Unix)).collect()
}

/// Removes the file of a socket that nobody listens on any more, as a process leaves it that was killed.
fn remove_stale_socket(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket
        && UnixStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any_port() -> Listen {
        Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    #[test]
    fn every_worker_has_a_socket_on_the_same_port() {
        let bound = bind(&[any_port()], 3).unwrap();
        assert_eq!(bound.workers.len(), 3);
        let ports = bound.workers.iter().flatten().map(|socket| match socket {
            Socket::Tcp(tcp) => tcp.local_addr().unwrap().port(),
            Socket::Unix(_) => unreachable!("only a TCP address was bound"),
        });
        let ports: std::collections::BTreeSet<_> = ports.collect();
        assert_eq!(ports.len(), 1);
    }

    /// What makes a slow and steady reader look like one that stands still is bounded for each connection.
    #[test]
    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn a_connection_takes_little_beyond_what_is_on_its_way() {
        let bound = bind(&[any_port()], 1).unwrap();
        let Socket::Tcp(listener) = &bound.workers[0][0] else {
            unreachable!("only a TCP address was bound")
        };
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(socket2::SockRef::from(&accepted).tcp_notsent_lowat().unwrap(), UNSENT);
    }

    #[test]
    fn an_address_in_use_is_an_error_for_one_worker_and_for_many() {
        let bound = bind(&[any_port()], 2).unwrap();
        for workers in [1, 2] {
            let error = bind(&bound.addresses, workers).unwrap_err();
            assert!(error.to_string().contains("another process has it"), "{error}");
        }
    }

    #[test]
    fn a_stale_unix_socket_is_replaced_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let address = [Listen::Unix(directory.path().join("plimsoll.sock"))];
        let live = bind(&address, 2).unwrap();
        assert!(bind(&address, 2).is_err());
        drop(live);
        assert!(bind(&address, 2).is_ok());
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        fs::write(&path, "kept").unwrap();
        let error = bind(&[Listen::Unix(path.clone())], 1).unwrap_err();
        assert!(error.to_string().contains("a file of another kind"), "{error}");
        assert_eq!(fs::read_to_string(path).unwrap(), "kept");
    }
}
