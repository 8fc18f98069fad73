//! The admin place's own way from accepted connections to its router, so that there is a bound for everything here too.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The most connections at a time. Those beyond wait in the system's queue.
const MOST_CONNECTIONS: usize = 256;
/// How long a head may take, and how long a connection may be without a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that a connection buffers, heads included.
const BUFFER: usize = 64 * 1024;
/// The pause after a failed accept: out of descriptors, another try at once would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Lets connections in until it is told to stop, and stays until what was asked before is answered.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    let _place = place;
                    serve_one(stream, router, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the admin place could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// A connection for which there is room.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // A client that has gone already is no reason to stop accepting: serving it will show.
    let _ = stream.set_nodelay(true);
    Ok((stream, place))
}

/// Serves one connection, from its first request to its end.
async fn serve_one(stream: TcpStream, router: Router, stop: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(BUFFER);
    let service = TowerToHyperService::new(router);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        biased;
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        ended = connection.as_mut() => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the admin place ended early");
    }
}
