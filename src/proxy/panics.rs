//! A panic is a fault of the proxy, and fails the one request that met it: its client is told, and its connection and
//! everybody else's go on.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

/// A panic, whose message is in the log already.
#[derive(Debug)]
pub(super) struct Panicked;

/// Does this, and takes a panic in it for its end.
pub(super) fn caught_now<T>(act: impl FnOnce() -> T) -> Result<T, Panicked> {
    // As below: what a panic leaves behind is dropped.
    catch_unwind(AssertUnwindSafe(act)).map_err(|_| Panicked)
}

/// Waits for the future, and takes a panic in it for its end.
pub(super) async fn caught<T>(
    mut future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
) -> Result<T, Panicked> {
    // Whatever a panic leaves behind in the future is dropped with it. What outlives it is behind locks that hold no
    // state between two steps, and does not mind a poisoned one.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}
