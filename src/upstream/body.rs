//! Bodies on their way: the request's, and a guard against bodies that stand still.

use std::{
    num::NonZeroU64,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::error::causes;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request to the origin.
#[derive(Debug)]
pub struct RequestBody(Content);

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    Streamed { read: Option<Bytes>, rest: IdleTimeout },
}

impl RequestBody {
    /// No content.
    pub fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    /// Content that is all here.
    pub fn whole(bytes: Bytes) -> Self {
        Self(Content::Whole(bytes))
    }

    /// Content that is passed on as it comes, after the part of it that has been read already.
    pub fn streamed(read: Bytes, rest: IdleTimeout) -> Self {
        Self(Content::Streamed { read: Some(read).filter(|bytes| !bytes.is_empty()), rest })
    }

    /// The content, where it is all here.
    pub const fn as_whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Content::Whole(bytes) => Some(bytes),
            Content::Streamed { .. } => None,
        }
    }

    /// Puts these bytes, which were taken from it, before all others.
    pub(super) fn put_first(&mut self, bytes: Bytes) {
        if let Content::Streamed { read: read @ None, .. } = &mut self.0 {
            *read = Some(bytes).filter(|bytes| !bytes.is_empty());
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Content::Whole(bytes) => {
                let bytes = Some(std::mem::take(bytes)).filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            Content::Streamed { read, rest } => match read.take() {
                Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                None => Pin::new(rest).poll_frame(cx),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Streamed { read, rest } => read.is_none() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Streamed { read, rest } => match rest.size_hint().exact() {
                Some(left) => SizeHint::with_exact(left + read.as_ref().map_or(0, Bytes::len) as u64),
                None => SizeHint::default(),
            },
        }
    }
}

/// A body that fails when it stands still for too long or comes too slowly, and whose bytes end with an error where they
/// are cut short.
#[derive(Debug)]
pub struct IdleTimeout<B = Incoming> {
    body: B,
    limit: Duration,
    pace: Option<Pace>,
    /// When everything has taken too long.
    end: Option<Instant>,
    wait: Option<Wait>,
}

impl<B> IdleTimeout<B> {
    /// Guards a body with this limit.
    pub const fn new(body: B, limit: Duration) -> Self {
        Self { body, limit, pace: None, end: None, wait: None }
    }

    /// The same, that fails too when less than this comes in a second, on average and beyond the time that it may stand
    /// still anyway. Only the time counts in which it is waited for.
    #[must_use]
    pub fn at_least(mut self, bytes_per_second: u64) -> Self {
        self.pace = NonZeroU64::new(bytes_per_second).map(Pace::of);
        self
    }

    /// The same, that fails at the end of its time even if it moves.
    pub(super) const fn until(mut self, end: Instant) -> Self {
        self.end = Some(end);
        self
    }

    /// What is guarded.
    pub(super) const fn get_mut(&mut self) -> &mut B {
        &mut self.body
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }

    fn start_waiting(&self) -> Wait {
        let since = Instant::now();
        let stalled = (since + self.limit, Late::Stalled);
        let slow = self.pace.map(|pace| (since + pace.left(self.limit), Late::Slow));
        let over = self.end.map(|end| (end, Late::Over));
        let others = [slow, over].into_iter().flatten();
        let (deadline, late) =
            others.fold(stalled, |first, other| if other.0 < first.0 { other } else { first });
        Wait { since, timer: Box::pin(sleep_until(deadline)), late }
    }
}

/// How fast a body has to come, and how fast it came.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// The least bytes a second.
    rate: NonZeroU64,
    received: u64,
    waited: Duration,
}

impl Pace {
    const fn of(rate: NonZeroU64) -> Self {
        Self { rate, received: 0, waited: Duration::ZERO }
    }

    /// How much longer it may be waited for, beside this grace.
    fn left(&self, grace: Duration) -> Duration {
        let earned = Duration::from_millis(self.received.saturating_mul(1000) / self.rate);
        grace.saturating_add(earned).saturating_sub(self.waited)
    }
}

/// A wait for more of a body.
#[derive(Debug)]
struct Wait {
    since: Instant,
    timer: Pin<Box<Sleep>>,
    /// What it is when the timer rings.
    late: Late,
}

/// How a body did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// It stood still for too long.
    Stalled,
    /// It came too slowly.
    Slow,
    /// All of it took too long.
    Over,
}

impl Late {
    /// What was late, if an error comes of that.
    pub fn behind(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| cause.downcast_ref().copied())
    }
}

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stalled => "the body stood still for too long",
            Self::Slow => "the body came too slowly",
            Self::Over => "the exchange took too long",
        })
    }
}

impl std::error::Error for Late {}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin> Body for IdleTimeout<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            let waited = this.wait.take().map(|wait| wait.since.elapsed());
            if frame.is_some() && !this.body.is_end_stream() && this.is_over() {
                return Poll::Ready(Some(Err(Late::Over.into())));
            }
            if let Some(pace) = &mut this.pace {
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                pace.received += data.map_or(0, Bytes::len) as u64;
                pace.waited += waited.unwrap_or_default();
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let mut wait = this.wait.take().unwrap_or_else(|| this.start_waiting());
        if wait.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err(wait.late.into())));
        }
        this.wait = Some(wait);
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_buys_time_and_waiting_spends_it() {
        let mut pace = Pace::of(NonZeroU64::new(500).unwrap());
        let grace = Duration::from_secs(30);
        assert_eq!(pace.left(grace), grace);
        pace.received = 1250;
        assert_eq!(pace.left(grace), Duration::from_millis(32_500));
        pace.waited = Duration::from_millis(32_400);
        assert_eq!(pace.left(grace), Duration::from_millis(100));
        pace.waited = Duration::from_secs(33);
        assert_eq!(pace.left(grace), Duration::ZERO);
        pace.received = u64::MAX;
        assert!(pace.left(grace) > Duration::from_secs(1 << 30));
    }
}
