//! The wire to the origin, with a distrustful eye on it: every byte is read by the strict scanner before the protocol
//! engine gets it, so that nothing is passed on, or stored, that could be understood in two ways (RFC 9112).

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};

use super::Fault;
use crate::wire::{AnswerTo, Framing, Head, Limits, Piece, Scanner};

/// The most interim responses before an answer, passed on or not. One or two are usual; who sends this many says nothing
/// that an answer could be expected after.
const MOST_INTERIMS: usize = 64;
/// How much is read from a socket at once, in bytes.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    /// What was read and not looked at yet. Nothing stays in it between two polls, so that one for each worker is enough.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// What a connection's user and its wire know together: what is asked, and what has come of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    asked: AtomicU64,
    asks_for_head: AtomicBool,
    answered: AtomicBool,
    spoiled: AtomicBool,
}

impl Tally {
    /// Another request is about to be sent.
    pub(super) fn begin(&self, request: AnswerTo) {
        self.asks_for_head.store(request == AnswerTo::Head, Ordering::Relaxed);
        self.answered.store(false, Ordering::Relaxed);
        // Publishes the two above to the task that drives the wire.
        self.asked.fetch_add(1, Ordering::Release);
    }

    /// Whether a byte came in answer to the current request.
    pub(super) fn is_answered(&self) -> bool {
        self.answered.load(Ordering::Acquire)
    }

    /// Whether more came than was asked for: nothing that comes after it can be trusted.
    pub(super) fn is_spoiled(&self) -> bool {
        self.spoiled.load(Ordering::Acquire)
    }
}

/// What comes from the origin after what has been passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// More of it.
    Open,
    /// Nothing: the origin ended the connection, or what it goes on to say was not asked for.
    Ended,
    /// What breaks a rule.
    Broken(Fault),
}

/// One connection to the origin.
#[derive(Debug)]
pub(super) struct Link<S> {
    stream: S,
    tally: Arc<Tally>,
    scanner: Scanner,
    flow: Flow,
    /// The number of the request that is being answered.
    request: u64,
    /// Whether its answer is still to come, or to end.
    is_awaited: bool,
    interims: usize,
    /// What was read and not passed on.
    held: BytesMut,
    /// How many bytes of it may be.
    cleared: usize,
}

impl<S> Link<S> {
    pub(super) fn new(stream: S, tally: Arc<Tally>, limits: Limits) -> Self {
        Self {
            stream,
            tally,
            scanner: Scanner::responses(limits),
            flow: Flow::Open,
            request: 0,
            is_awaited: false,
            interims: 0,
            held: BytesMut::new(),
            cleared: 0,
        }
    }

    /// Takes note that bytes are written: those of a new request, or more of the current one.
    fn note_writing(&mut self) {
        let asked = self.tally.asked.load(Ordering::Acquire);
        if asked != self.request {
            self.request = asked;
            self.is_awaited = true;
            self.interims = 0;
            let is_head = self.tally.asks_for_head.load(Ordering::Relaxed);
            self.scanner.expect(if is_head { AnswerTo::Head } else { AnswerTo::Other });
        }
    }

    /// How many of these bytes may be passed on. They begin where the last look at them ended. An answer whose head came
    /// together with what breaks a rule is broken as a whole: of it nothing is, so that it is a 502 and no abort.
    fn clear(&mut self, bytes: &[u8]) -> usize {
        let mut cleared = 0;
        let mut has_head = false;
        while let Some(rest @ [_, ..]) = bytes.get(cleared..)
            && self.flow == Flow::Open
        {
            if !self.is_awaited {
                self.tally.spoiled.store(true, Ordering::Release);
                self.flow = Flow::Ended;
                break;
            }
            match self.scanner.scan(rest) {
                Ok(Piece::Partial) => break,
                Ok(Piece::Head(head)) => match self.note_head(head) {
                    Ok(()) => {
                        cleared += head.length;
                        has_head = true;
                    }
                    Err(fault) => self.flow = Flow::Broken(fault),
                },
                Ok(Piece::Content(length)) => {
                    cleared += length;
                    self.is_awaited = !self.scanner.is_between_messages();
                }
                Err(violation) => self.flow = Flow::Broken(Fault::Wire(violation)),
            }
        }
        if has_head && matches!(self.flow, Flow::Broken(_)) { 0 } else { cleared }
    }

    fn note_head(&mut self, head: Head) -> Result<(), Fault> {
        match head.status {
            Some(101) => return Err(Fault::Switch),
            Some(100..=199) => {
                self.interims += 1;
                if self.interims > MOST_INTERIMS {
                    return Err(Fault::Interims);
                }
            }
            _ => self.is_awaited = !matches!(head.framing, Framing::None | Framing::Length(0)),
        }
        Ok(())
    }

    /// Takes what was read: passes on what is clear, and keeps what is not yet.
    fn take(&mut self, bytes: &[u8], to: &mut ReadBufCursor<'_>) {
        if bytes.is_empty() {
            self.flow = Flow::Ended;
            return;
        }
        if self.is_awaited {
            self.tally.answered.store(true, Ordering::Release);
        }
        if self.held.is_empty() {
            let cleared = self.clear(bytes);
            let (clear, rest) = bytes.split_at(cleared);
            to.put_slice(clear);
            if self.flow == Flow::Open {
                self.held.extend_from_slice(rest);
            }
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            self.cleared = self.clear(&held);
            self.held = held;
            self.pass_on(to);
        }
    }

    /// Passes on what is clear.
    fn pass_on(&mut self, to: &mut ReadBufCursor<'_>) {
        let now = self.cleared.min(to.remaining());
        to.put_slice(&self.held[..now]);
        self.held.advance(now);
        self.cleared -= now;
        if self.held.is_empty() {
            // Most answers come in one piece: no memory is kept for those that did not.
            self.held = BytesMut::new();
        }
    }
}

impl<S: Read + Unpin> Read for Link<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut to: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let room = to.remaining();
        if room == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if this.cleared > 0 {
                this.pass_on(&mut to);
            }
            if to.remaining() < room {
                return Poll::Ready(Ok(()));
            }
            match this.flow {
                Flow::Open => {}
                Flow::Ended => return Poll::Ready(Ok(())),
                Flow::Broken(fault) => return Poll::Ready(Err(io::Error::other(fault))),
            }
            ready!(READ.with_borrow_mut(|scratch| {
                let most = room.min(scratch.len());
                let mut read = ReadBuf::new(&mut scratch[..most]);
                ready!(Pin::new(&mut this.stream).poll_read(cx, read.unfilled()))?;
                this.take(read.filled(), &mut to);
                Poll::Ready(io::Result::Ok(()))
            }))?;
        }
    }
}

impl<S: Write + Unpin> Write for Link<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.note_writing();
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.note_writing();
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
