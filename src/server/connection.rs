//! From an accepted connection to answered requests.

use std::{
    future::poll_fn,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;

use super::{
    Limits,
    bind::Listener,
    room::{Room, farewell},
    stop::Stop,
    wire::{Front, Patience, Stream, Wire},
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
    pub(super) limits: Limits,
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
            self.tasks.spawn(serve(stream, address, self.clone(), place));
            return;
        }
        let words = self.proxy.turn_away();
        if let Some(right) = self.room.say_farewell() {
            self.tasks.spawn(farewell(stream, words, right));
        }
    }
}

/// Serves one connection, from its first request to its end.
async fn serve(
    stream: impl Stream,
    address: Option<IpAddr>,
    entrance: Entrance,
    _place: OwnedSemaphorePermit,
) {
    let Entrance { proxy, limits, stop, .. } = entrance;
    let peer = Peer { address, scheme: Scheme::Http };
    proxy.note_connection(true);
    let front = Arc::new(Front::of(Arc::clone(&proxy), peer));
    let patience =
        Patience { head: limits.head_timeout, idle: limits.idle_timeout, write: limits.write_timeout };
    let wire = Wire::new(stream, Arc::clone(&front), limits.head, patience);
    let ended = match Alone::new(&stop, wire).await {
        Ok(wire) => serve_by_engine(wire, &front, &proxy, peer, &limits, &stop)
            .await
            .map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    proxy.note_connection(false);
    if let Some(limit) = front.gave_up() {
        proxy.gave_up(limit);
    }
    if let Err(error) = ended {
        tracing::debug!(%error, ?address, "a connection ended early");
    }
}

/// A connection that has needed no engine yet. It ends with what the engine is to go on with.
///
/// Its parts are in this order for the sake of hits: see [`Wire`].
#[repr(C)]
struct Alone<S: Stream> {
    stop: Stop,
    /// Whether this task is woken when the word is said.
    is_listening: bool,
    wire: Option<Wire<S>>,
    said: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl<S: Stream> Alone<S> {
    fn new(stop: &Stop, wire: Wire<S>) -> Self {
        let said = Box::pin({
            let stop = stop.clone();
            async move { stop.said().await }
        });
        Self { stop: stop.clone(), is_listening: false, wire: Some(wire), said }
    }
}

impl<S: Stream> Future for Alone<S> {
    type Output = io::Result<Wire<S>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // A task that listens already is asked nothing more before the word is said.
        let may_be_said = !std::mem::replace(&mut this.is_listening, true) || this.stop.is_said();
        let is_said = may_be_said && this.said.as_mut().poll(cx).is_ready();
        let alone = match &mut this.wire {
            Some(wire) if !is_said => ready!(wire.poll_alone(cx)),
            _ => Ok(()),
        };
        match (alone, this.wire.take()) {
            (Ok(()), Some(wire)) => Poll::Ready(Ok(wire)),
            (Err(error), _) => Poll::Ready(Err(error)),
            // It is not polled once it was ready.
            (Ok(()), None) => Poll::Pending,
        }
    }
}

/// Serves a connection from the first request that needs the engine, to its end.
async fn serve_by_engine(
    wire: Wire<impl Stream>,
    front: &Arc<Front>,
    proxy: &Proxy,
    peer: Peer,
    limits: &Limits,
    stop: &Stop,
) -> hyper::Result<()> {
    let service = service_fn(|request: Request<Incoming>| front.answer(proxy, request, peer));
    let mut http = http1::Builder::new();
    // Every answer has its Date already.
    http.header_read_timeout(None)
        .auto_date_header(false)
        .max_buf_size(BUFFER.max(limits.head.head + BEYOND_HEAD));
    if limits.head.fields > USUAL_FIELDS {
        http.max_headers(limits.head.fields);
    }
    // In a place of its own: many connections never need one.
    let mut connection = Box::pin(http.serve_connection(wire, service));
    tokio::select! {
        // First, so that the answer that is written next says that it is the last one.
        biased;
        () = stop.said() => {
            front.end();
            // What is waited for becomes the engine's, or it would take the connection for idle.
            match poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx))).await {
                Poll::Ready(ended) => ended,
                Poll::Pending => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
        ended = connection.as_mut() => ended,
    }
}
