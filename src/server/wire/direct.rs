//! An answer on its way out without the engine. Its content is all here, and of a hit the head is stored as it is sent: so
//! the engine, which would make a map of the one and frames of the other, has nothing to add.
//!
//! That keeps the order of answers where the engine owes none and has nothing left to write.

use std::{
    cell::RefCell,
    fs::File,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::Stream;
use crate::{
    observe::Account,
    proxy::{Body, Ready, Reply},
};
use bytes::{Buf, Bytes};
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE},
};
use http_body::Body as _;
use hyper::ext::ReasonPhrase;

/// The status of every answer with a head that is ready.
const STATUS_LINE: &[u8] = b"HTTP/1.1 200 OK\r\n";
/// Content up to this size is copied behind its head: one piece is written faster than several.
const COPIED: usize = 8 * 1024;
/// The most pieces of larger content that are written at once.
const PIECES: usize = 8;

thread_local! {
    /// Where heads are put together. Most are written at once, so an answer needs no buffer of its own.
    static HEAD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// An answer that is being written.
#[derive(Debug)]
pub(super) struct Direct {
    answer: Answer,
    /// How much of the head is written, and whether that is all of it.
    written: usize,
    is_in_content: bool,
    /// The length of the content.
    length: usize,
    is_over: bool,
}

#[derive(Debug)]
enum Answer {
    Ready(Box<Ready>),
    /// Its content is beside it.
    Made(Box<Response<Body>>, Bytes),
}

impl Direct {
    /// An answer to HEAD or to another method: a hit that is ready to be sent, or one whose content is all here and that
    /// says nothing of the connection.
    ///
    /// # Errors
    /// The answer, which is for the engine.
    pub(super) fn of(reply: Reply, is_head: bool) -> Result<Self, Reply> {
        let mut response = match reply {
            Reply::Ready(ready) => return Ok(Self::new(Answer::Ready(ready))),
            Reply::Made(response) => response,
        };
        if is_head || !may_be_made(&response) {
            return Err(Reply::Made(response));
        }
        let Some(content) = response.body_mut().take_bytes() else { return Err(Reply::Made(response)) };
        Ok(Self::new(Answer::Made(response, content)))
    }

    fn new(answer: Answer) -> Self {
        let length = answer.left();
        Self { answer, written: 0, is_in_content: false, length, is_over: false }
    }

    /// Writes once, and says how many bytes that were.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut impl Stream>,
    ) -> Poll<io::Result<usize>> {
        if self.is_in_content
            && let Some((file, at)) = self.answer.in_file()
        {
            let written = ready!(stream.poll_write_file(cx, file, at, self.answer.left()))?;
            self.advance(written);
            return Poll::Ready(Ok(written));
        }
        HEAD.with_borrow_mut(|head| {
            head.clear();
            self.answer.put_head(head, self.length);
            let end = head.len();
            let written = if self.answer.in_file().is_some() {
                ready!(stream.poll_write_first(cx, &head[self.written..]))?
            } else if self.length <= COPIED {
                let mut content = [IoSlice::new(&[])];
                self.answer.slices(&mut content);
                head.extend_from_slice(&content[0]);
                ready!(stream.poll_write(cx, &head[self.written..]))?
            } else {
                let mut pieces = [IoSlice::new(&[]); 1 + PIECES];
                pieces[0] = IoSlice::new(&head[self.written..]);
                let count = 1 + self.answer.slices(&mut pieces[1..]);
                ready!(stream.poll_write_vectored(cx, &pieces[..count]))?
            };
            let of_head = written.min(end - self.written);
            self.written += of_head;
            self.is_in_content = self.written == end;
            self.advance(written - of_head);
            Poll::Ready(Ok(written))
        })
    }

    /// Takes note that so many bytes of the content are written.
    fn advance(&mut self, written: usize) {
        self.answer.advance(written);
        self.is_over = self.is_in_content && self.answer.left() == 0;
    }

    /// Whether all of it is written.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// What is to be told when it is over or given up, and how many bytes of content were written.
    pub(super) fn into_account(self) -> (Option<Account>, u64) {
        let left = self.answer.left();
        let account = match self.answer {
            Answer::Ready(ready) => Some(ready.into_account()),
            Answer::Made(mut response, _) => response.body_mut().take_account(),
        };
        (account, (self.length - left) as u64)
    }
}

/// Whether the wire can say where this answer ends, and the connection goes on behind it.
fn may_be_made(response: &Response<Body>) -> bool {
    let status = response.status();
    let has_no_content = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let fields = response.headers();
    let is_stated = |length: u64| {
        let stated = fields.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
        stated.is_none_or(|stated| stated == itoa::Buffer::new().format(length).as_bytes())
    };
    let fits = |length| {
        let of_connection = [CONNECTION, TRANSFER_ENCODING, UPGRADE];
        is_stated(length) && !of_connection.iter().any(|name| fields.contains_key(name))
    };
    let length = response.body().size_hint().exact();
    !has_no_content
        && !status.is_informational()
        && length.is_some_and(|length| fields.is_empty() || fits(length))
}

impl Answer {
    /// How many bytes of the content are not written yet.
    fn left(&self) -> usize {
        match self {
            // No content of another size is held.
            Self::Ready(ready) => usize::try_from(ready.content().left()).unwrap_or(usize::MAX),
            Self::Made(_, content) => content.len(),
        }
    }

    /// The file in which they lie, and where in it, where the system is to send them from there.
    fn in_file(&self) -> Option<(&File, u64)> {
        match self {
            Self::Ready(ready) => ready.content().in_file(),
            Self::Made(..) => None,
        }
    }

    /// Fills `slices` with them as far as they reach, and says how many it took.
    fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        match self {
            Self::Ready(ready) => ready.content().slices(slices),
            Self::Made(_, content) => content.chunks_vectored(slices),
        }
    }

    fn advance(&mut self, written: usize) {
        match self {
            Self::Ready(ready) => ready.content_mut().advance(written),
            Self::Made(_, content) => content.advance(written),
        }
    }

    /// Writes the head, with this length of the content.
    fn put_head(&self, to: &mut Vec<u8>, length: usize) {
        let mut digits = itoa::Buffer::new();
        let [name, digits, end]: [&[u8]; 3] =
            [b"content-length: ", digits.format(length).as_bytes(), b"\r\n\r\n"];
        let response = match self {
            Self::Ready(ready) => {
                let [stored, own] = ready.head().lines();
                return put(to, [STATUS_LINE, stored, own, name, digits, end]);
            }
            Self::Made(response, _) => response,
        };
        let status = response.status();
        let usual = || status.canonical_reason().unwrap_or_default().as_bytes();
        let reason = response.extensions().get().map_or_else(usual, ReasonPhrase::as_bytes);
        put(to, [b"HTTP/1.1 ", status.as_str().as_bytes(), b" ", reason, b"\r\n"]);
        if let Some(lines) = response.body().head() {
            put(to, lines.lines());
        }
        let fields = response.headers();
        for (name, value) in fields {
            put(to, [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
        if fields.contains_key(CONTENT_LENGTH) {
            put(to, [b"\r\n"]);
        } else {
            put(to, [name, digits, end]);
        }
    }
}

#[inline]
fn put<const N: usize>(to: &mut Vec<u8>, parts: [&[u8]; N]) {
    for part in parts {
        to.extend_from_slice(part);
    }
}
