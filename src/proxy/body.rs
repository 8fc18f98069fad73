//! The content of a response, wherever it comes from.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::{ReadyHead, ahead::Frames, multipart::Ranges};
use crate::{
    observe::Account,
    store::{Chunks, Follower},
    upstream::Content,
};

/// The content of a response, and its head where that is ready to be sent.
#[derive(Debug)]
pub struct Body {
    source: Source,
    head: Option<ReadyHead>,
    /// What is to be told when it is over.
    pub(super) account: Option<Account>,
}

#[derive(Debug)]
enum Source {
    /// All here.
    Bytes(Option<Bytes>),
    /// From the store.
    Stored(Chunks),
    /// Several ranges from the store.
    Ranges(Box<Ranges>),
    /// From a fill in progress; the length where it is known.
    Filling { follower: Box<Follower>, left: Option<u64>, at_trailers: bool },
    /// From the origin, as it comes.
    Origin(Box<Content>),
    /// What came first, and then the rest; the length where it is known.
    Begun { frames: Frames, then: Box<Body>, left: Option<u64> },
}

impl Body {
    /// No content.
    pub const fn empty() -> Self {
        Self::of(Source::Bytes(None))
    }

    const fn of(source: Source) -> Self {
        Self { source, head: None, account: None }
    }

    /// The same content under a head that is ready.
    pub(super) fn under(self, head: ReadyHead) -> Self {
        Self { head: Some(head), ..self }
    }

    /// The lines of the head that are not among the response's fields.
    pub const fn head(&self) -> Option<&ReadyHead> {
        self.head.as_ref()
    }

    /// Takes the lines of the head that are not among the response's fields.
    pub const fn take_head(&mut self) -> Option<ReadyHead> {
        self.head.take()
    }

    /// Takes the content, where all of it is here in one piece.
    pub fn take_bytes(&mut self) -> Option<Bytes> {
        match &mut self.source {
            Source::Bytes(bytes) => Some(bytes.take().unwrap_or_default()),
            _ => None,
        }
    }

    /// Takes what is to be told when the content is over.
    pub const fn take_account(&mut self) -> Option<Account> {
        self.account.take()
    }

    /// Content that is all here.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self::of(Source::Bytes(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    pub(super) const fn stored(chunks: Chunks) -> Self {
        Self::of(Source::Stored(chunks))
    }

    pub(super) fn ranges(ranges: Ranges) -> Self {
        Self::of(Source::Ranges(Box::new(ranges)))
    }

    pub(super) fn filling(follower: Follower, length: Option<u64>) -> Self {
        Self::of(Source::Filling { follower: Box::new(follower), left: length, at_trailers: false })
    }

    pub(super) fn begun(frames: Frames, then: Self, length: Option<u64>) -> Self {
        Self::of(Source::Begun { frames, then: Box::new(then), left: length })
    }

    pub(super) fn origin(body: Content) -> Self {
        Self::of(Source::Origin(Box::new(body)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut self.get_mut().source {
            Source::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Source::Stored(chunks) => Poll::Ready(chunks.next().map(frame)),
            Source::Ranges(ranges) => Poll::Ready(ranges.next().map(frame)),
            Source::Filling { follower, left, at_trailers } => match ready!(follower.poll_next(cx)) {
                Some(Ok(bytes)) => {
                    *left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                    Poll::Ready(Some(Ok(Frame::data(bytes))))
                }
                Some(Err(error)) => Poll::Ready(Some(Err(error.into()))),
                None if std::mem::replace(at_trailers, true) => Poll::Ready(None),
                None => Poll::Ready(follower.trailers().map(|trailers| Ok(Frame::trailers(trailers)))),
            },
            Source::Origin(body) => Pin::new(body.as_mut()).poll_frame(cx),
            Source::Begun { frames, then, left } => {
                let next = match frames.pop_front() {
                    Some(frame) => Some(frame),
                    None => ready!(Pin::new(then.as_mut()).poll_frame(cx)),
                };
                let data = next.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                let sent = data.map_or(0, Bytes::len) as u64;
                *left = left.map(|left| left.saturating_sub(sent));
                Poll::Ready(next)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Bytes(bytes) => bytes.is_none(),
            Source::Stored(chunks) => chunks.left() == 0,
            Source::Ranges(ranges) => ranges.remaining() == 0,
            Source::Filling { left, .. } => *left == Some(0),
            Source::Origin(body) => body.is_end_stream(),
            Source::Begun { frames, then, left } => {
                *left == Some(0) || (frames.is_empty() && then.is_end_stream())
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Bytes(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Source::Stored(chunks) => SizeHint::with_exact(chunks.left()),
            Source::Ranges(ranges) => SizeHint::with_exact(ranges.remaining()),
            Source::Filling { left: Some(left), .. } | Source::Begun { left: Some(left), .. } => {
                SizeHint::with_exact(*left)
            }
            Source::Filling { left: None, .. } | Source::Begun { left: None, .. } => SizeHint::default(),
            Source::Origin(body) => body.size_hint(),
        }
    }
}

/// What was read of stored content, as content of a response.
fn frame(bytes: io::Result<Bytes>) -> Result<Frame<Bytes>, <Body as HttpBody>::Error> {
    Ok(Frame::data(bytes?))
}
