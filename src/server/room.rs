//! How many connections there may be at a time. Who comes when there is no room is told so, cheaply and early: a server
//! that takes everybody serves nobody.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::wire::Stream;

/// How many connections are told in good order that there is no room; more are only closed.
const MOST_FAREWELLS: usize = 64;
/// How long that may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// The most bytes of a request that are read for it.
const MOST_READ: usize = 64 * 1024;

/// Places for connections, of all workers together.
#[derive(Clone, Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    farewells: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new(connections: usize) -> Self {
        let places = Semaphore::new(connections.min(Semaphore::MAX_PERMITS));
        Self { places: Arc::new(places), farewells: Arc::new(Semaphore::new(MOST_FAREWELLS)) }
    }

    /// A place, if one is free. It is free again when this is dropped.
    pub(super) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// The right to say something to a connection that has no place.
    pub(super) fn say_farewell(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.farewells).try_acquire_owned().ok()
    }
}

/// Says these last words. The request is waited for, so that they are its answer, and what follows it is read, so that
/// no reset overtakes them.
pub(super) async fn farewell(mut stream: impl Stream, words: Vec<u8>, _right: OwnedSemaphorePermit) {
    let saying = async {
        let mut buffer = [0; 4096];
        let mut left = MOST_READ;
        if stream.read(&mut buffer).await? > 0 {
            stream.write_all(&words).await?;
            stream.shutdown().await?;
            while left > 0 {
                match stream.read(&mut buffer).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
        }
        Ok::<_, std::io::Error>(())
    };
    // Who does not listen is not told.
    let _ = tokio::time::timeout(FAREWELL, saying).await;
}
