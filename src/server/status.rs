//! What a running server can say of itself.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::stop::Stop;

/// Whether all listeners accept, and whether the server is about to end. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Status {
    expected: usize,
    accepting: Arc<AtomicUsize>,
    stop: Stop,
}

/// One listener that accepts, for as long as this is there.
#[derive(Debug)]
pub(super) struct Accepting(Arc<AtomicUsize>);

impl Status {
    /// Of a server with so many listeners, none of which accepts yet.
    pub(super) fn new(expected: usize, stop: Stop) -> Self {
        Self { expected, accepting: Arc::default(), stop }
    }

    /// Counts a listener, until what this gives is dropped: a task that panics or ends with its worker is uncounted too.
    pub(super) fn accepts(&self) -> Accepting {
        self.accepting.fetch_add(1, Ordering::Relaxed);
        Accepting(Arc::clone(&self.accepting))
    }

    /// Whether every listener of every worker accepts connections.
    pub fn is_listening(&self) -> bool {
        self.accepting.load(Ordering::Relaxed) == self.expected
    }

    /// Whether the server was told to stop: what is in flight completes, and nothing new is accepted.
    pub fn is_draining(&self) -> bool {
        self.stop.is_said()
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_while_every_listener_does() {
        let status = Status::new(2, Stop::default());
        let first = status.accepts();
        assert!(!status.is_listening());
        let second = status.accepts();
        assert!(status.is_listening());
        drop(first);
        assert!(!status.is_listening());
        drop(second);
    }

    #[test]
    fn it_drains_from_the_moment_at_which_it_is_told_to_stop() {
        let stop = Stop::default();
        let status = Status::new(0, stop.clone());
        assert!(!status.is_draining());
        drop(stop.guard());
        assert!(status.clone().is_draining());
    }
}
