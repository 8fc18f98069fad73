//! Connections to the origin, and those of one worker that wait for their next request.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use hyper::client::conn::http1::SendRequest;
use tokio::{runtime, time};

use super::{RequestBody, link::Tally};
use crate::observe::{Incident, Sink};

/// A connection that carries one request at a time.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) tally: Arc<Tally>,
}

impl Connection {
    fn is_usable(&self) -> bool {
        self.sender.is_ready() && !self.tally.is_spoiled()
    }
}

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
    pub(super) fn take(&self) -> Option<Connection> {
        let mut idle = self.lock();
        while let Some((_, connection)) = idle.connections.pop_back() {
            if connection.is_usable() {
                return Some(connection);
            }
        }
        None
    }

    /// Takes back a connection whose answer has ended, or is not wanted any more.
    pub(super) fn give_back(self: &Arc<Self>, mut connection: Connection) {
        if connection.tally.is_spoiled() {
            self.sink.happened(Incident::OriginFault("bytes-beyond"));
        } else if connection.sender.is_ready() {
            self.keep(connection);
        } else if !connection.sender.is_closed()
            && let Ok(runtime) = runtime::Handle::try_current()
        {
            // The rest of the request, or of an answer that is not wanted, is still on its way.
            let pool = Arc::clone(self);
            runtime.spawn(async move {
                if connection.sender.ready().await.is_ok() && connection.is_usable() {
                    pool.keep(connection);
                }
            });
        }
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.lock();
        idle.connections.push_back((time::Instant::now(), connection));
        if !std::mem::replace(&mut idle.is_watched, true) {
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Drops the connections that have waited too long. When the next one will have; `None` where none waits.
    fn expire(&self) -> Option<time::Instant> {
        let mut idle = self.lock();
        let now = time::Instant::now();
        while let Some((since, _)) = idle.connections.front() {
            let end = *since + self.longest;
            if end > now {
                return Some(end);
            }
            idle.connections.pop_front();
        }
        idle.is_watched = false;
        None
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
