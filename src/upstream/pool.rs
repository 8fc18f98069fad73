//! Connections to the origin, and those of one worker that wait for their next request.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Waker},
    time::Duration,
};

use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time};

use super::line::Line;
use crate::observe::{Incident, Sink};

/// How often connections that wait are looked at, for those that the origin has closed.
const LOOK: Duration = Duration::from_secs(1);

/// A connection that carries one request at a time. In a place of its own: it goes through many hands.
pub(super) type Connection = Box<Line<MaybeHttpsStream<TokioIo<TcpStream>>>>;

/// The connections of one worker that wait for their next request.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    longest: Duration,
    sink: Arc<dyn Sink>,
}

#[derive(Debug, Default)]
struct Idle {
    /// Those that have waited longest come first.
    connections: VecDeque<(time::Instant, Connection)>,
    is_watched: bool,
}

impl Pool {
    /// An empty pool, in which no connection waits longer than this.
    pub(super) fn new(longest: Duration, sink: Arc<dyn Sink>) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), longest, sink })
    }

    /// Tells the sink.
    pub(super) fn note(&self, incident: Incident<'_>) {
        self.sink.happened(incident);
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last: it is the least likely to be closed by the other side.
    pub(super) fn take(&self, cx: &mut Context<'_>, now: time::Instant) -> Option<Connection> {
        let mut idle = self.lock();
        while let Some((since, mut connection)) = idle.connections.pop_back() {
            if since + self.longest > now && connection.is_usable(cx) {
                return Some(connection);
            }
        }
        None
    }

    /// Takes back a connection whose answer has ended, or is not wanted any more.
    pub(super) fn give_back(self: &Arc<Self>, connection: Connection) {
        if connection.is_spoiled() {
            self.sink.happened(Incident::OriginFault("bytes-beyond"));
        } else if connection.is_at_rest() {
            self.keep(connection);
        }
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.lock();
        idle.connections.push_back((time::Instant::now(), connection));
        if !std::mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Drops the connections that have waited too long, or that the origin has closed. When to look again; `None` where
    /// none waits.
    fn expire(&self) -> Option<time::Instant> {
        let mut idle = self.lock();
        let now = time::Instant::now();
        let mut nobody = Context::from_waker(Waker::noop());
        idle.connections.retain_mut(|(since, connection)| {
            *since + self.longest > now && connection.is_usable(&mut nobody)
        });
        let next = idle.connections.front().map(|(since, _)| (*since + self.longest).min(now + LOOK));
        idle.is_watched = next.is_some();
        next
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("idle", &self.idle).finish_non_exhaustive()
    }
}

async fn watch(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.expire()) {
        time::sleep_until(next).await;
    }
}
