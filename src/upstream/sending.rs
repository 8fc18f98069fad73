//! A request on its way to the origin: its bytes on the wire (RFC 9112 sections 6 and 7.1).

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HOST,
        MAX_FORWARDS, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
    },
};
use http_body::Body as _;
use hyper::rt::Write;
use tokio::time::Instant;

use super::{
    UpstreamError,
    outgoing::{Outgoing, put_field},
};

/// Fields that have no place behind the content, whatever a Trailer says (RFC 9110 section 6.5.1).
static ONLY_IN_HEAD: [HeaderName; 12] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    HOST,
    MAX_FORWARDS,
    SET_COOKIE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
];

/// A request that is being sent.
#[derive(Debug)]
pub(super) struct Sending {
    request: Box<Outgoing>,
    /// How much of its head is written.
    written: usize,
    content: Left,
    /// What is written next, after the head: the line of a chunk's size, then content, then what ends a chunk.
    before: BytesMut,
    data: Bytes,
    after: &'static [u8],
    /// Whether any of it may have been written.
    is_begun: bool,
    is_flushed: bool,
    /// Whether the origin took no more of it for now.
    is_blocked: bool,
    /// When it last moved, and who is to move next.
    since: Instant,
    waits: Waits,
}

/// How much content is still to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Bytes(u64),
    Chunks,
    Nothing,
}

/// For whom a request waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// The origin, which takes it or answers.
    ForOrigin,
    /// The client: its content has a guard of its own.
    ForClient,
}

impl Sending {
    pub(super) fn new(request: Box<Outgoing>, now: Instant) -> Self {
        // What is all here is sent from a clone: the request stays whole, in case that it is sent again.
        let (data, content) = match request.body.as_whole() {
            Some(bytes) => (bytes.clone(), Left::Nothing),
            None => match request.body.size_hint().exact() {
                Some(0) => (Bytes::new(), Left::Nothing),
                Some(length) => (Bytes::new(), Left::Bytes(length)),
                None => (Bytes::new(), Left::Chunks),
            },
        };
        Self {
            request,
            written: 0,
            content,
            before: BytesMut::new(),
            data,
            after: &[],
            is_begun: false,
            is_flushed: false,
            is_blocked: false,
            since: now,
            waits: Waits::ForOrigin,
        }
    }

    /// Whether a byte of it may have been sent.
    pub(super) const fn has_begun(&self) -> bool {
        self.is_begun
    }

    /// The request, where nothing of its content is lost.
    pub(super) fn into_request(self) -> Option<Box<Outgoing>> {
        let Self { mut request, data, is_begun, .. } = self;
        if request.body.as_whole().is_some() {
            return Some(request);
        }
        (!is_begun).then(|| {
            request.body.put_first(data);
            request
        })
    }

    /// Whether all of it was sent.
    pub(super) fn is_over(&self) -> bool {
        self.content == Left::Nothing && self.is_written() && self.is_flushed
    }

    fn is_written(&self) -> bool {
        self.is_head_written() && self.before.is_empty() && self.data.is_empty() && self.after.is_empty()
    }

    fn is_head_written(&self) -> bool {
        self.written == self.request.head.text.len()
    }

    /// When the origin has not moved for this long, though it is its turn; later than `now` where it is not.
    pub(super) fn deadline(&self, limit: Duration, now: Instant) -> Instant {
        match self.waits {
            Waits::ForOrigin => self.since + limit,
            Waits::ForClient => now + limit,
        }
    }

    /// Writes what there is to be written.
    pub(super) fn poll<S: Write + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<Result<(), UpstreamError>> {
        let mut stream = Pin::new(stream);
        loop {
            if self.data.is_empty() && self.after.is_empty() && self.content != Left::Nothing {
                let waits_for_client = self.poll_content(cx)?.is_pending();
                self.waits = if waits_for_client { Waits::ForClient } else { Waits::ForOrigin };
                if waits_for_client && self.is_written() {
                    ready!(stream.as_mut().poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
            if self.is_written() {
                ready!(stream.as_mut().poll_flush(cx))?;
                self.is_flushed = true;
                return Poll::Ready(Ok(()));
            }
            let Poll::Ready(written) = self.poll_write(cx, stream.as_mut()) else {
                self.is_blocked = true;
                return Poll::Pending;
            };
            let written = written?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.is_begun = true;
            if std::mem::take(&mut self.is_blocked) {
                self.since = Instant::now();
            }
            self.note_written(written);
        }
    }

    fn poll_write<S: Write>(&self, cx: &mut Context<'_>, stream: Pin<&mut S>) -> Poll<io::Result<usize>> {
        let head = &self.request.head.text[self.written..];
        // One piece is written faster by itself.
        if self.before.is_empty() && self.data.is_empty() && self.after.is_empty() {
            return stream.poll_write(cx, head);
        }
        let slices = [head, &*self.before, &*self.data, self.after].map(IoSlice::new);
        let first = slices.iter().position(|slice| !slice.is_empty()).unwrap_or_default();
        stream.poll_write_vectored(cx, &slices[first..])
    }

    fn note_written(&mut self, mut written: usize) {
        let now = written.min(self.request.head.text.len() - self.written);
        self.written += now;
        written -= now;
        let now = written.min(self.before.len());
        self.before.advance(now);
        written -= now;
        let now = written.min(self.data.len());
        self.data.advance(now);
        written -= now;
        self.after = &self.after[written..];
    }

    /// Takes the next part of the content.
    fn poll_content(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, UpstreamError> {
        let Poll::Ready(frame) = Pin::new(&mut self.request.body).poll_frame(cx) else {
            return Ok(Poll::Pending);
        };
        if self.is_begun {
            self.since = Instant::now();
        }
        let frame = frame.transpose().map_err(|error| UpstreamError::of_content(&*error))?;
        match (frame.map(http_body::Frame::into_data), self.content) {
            (Some(Ok(data)), Left::Bytes(left)) => {
                let left = left.checked_sub(data.len() as u64).ok_or(UpstreamError::ClientBody)?;
                self.content = if left == 0 { Left::Nothing } else { Left::Bytes(left) };
                self.data = data;
            }
            (Some(Ok(data)), Left::Chunks) => {
                if !data.is_empty() {
                    self.before.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                    (self.data, self.after) = (data, b"\r\n");
                }
            }
            (Some(Err(frame)), Left::Chunks) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                self.end_chunks(&trailers);
            }
            (None, Left::Chunks) => self.end_chunks(&HeaderMap::new()),
            (None, Left::Bytes(_)) => return Err(UpstreamError::ClientBody),
            (Some(Err(_)), Left::Bytes(_)) | (_, Left::Nothing) => {}
        }
        Ok(Poll::Ready(()))
    }

    /// Ends content in chunks, with those trailers that were announced.
    fn end_chunks(&mut self, trailers: &HeaderMap) {
        let announced = self.request.head.announced.iter().filter_map(|line| line.to_str().ok());
        let announced: Vec<&str> = announced.flat_map(|line| line.split(',')).map(str::trim).collect();
        let goes = |name: &HeaderName| {
            announced.iter().any(|other| other.eq_ignore_ascii_case(name.as_str()))
                && !ONLY_IN_HEAD.contains(name)
        };
        self.before.extend_from_slice(b"0\r\n");
        for (name, value) in trailers.iter().filter(|(name, _)| goes(name)) {
            put_field(&mut self.before, name, value);
        }
        self.before.extend_from_slice(b"\r\n");
        self.content = Left::Nothing;
    }
}
