//! From an accepted connection to answered requests.

use std::{
    error::Error,
    future::poll_fn,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Request;
use hyper::{body::Incoming, rt::Write as _, server::conn::http1, service::service_fn};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;

use super::{
    Limits,
    bind::Listener,
    room::{Room, farewell},
    stop::Stop,
    wire::{Desk, Front, Stream, Wire},
};
use crate::{
    key::Scheme,
    proxy::{Peer, Proxy},
};

/// The most bytes that a connection buffers for a client that reads slowly.
const BUFFER: usize = 64 * 1024;
/// What the engine's buffer has beyond the largest head, so that it never finds one too large.
const BEYOND_HEAD: usize = 8 * 1024;
/// How many fields the engine reads without allocating.
const USUAL_FIELDS: usize = 100;
/// The pause after a failed accept: out of descriptors, another try at once would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What a listener needs to let connections in. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    pub(super) proxy: Arc<Proxy>,
    pub(super) limits: Arc<Limits>,
    pub(super) room: Room,
    pub(super) tasks: TaskTracker,
    pub(super) stop: Stop,
}

/// Accepts connections until told to stop.
pub(super) async fn accept(listener: Listener, entrance: Entrance) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = entrance.stop.said() => return,
            accepted = accept_one(&listener, &entrance) => accepted,
        };
        if let Err(error) = accepted {
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn accept_one(listener: &Listener, entrance: &Entrance) -> io::Result<()> {
    match listener {
        Listener::Tcp(tcp) => {
            let (stream, peer) = tcp.accept().await?;
            // A client that has gone already is no reason to stop accepting: serving it will show.
            let _ = stream.set_nodelay(true);
            entrance.let_in(stream, Some(peer.ip()));
        }
        Listener::Unix(unix) => {
            let (stream, _) = unix.accept().await?;
            entrance.let_in(stream, None);
        }
    }
    Ok(())
}

impl Entrance {
    pub(super) fn let_in(&self, stream: impl Stream, address: Option<IpAddr>) {
        if let Some(place) = self.room.enter() {
            self.tasks.spawn(Connection::new(stream, address, self, place));
            return;
        }
        let words = self.proxy.turn_away();
        if let Some(right) = self.room.say_farewell() {
            self.tasks.spawn(farewell(stream, words, right));
        }
    }
}

/// Whether a connection came to its end, or why not.
type Ended = Result<(), Box<dyn Error + Send + Sync>>;

/// A connection, from its first request to its end.
///
/// Its parts are in this order for the sake of hits: see [`Wire`].
#[repr(C)]
struct Connection<S: Stream> {
    stop: Stop,
    /// Whether this task is woken when the word is said.
    is_listening: bool,
    /// Before a request needs the engine, or something else is for it to see.
    alone: Option<Wire<S>>,
    /// From then on. In a place of its own: many connections never need one.
    by_engine: Option<Pin<Box<dyn Future<Output = Ended> + Send>>>,
    said: Pin<Box<dyn Future<Output = ()> + Send>>,
    front: Arc<Front>,
    desk: Desk,
    limits: Arc<Limits>,
    _place: OwnedSemaphorePermit,
}

impl<S: Stream> Connection<S> {
    fn new(stream: S, address: Option<IpAddr>, entrance: &Entrance, place: OwnedSemaphorePermit) -> Self {
        let Entrance { proxy, limits, stop, .. } = entrance.clone();
        proxy.note_connection(true);
        let desk = Desk { proxy, peer: Peer { address, scheme: Scheme::Http } };
        let front = Arc::<Front>::default();
        let wire = Wire::new(stream, Arc::clone(&front), Some(desk.clone()), Arc::clone(&limits));
        let said = Box::pin({
            let stop = stop.clone();
            async move { stop.said().await }
        });
        Self {
            stop,
            is_listening: false,
            alone: Some(wire),
            by_engine: None,
            said,
            front,
            desk,
            limits,
            _place: place,
        }
    }

    /// Answers requests without the engine, until there is something for it.
    fn poll_alone(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(wire) = &mut self.alone else { return Poll::Ready(Ok(())) };
        // A task that listens already is asked nothing more before the word is said.
        let may_be_said = !std::mem::replace(&mut self.is_listening, true) || self.stop.is_said();
        if may_be_said && self.said.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        wire.poll_alone(cx)
    }

    fn poll_to_end(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        ready!(self.poll_alone(cx))?;
        if let Some(wire) = self.alone.take() {
            let (front, desk) = (Arc::clone(&self.front), self.desk.clone());
            let by_engine = serve_by_engine(wire, front, desk, Arc::clone(&self.limits), self.stop.clone());
            self.by_engine = Some(Box::pin(by_engine));
        }
        match &mut self.by_engine {
            Some(by_engine) => by_engine.as_mut().poll(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: Stream> Future for Connection<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let ended = ready!(this.poll_to_end(cx));
        let Desk { proxy, peer } = &this.desk;
        proxy.note_connection(false);
        if let Some(limit) = this.front.gave_up() {
            proxy.gave_up(limit);
        }
        if let Err(error) = ended {
            tracing::debug!(%error, address = ?peer.address, "a connection ended early");
        }
        Poll::Ready(())
    }
}

/// Serves a connection from the first request that needs the engine, to its end.
async fn serve_by_engine(
    wire: Wire<impl Stream>,
    front: Arc<Front>,
    desk: Desk,
    limits: Arc<Limits>,
    stop: Stop,
) -> Ended {
    let service = service_fn(|request: Request<Incoming>| front.answer(&desk, request));
    let mut http = http1::Builder::new();
    // Every answer has its Date already.
    http.header_read_timeout(None)
        .auto_date_header(false)
        .max_buf_size(BUFFER.max(limits.head.head + BEYOND_HEAD));
    if limits.head.fields > USUAL_FIELDS {
        http.max_headers(limits.head.fields);
    }
    let mut connection = http.serve_connection(wire, service);
    tokio::select! {
        // First, so that the answer that is written next says that it is the last one.
        biased;
        () = stop.said() => {
            front.end();
            // What is waited for becomes the engine's, or it would take the connection for idle.
            match poll_fn(|cx| Poll::Ready(connection.poll_without_shutdown(cx))).await {
                Poll::Ready(ended) => ended,
                Poll::Pending => {
                    Pin::new(&mut connection).graceful_shutdown();
                    poll_fn(|cx| connection.poll_without_shutdown(cx)).await
                }
            }
        }
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
    }?;
    // The engine would leave it at that, where a request has asked for another protocol. What is being written without it is
    // still to be written.
    let mut wire = connection.into_parts().io;
    Ok(poll_fn(|cx| Pin::new(&mut wire).poll_shutdown(cx)).await?)
}
