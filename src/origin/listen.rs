//! From a listener to answers: accepts connections, serves HTTP/1.1 on each, and ends in good order when told to.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::wire::{Line, Wire};
use super::{Options, Origin};

/// How long a client may take over the head of a request, idle time before it included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// What requests in flight get to complete after a shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// The pause after a failed accept: out of descriptors, another try at once would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves one instance of the origin on the listener until `shutdown` resolves; requests in flight then get five seconds.
/// Fails only if the listener itself is beyond use. See [`Origin`] for one that can be asked what it saw.
pub async fn serve(
    listener: TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    Origin::new(&options).serve(listener, shutdown).await
}

/// Binds the listeners of `n` instances: on consecutive ports from that of `addr` on, or on any free ports if it is 0.
/// The error names the address that could not be bound.
pub async fn bind_instances(addr: SocketAddr, n: u16) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for instance in 0..n {
        let port = match addr.port() {
            0 => 0,
            first => first.checked_add(instance).ok_or_else(|| {
                let message = format!("{n} instances from {addr} on need ports beyond 65535");
                io::Error::new(io::ErrorKind::InvalidInput, message)
            })?,
        };
        let at = SocketAddr::new(addr.ip(), port);
        let bound = TcpListener::bind(at).await;
        listeners
            .push(bound.map_err(|error| io::Error::new(error.kind(), format!("cannot bind {at}: {error}")))?);
    }
    Ok(listeners)
}

impl Origin {
    /// Serves this instance on the listener until `shutdown` resolves, as [`serve`] does. May be called on several
    /// listeners of one instance: clones share all state.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        let mut shutdown = pin!(shutdown);
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(converse(self.clone(), stream, stopped.clone()));
                    }
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Err(error),
                    Err(error) => {
                        tracing::warn!(%error, "the sample origin could not accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        drop(stop);
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// One connection, from its first request to its end. `stopped` changes (its sender is dropped) at shutdown.
async fn converse(origin: Origin, stream: TcpStream, mut stopped: watch::Receiver<()>) {
    // Small answers in several writes would otherwise wait for the client's acknowledgements.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the socket was gone before its first request");
        return;
    }
    let line = Line::default();
    let wire = Wire::new(stream, line.clone());
    let of_requests = line.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(of_requests.clone());
        let origin = origin.clone();
        async move { Ok::<_, Infallible>(origin.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = pin!(http.serve_connection(wire, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            if line.is_stalled() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GRACE, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the sample origin ended early");
    }
}
