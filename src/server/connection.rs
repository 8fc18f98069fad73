//! From an accepted connection to answered requests.

use std::{convert::Infallible, io, net::IpAddr, time::Duration};

use http::{Request, Version};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bind::Listener,
    cut::{Cut, Cuttable, Watched},
};
use crate::{
    key::Scheme,
    proxy::{Peer, Proxy},
};

/// How long a client may take over the head of a request, idle time before it included.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes that a connection buffers, for a request's head or for a client that reads slowly.
const BUFFER: usize = 64 * 1024;
/// The pause after a failed accept: out of descriptors, another try at once would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Accepts connections until told to stop.
pub(super) async fn accept(listener: Listener, proxy: Proxy, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accept_one(&listener, &proxy, &tasks, &stop) => accepted,
        };
        if let Err(error) = accepted {
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn accept_one(
    listener: &Listener,
    proxy: &Proxy,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> io::Result<()> {
    match listener {
        Listener::Tcp(tcp) => {
            let (stream, peer) = tcp.accept().await?;
            // A client that has gone already is no reason to stop accepting: serving it will show.
            let _ = stream.set_nodelay(true);
            let cut = Cut::default();
            let stream = Cuttable::new(stream, cut.clone());
            tasks.spawn(serve(stream, cut, Some(peer.ip()), proxy.clone(), stop.clone()));
        }
        Listener::Unix(unix) => {
            let (stream, _) = unix.accept().await?;
            tasks.spawn(serve(stream, Cut::default(), None, proxy.clone(), stop.clone()));
        }
    }
    Ok(())
}

/// Serves one connection, from its first request to its end.
async fn serve<S>(stream: S, cut: Cut, address: Option<IpAddr>, proxy: Proxy, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let peer = Peer { address, scheme: Scheme::Http };
    let service = service_fn(move |request: Request<Incoming>| {
        let (proxy, cut) = (proxy.clone(), cut.clone());
        async move {
            let cut = (request.version() < Version::HTTP_11).then_some(cut);
            Ok::<_, Infallible>(proxy.handle(request, peer).await.map(|body| Watched::new(body, cut)))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(BUFFER);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, ?address, "a connection ended early");
    }
}
