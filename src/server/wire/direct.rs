//! A hit on its way out without the engine. Its head is stored as it is sent and its content is all here: so the engine,
//! which would make a map of the one and frames of the other, has nothing to add.
//!
//! That keeps the order of answers where the engine owes none and has nothing left to write.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Buf as _;
use tokio::io::AsyncWrite;

use crate::{observe::Account, proxy::Ready};

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
    answer: Ready,
    /// How much of the head is written.
    written: usize,
    /// The length of the content.
    length: usize,
    is_over: bool,
}

impl Direct {
    pub(super) fn new(answer: Ready) -> Self {
        let length = answer.content().remaining();
        Self { answer, written: 0, length, is_over: false }
    }

    /// Writes once, and says how many bytes that were.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut impl AsyncWrite>,
    ) -> Poll<io::Result<usize>> {
        HEAD.with_borrow_mut(|head| {
            head.clear();
            let [stored, own] = self.answer.head().lines();
            let mut digits = itoa::Buffer::new();
            let length = digits.format(self.length).as_bytes();
            for part in [STATUS_LINE, stored, own, b"content-length: ", length, b"\r\n\r\n"] {
                head.extend_from_slice(part);
            }
            let end = head.len();
            let content = self.answer.content();
            let written = if self.length <= COPIED {
                head.extend_from_slice(content.chunk());
                ready!(stream.poll_write(cx, &head[self.written..]))?
            } else {
                let mut pieces = [IoSlice::new(&[]); 1 + PIECES];
                pieces[0] = IoSlice::new(&head[self.written..]);
                let count = 1 + content.chunks_vectored(&mut pieces[1..]);
                ready!(stream.poll_write_vectored(cx, &pieces[..count]))?
            };
            let of_head = written.min(end - self.written);
            self.written += of_head;
            self.answer.advance(written - of_head);
            self.is_over = self.written == end && !self.answer.content().has_remaining();
            Poll::Ready(Ok(written))
        })
    }

    /// Whether all of it is written.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// What is to be told when it is over or given up, and how many bytes of content were written.
    pub(super) fn into_account(mut self) -> (Option<Account>, u64) {
        let left = self.answer.content().remaining();
        (self.answer.take_account(), (self.length - left) as u64)
    }
}
