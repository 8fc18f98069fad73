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

/// The most bytes that a connection buffers, heads included.
const BUFFER: usize = 64 * 1024;
/// The pause after a failed accept: out of descriptors, another try at once would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How much there may be of everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most connections at a time. Those beyond wait in the system's queue.
    pub(super) connections: usize,
    /// How long a head may take, and how long a connection may be without a request.
    pub(super) head: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 256, head: Duration::from_secs(10) }
    }
}

/// Lets connections in until it is told to stop, and stays until what was asked before is answered.
pub(super) async fn serve(listener: TcpListener, router: Router, bounds: Bounds, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(bounds.connections));
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
                    serve_one(stream, router, bounds.head, stop).await;
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
async fn serve_one(stream: TcpStream, router: Router, head: Duration, stop: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(BUFFER);
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

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
    const FOR_EVER: Duration = Duration::from_secs(3600);

    /// A place that says "here", and what ends it.
    async fn start(bounds: Bounds) -> (std::net::SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().route("/", get(|| async { "here" }));
        let serving = tokio::spawn(serve(listener, router, bounds, stop.clone()));
        (address, stop, serving)
    }

    async fn answered(client: &mut TcpStream) {
        let mut said = Vec::new();
        while !said.ends_with(b"here") {
            assert!(client.read_buf(&mut said).await.unwrap() > 0, "it ended");
        }
    }

    #[tokio::test]
    async fn who_finds_no_room_is_answered_when_another_leaves() {
        let (address, _stop, _serving) = start(Bounds { connections: 1, head: FOR_EVER }).await;
        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(ASKED).await.unwrap();
        answered(&mut first).await;
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(ASKED).await.unwrap();
        // There is nothing to wait for: what is never answered is not answered within this either.
        let early = tokio::time::timeout(Duration::from_millis(50), second.read_u8()).await;
        assert!(early.is_err(), "{early:?}");
        drop(first);
        answered(&mut second).await;
    }

    #[tokio::test]
    async fn who_does_not_ask_is_not_waited_for() {
        let (address, _stop, _serving) =
            start(Bounds { connections: 1, head: Duration::from_millis(1) }).await;
        for begun in [&b""[..], &ASKED[..20]] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(begun).await.unwrap();
            // It ends, with or without a word about it.
            let _ = client.read_to_end(&mut Vec::new()).await;
        }
    }

    #[tokio::test]
    async fn what_is_told_to_stop_ends_when_it_has_answered() {
        let (address, stop, serving) = start(Bounds { connections: 2, head: FOR_EVER }).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(ASKED).await.unwrap();
        answered(&mut idle).await;
        stop.cancel();
        serving.await.unwrap();
        assert_eq!(idle.read(&mut [0]).await.unwrap(), 0, "a connection without a request is closed");
        assert!(TcpStream::connect(address).await.is_err());
    }
}
