//! The strict front: the socket of a client, as the protocol engine sees it. Bytes are scanned before the engine gets
//! them, and it gets only what is cleared; see [`crate::wire`] for the rules.
//!
//! A head that breaks a rule is replaced by a harmless one, and the service answers it with what was wrong: so the engine
//! never refuses anything in its own words, and the order of pipelined answers holds. Content that breaks a rule is a
//! read error. An answer that is all here goes out from here, and the engine does not hear of it: a connection has none
//! before there is something for it. The wire also owns the time that a head may take, that a connection may be idle, and
//! that a reader may stall; and it ends a connection so that a last answer is not lost to a reset (RFC 9112 section 9.6).

mod desk;
mod direct;
mod front;
mod request;
mod stream;
#[cfg(test)]
mod tests;
mod waiting;
mod write;

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor};
use tokio::{io::ReadBuf, time::Instant};

pub(super) use desk::Desk;
pub(super) use front::Front;
pub use stream::Stream;

use super::Limits;
use crate::{
    upstream::Alarm,
    wire::{Framing, Head, Piece, Scanner, Version, Violation},
};
use direct::Direct;
use waiting::{Start, Waiting};
use write::Closing;

/// What the engine gets in place of a head that is refused.
const POISON: &[u8] = b"GET / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n\r\n";
/// How long a client that has ended its side is sent nothing until it counts as gone.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// The most bytes that are read at once where the engine has not said how many it takes.
const ALONE: usize = 8 * 1024;
/// The most bytes that are read in one step.
const SCRATCH: usize = 64 * 1024;

thread_local! {
    /// Where bytes are read to. Most are passed on at once, so a connection needs no buffer of its own.
    static READ_TO: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// How far the reading of a connection has come.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// Bytes are read and scanned.
    Open,
    /// What is left of the head that stands for a refused one. Nothing is read behind it.
    Poison(&'static [u8]),
    /// Content broke a rule.
    Broken(Violation),
    /// The client has ended its side.
    Ended,
}

/// A client's socket behind the scanner.
///
/// What a hit looks at comes first, down to the first fields of the scanner: of thousands of connections none is in the
/// processor's caches, and these lines of memory are all that is fetched.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Wire<S: Stream> {
    stream: S,
    /// Nobody's, where there is only a wire.
    desk: Option<Desk>,
    /// What was read and not passed on. Its first bytes are cleared, if any are.
    held: Vec<u8>,
    cleared: usize,
    /// An answer that is waited for before anything else is passed on. Its request is what is cleared.
    waiting: Option<Box<Waiting>>,
    /// Whether the message that was passed on last asked for another protocol.
    asks_for_upgrade: bool,
    /// Whether there was a request.
    was_asked: bool,
    /// Whether the engine has begun to read.
    has_engine: bool,
    /// When a byte last moved, and since when a part of a head has been there. The clock is read when there is something
    /// to wait for: until then it is only noted that one did.
    has_moved: bool,
    active: Instant,
    head_since: Option<Instant>,
    alarm: Alarm,
    reading: Reading,
    /// Since when the client has taken nothing of an answer.
    stalled_since: Option<Instant>,
    /// An answer that the client takes slowly. It is written before anything else is read.
    direct: Option<Box<Direct>>,
    limits: Arc<Limits>,
    scanner: Scanner,
    front: Arc<Front>,
    /// How many messages were passed on.
    messages: u64,
    /// How many answers were waited for here.
    begun: u64,
    writing: write::Writing,
    closing: Closing,
}

impl<S: Stream> Wire<S> {
    pub(super) fn new(stream: S, front: Arc<Front>, desk: Option<Desk>, limits: Arc<Limits>) -> Self {
        Self {
            stream,
            front,
            desk,
            has_engine: false,
            scanner: Scanner::requests(limits.head),
            limits,
            reading: Reading::Open,
            held: Vec::new(),
            cleared: 0,
            waiting: None,
            begun: 0,
            stalled_since: None,
            direct: None,
            was_asked: false,
            messages: 0,
            asks_for_upgrade: false,
            active: Instant::now(),
            has_moved: false,
            head_since: None,
            alarm: Alarm::default(),
            closing: Closing::default(),
            writing: write::Writing::default(),
        }
    }

    /// Passes on what is cleared of these bytes, as far as there is room. Says how many that were, and with which answer
    /// to go on that needs no engine.
    fn pass_on(&mut self, bytes: &[u8], to: &mut ReadBufCursor<'_>) -> (usize, Option<Direct>) {
        let mut passed = 0;
        loop {
            let now = self.cleared.min(to.remaining());
            to.put_slice(&bytes[passed..passed + now]);
            passed += now;
            self.cleared -= now;
            if self.cleared > 0 || self.waits_for_answer() {
                return (passed, None);
            }
            // What the engine is given in one read with a head comes first.
            let may_go_direct = passed == 0 && self.is_engine_at_rest();
            let in_content = self.scanner.is_in_content();
            let desk = self.desk.as_ref().filter(|_| may_go_direct && self.scanner.is_at_rest());
            let (length, upgrade, start) = match desk.and_then(|desk| desk.recall(bytes)) {
                Some(familiar) => (bytes.len(), false, self.begin_again(&familiar)),
                None => match self.scanner.scan(&bytes[passed..]) {
                    Ok(Piece::Partial) => return (passed, None),
                    Ok(Piece::Head(head)) => {
                        let start = if may_go_direct && is_plain(&head) {
                            self.begin(&bytes[..head.length])
                        } else {
                            Start::Engine
                        };
                        (head.length, head.upgrade, start)
                    }
                    Ok(piece) => {
                        self.cleared = piece.length();
                        continue;
                    }
                    Err(violation) => {
                        self.refuse(violation, in_content);
                        return (passed, None);
                    }
                },
            };
            self.head_since = None;
            self.was_asked = true;
            match start {
                Start::Engine => {
                    self.cleared = length;
                    self.messages += 1;
                    self.asks_for_upgrade = upgrade;
                }
                Start::Direct(direct) => return (length, Some(direct)),
                Start::Waiting(waiting) => {
                    self.begun += 1;
                    self.cleared = length;
                    self.waiting = Some(waiting);
                    return (passed, None);
                }
            }
        }
    }

    /// Whether an answer could go out without the engine: that has nothing to do, and none is the last one.
    fn is_engine_at_rest(&self) -> bool {
        !self.has_engine || (self.front.is_at_rest(self.messages) && !self.front.is_ending())
    }

    /// What follows a request for another protocol may be in that protocol: it is held until there is an answer.
    fn waits_for_answer(&self) -> bool {
        self.asks_for_upgrade && self.scanner.is_between_messages() && !self.front.has_answered(self.messages)
    }

    fn refuse(&mut self, violation: Violation, in_content: bool) {
        if in_content {
            self.front.refuse(self.messages - 1, violation);
            self.reading = Reading::Broken(violation);
        } else {
            self.front.refuse(self.messages, violation);
            self.messages += 1;
            self.reading = Reading::Poison(POISON);
        }
        self.head_since = None;
    }

    /// Passes on what is held, and reads and passes on more until something was passed on.
    fn poll_pass_on(&mut self, cx: &mut Context<'_>, to: &mut ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let room = to.remaining();
        loop {
            ready!(self.poll_waiting(cx))?;
            ready!(self.poll_write_direct(cx))?;
            if self.may_pass_on() && self.pass_on_held(cx, to)? {
                continue;
            }
            if let Reading::Poison(rest) = &mut self.reading {
                let (now, later) = rest.split_at(rest.len().min(to.remaining()));
                to.put_slice(now);
                *rest = later;
            }
            if to.remaining() < room {
                return Poll::Ready(Ok(()));
            }
            match self.reading {
                Reading::Open => {}
                // The answer to what was refused ends the connection.
                Reading::Poison(_) => return Poll::Pending,
                Reading::Broken(violation) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
                }
                Reading::Ended => return self.poll_last_answers(cx).map(Ok),
            }
            if self.waits_for_answer() {
                ready!(self.front.poll_answered(cx, self.messages));
                continue;
            }
            let room = to.remaining();
            if ready!(self.poll_receive(cx, to, room))? == 0 {
                self.reading = Reading::Ended;
            }
        }
    }

    /// Answers requests without the engine, until one needs it, or something else is for it to see.
    pub(super) fn poll_alone(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut nowhere = hyper::rt::ReadBuf::new(&mut []);
        loop {
            ready!(self.poll_waiting(cx))?;
            ready!(self.poll_write_direct(cx))?;
            if self.may_pass_on() && self.pass_on_held(cx, &mut nowhere.unfilled())? {
                continue;
            }
            if self.cleared > 0 || !matches!(self.reading, Reading::Open) {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_receive(cx, &mut nowhere.unfilled(), ALONE))? == 0 {
                self.reading = Reading::Ended;
            }
        }
    }

    /// Passes on what is held. Says whether there was an answer to begin, behind which more may be passed on.
    fn pass_on_held(&mut self, cx: &mut Context<'_>, to: &mut ReadBufCursor<'_>) -> io::Result<bool> {
        let mut held = std::mem::take(&mut self.held);
        let (passed, direct) = self.pass_on(&held, to);
        held.drain(..passed);
        self.held = held;
        let has_begun = direct.is_some() || self.waiting.is_some();
        self.go_on(cx, direct)?;
        Ok(has_begun)
    }

    /// Whether something is held that may be passed on.
    fn may_pass_on(&self) -> bool {
        match self.reading {
            Reading::Open => !self.held.is_empty(),
            Reading::Ended => self.cleared > 0,
            Reading::Poison(_) | Reading::Broken(_) => false,
        }
    }

    /// The end of what a client sends is no end of what it wants to read (RFC 9112 section 9.6): the engine, which would
    /// give up what it is at, is not told before all requests are answered. A client that is gone looks the same until
    /// the next byte for it, so it is not waited for long, unless it has not taken yet what it was sent: that has a limit of
    /// its own.
    fn poll_last_answers(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // A request that was cut short has no answer to wait for.
        let due = self.messages - u64::from(self.scanner.is_in_content());
        if self.front.poll_at_rest(cx, due).is_ready() {
            return Poll::Ready(());
        }
        loop {
            let active = self.active();
            ready!(self.alarm.poll(cx, active + LAST_ANSWERS));
            if self.stalled_since.is_none() {
                self.front.cut();
                return Poll::Ready(());
            }
            self.has_moved = true;
        }
    }

    /// Reads at most this many bytes, once; what is cleared is passed on, the rest is held. Says how many bytes came.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut ReadBufCursor<'_>,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let received = READ_TO.with_borrow_mut(|scratch| {
            let room = most.clamp(1, scratch.len());
            let mut buffer = ReadBuf::new(&mut scratch[..room]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            let bytes = buffer.filled();
            let (passed, direct) = if self.held.is_empty() { self.pass_on(bytes, to) } else { (0, None) };
            self.held.extend_from_slice(&bytes[passed..]);
            Poll::Ready(Ok::<_, io::Error>((bytes.len(), direct)))
        });
        let Poll::Ready(received) = received else { return self.poll_patience(cx) };
        self.has_moved = true;
        let (received, direct) = received?;
        self.go_on(cx, direct)?;
        Poll::Ready(Ok(received))
    }

    /// Goes on behind what was passed on: with this answer, or with the head that is to come.
    fn go_on(&mut self, cx: &mut Context<'_>, direct: Option<Direct>) -> io::Result<()> {
        match direct {
            Some(direct) => self.write_direct(cx, direct)?,
            None => self.note_partial_head(),
        }
        Ok(())
    }

    /// Notes since when a part of a head has been there, unless what comes before it is still on its way.
    fn note_partial_head(&mut self) {
        let is_in_head = self.direct.is_none()
            && self.cleared == 0
            && !self.held.is_empty()
            && !self.scanner.is_in_content()
            && matches!(self.reading, Reading::Open);
        if is_in_head && self.head_since.is_none() {
            self.head_since = Some(self.active());
        }
    }

    /// When a byte last moved, or a moment later.
    fn active(&mut self) -> Instant {
        if std::mem::take(&mut self.has_moved) {
            self.active = Instant::now();
        }
        self.active
    }

    /// Waits until the client has taken too long, and sees to what comes of it.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Content has a guard of its own, where it is read.
        while !self.scanner.is_in_content() {
            let idle = if self.was_asked { self.limits.idle_timeout } else { self.limits.head_timeout };
            let is_new = self.has_moved && self.head_since.is_none();
            let deadline = match self.head_since {
                Some(since) => since + self.limits.head_timeout,
                None => self.active() + idle,
            };
            let now = is_new.then_some(self.active);
            ready!(self.alarm.poll_at(cx, now, deadline));
            if self.head_since.is_some() {
                self.refuse(Violation::HeadTooSlow, false);
                // Any number but none: there is something to pass on.
                return Poll::Ready(Ok(1));
            }
            if self.front.has_answered(self.messages) && self.stalled_since.is_none() {
                // The end of an idle connection.
                self.front.give_up("idle");
                return Poll::Ready(Ok(0));
            }
            self.has_moved = true;
        }
        Poll::Pending
    }

    /// Whether the client may have sent, or be sending, what nobody will read.
    fn may_have_sent_more(&self) -> bool {
        self.front.is_refused() || !self.held.is_empty() || self.scanner.is_in_content()
    }
}

/// Whether the answer to the request with this head could go out without the engine, by the head: the request is whole,
/// and the connection goes on behind it.
fn is_plain(head: &Head) -> bool {
    head.version == Version::Http11 && head.framing == Framing::None && head.persists && !head.upgrade
}

impl<S: Stream> Read for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut to: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.has_engine = true;
        this.poll_pass_on(cx, &mut to)
    }
}

impl<S: Stream> Drop for Wire<S> {
    fn drop(&mut self) {
        self.give_up_direct();
        if self.front.is_cut() {
            self.stream.end_with_reset();
        }
    }
}
