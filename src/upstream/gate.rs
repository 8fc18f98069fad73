//! How much may be asked of the origin at once: so many fetches in flight, so many that wait for a place, and each for so
//! long. What is more is turned away at once, before it costs anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The bound of all workers together.
#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    longest_queue: usize,
    longest_wait: Duration,
}

/// A place among the fetches in flight, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Why there was no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// As many as may wait were waiting already.
    QueueFull,
    /// None became free in time.
    WaitTooLong,
}

impl Overload {
    /// The stable name, for the log and for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::WaitTooLong => "wait-too-long",
        }
    }
}

impl Gate {
    pub(super) fn new(places: usize, longest_queue: usize, longest_wait: Duration) -> Self {
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self { places, waiting: AtomicUsize::new(0), longest_queue, longest_wait }
    }

    /// Takes a place, and waits for one where none is free.
    pub(super) async fn enter(&self) -> Result<Place, Overload> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(Place { _permit: permit });
        }
        let _waiting = self.queue()?;
        match timeout(self.longest_wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            // The semaphore is never closed: both mean that none became free.
            Ok(Err(_)) | Err(_) => Err(Overload::WaitTooLong),
        }
    }

    fn queue(&self) -> Result<Waiting<'_>, Overload> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        // Counted from here on, so that it is uncounted whatever happens.
        let waiting = Waiting(&self.waiting);
        if before < self.longest_queue { Ok(waiting) } else { Err(Overload::QueueFull) }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_it_is_dropped() {
        let gate = Gate::new(1, 1, Duration::from_secs(3600));
        let first = gate.enter().await.unwrap();
        let mut second = std::pin::pin!(gate.enter());
        assert!(poll(second.as_mut()).is_pending());
        drop(first);
        assert!(matches!(poll(second.as_mut()), Poll::Ready(Ok(_))));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_turned_away_at_once() {
        let gate = Gate::new(1, 1, Duration::from_secs(3600));
        let _first = gate.enter().await.unwrap();
        {
            let mut waits = std::pin::pin!(gate.enter());
            assert!(poll(waits.as_mut()).is_pending());
            assert_eq!(gate.enter().await.err(), Some(Overload::QueueFull));
        }
        // Who left the queue has made room in it.
        let mut waits = std::pin::pin!(gate.enter());
        assert!(poll(waits.as_mut()).is_pending());
    }

    #[tokio::test]
    async fn who_waits_does_so_for_a_bounded_time() {
        let gate = Gate::new(1, 1, Duration::ZERO);
        let _first = gate.enter().await.unwrap();
        assert_eq!(gate.enter().await.err(), Some(Overload::WaitTooLong));
    }
}
