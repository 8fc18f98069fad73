//! Listeners and workers: one single-threaded runtime for each worker, everything else process-wide.
//!
//! A worker's runtime ends only when a process-wide tracker of connections and fills is empty, or when the time for
//! draining is over: a fill runs on its leader's worker, and other workers' clients may follow it.

mod bind;
mod connection;
mod room;
mod status;
mod stop;
mod wire;

use std::{sync::Arc, thread, time::Duration};

use tokio::runtime;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use bind::{BindError, Bound, Listen, bind};
pub use status::Status;
pub use wire::Stream;

use crate::{
    proxy::{Proxy, Shared},
    upstream::{Origin, Upstream},
};
use bind::Socket;
use connection::Entrance;
use room::Room;
use stop::{Stop, StopGuard};

/// What clients may take: bytes, time, and connections.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How large a head may be.
    pub head: crate::wire::Limits,
    /// How long a head may take, from its first byte on.
    pub head_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How long a client may take no byte of an answer.
    pub write_timeout: Duration,
    /// The most connections at a time, over all workers.
    pub max_connections: usize,
}

/// A running server: its workers, and the means to end it. Dropped, it ends at once.
#[derive(Debug)]
pub struct Running {
    stop: StopGuard,
    ended: DropGuard,
    tasks: TaskTracker,
    workers: Vec<thread::JoinHandle<()>>,
    addresses: Vec<Listen>,
    status: Status,
}

/// Starts the workers on what was bound.
///
/// # Errors
/// A worker's thread or runtime cannot be made.
pub fn start(
    bound: Bound,
    shared: &Arc<Shared>,
    origin: &Arc<Origin>,
    limits: Limits,
    tasks: TaskTracker,
) -> std::io::Result<Running> {
    let (stop, ended) = (Stop::default(), CancellationToken::new());
    let mut workers = Vec::with_capacity(bound.workers.len());
    let addresses = bound.addresses;
    let room = Room::new(limits.max_connections);
    let status = Status::new(bound.workers.iter().map(Vec::len).sum(), stop.clone());
    for (number, sockets) in bound.workers.into_iter().enumerate() {
        let proxy = Arc::new(Proxy::new(Arc::clone(shared), Upstream::new(Arc::clone(origin))));
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let entrance = Entrance {
            proxy,
            limits: Arc::new(limits),
            room: room.clone(),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        let (status, ended) = (status.clone(), ended.clone());
        let worker = move || runtime.block_on(work(sockets, entrance, status, ended));
        workers.push(thread::Builder::new().name(format!("worker-{number}")).spawn(worker)?);
    }
    Ok(Running { stop: stop.guard(), ended: ended.drop_guard(), tasks, workers, addresses, status })
}

/// Serves one connection that is there already, to its end: all that a worker does but to accept it, so that a bench can
/// count its instructions.
pub async fn serve_one(stream: impl Stream, proxy: Arc<Proxy>, limits: Limits) {
    let (tasks, stop) = (TaskTracker::new(), Stop::default());
    Entrance { proxy, limits: Arc::new(limits), room: Room::new(1), tasks: tasks.clone(), stop }
        .let_in(stream, None);
    tasks.close();
    tasks.wait().await;
}

impl Running {
    /// Where clients connect, with the ports that the system chose.
    pub fn addresses(&self) -> &[Listen] {
        &self.addresses
    }

    /// What can be said of it while it runs.
    pub fn status(&self) -> Status {
        self.status.clone()
    }

    /// Stops accepting, lets what is in flight complete for at most this long, and ends the workers. Says whether
    /// everything completed.
    pub async fn drain(self, limit: Duration) -> bool {
        drop(self.stop);
        self.tasks.close();
        let completed = tokio::time::timeout(limit, self.tasks.wait()).await.is_ok();
        drop(self.ended);
        for worker in self.workers {
            if worker.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
        for address in &self.addresses {
            address.clean_up();
        }
        completed
    }
}

/// One worker: accepts until it is told to stop, and stays until everything in flight has ended.
async fn work(sockets: Vec<Socket>, entrance: Entrance, status: Status, ended: CancellationToken) {
    for socket in sockets {
        match socket.into_listener() {
            Ok(listener) => {
                let (accepting, entrance) = (status.accepts(), entrance.clone());
                tokio::spawn(async move {
                    let _accepting = accepting;
                    connection::accept(listener, entrance).await;
                });
            }
            Err(error) => tracing::error!(%error, "a listener cannot be used"),
        }
    }
    ended.cancelled().await;
}
