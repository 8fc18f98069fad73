//! The word that ends a server's connections. Each of them waits for it as long as it lives, and is woken for each
//! request: so to find that it was not said yet costs one load.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, Waker},
};

use tokio_util::sync::CancellationToken;

/// Whether it is time to stop. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop {
    token: CancellationToken,
    /// Set before the token is: who is woken by the one sees the other.
    is_said: Arc<AtomicBool>,
}

/// Says it when it is dropped.
#[derive(Debug)]
pub(super) struct StopGuard(Stop);

impl Stop {
    /// What says it.
    pub(super) fn guard(self) -> StopGuard {
        StopGuard(self)
    }

    /// Whether it was said.
    pub(super) fn is_said(&self) -> bool {
        self.is_said.load(Ordering::Acquire)
    }

    /// Waits until it is said.
    ///
    /// The token takes two locks each time it is asked, which all connections of all workers share. It has to know the
    /// task that waits, and a task need not tell it twice.
    pub(super) async fn said(&self) {
        let mut cancelled = pin!(self.token.cancelled());
        let mut known: Option<Waker> = None;
        poll_fn(|cx| {
            let is_known = known.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
            if is_known && !self.is_said() {
                return Poll::Pending;
            }
            if !is_known {
                known = Some(cx.waker().clone());
            }
            cancelled.as_mut().poll(cx)
        })
        .await;
    }
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.0.is_said.store(true, Ordering::Release);
        self.0.token.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::task::Context;

    use super::*;

    #[tokio::test]
    async fn who_waits_is_woken_by_the_word_and_who_comes_later_does_not_wait() {
        let stop = Stop::default();
        let waits = tokio::spawn({
            let stop = stop.clone();
            async move { stop.said().await }
        });
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(stop.clone().guard());
        waits.await.unwrap();
        stop.said().await;
    }

    #[tokio::test]
    async fn the_task_that_asked_last_is_woken() {
        let stop = Stop::default();
        let guard = stop.clone().guard();
        let mut said = Box::pin(async move { stop.said().await });
        assert!(said.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let waits = tokio::spawn(said);
        tokio::task::yield_now().await;
        drop(guard);
        waits.await.unwrap();
    }
}
