//! Answers that the wire waits for itself, while the engine knows nothing of the request: a short one then goes out without
//! it, and another is handed over to it together with its request.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::ReadBuf;

use super::{LAST_ANSWERS, READ_TO, Reading, Stream, Wire, direct::Direct};
use crate::proxy::{Interims, Open, Reply};

/// How the request of a head begins.
pub(super) enum Start {
    /// In the engine.
    Engine,
    /// With its answer, which goes out without the engine.
    Direct(Direct),
    /// With an answer that is to come. In a place of its own: hits do not pay for it.
    Waiting(Box<Waiting>),
}

/// What a request has come to before the engine asks for it.
#[derive(Debug)]
pub(super) enum Kept {
    Answered(Reply),
    Waiting(Box<Waiting>),
    Open(Open),
}

type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// An answer that is to come.
pub(super) struct Waiting {
    answer: Answer,
    /// The answer, when it is there and what was said before it is not written yet.
    reply: Option<Reply>,
    /// The number of the request among those whose client may hear something before the answer.
    interim: u64,
    is_head: bool,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("interim", &self.interim).finish_non_exhaustive()
    }
}

impl Waiting {
    pub(super) const fn new(answer: Answer, interim: u64, is_head: bool) -> Self {
        Self { answer, reply: None, interim, is_head }
    }

    /// The answer that is to come, and the number of its request among those whose client may hear something before it.
    pub(super) fn into_parts(self) -> (Answer, u64) {
        (self.answer, self.interim)
    }

    fn poll(&mut self, cx: &mut Context<'_>, interims: &Interims) -> Poll<()> {
        if self.reply.is_none() {
            let Poll::Ready(reply) = self.answer.as_mut().poll(cx) else {
                interims.open(self.interim, cx);
                return Poll::Pending;
            };
            interims.close();
            self.reply = Some(reply);
        }
        Poll::Ready(())
    }

    /// As the engine goes on with it.
    fn keep(mut self: Box<Self>) -> Kept {
        match self.reply.take() {
            Some(reply) => Kept::Answered(reply),
            None => Kept::Waiting(self),
        }
    }

    /// The answer as it goes out without the engine, or else as the engine goes on with it.
    fn into_direct(mut self: Box<Self>) -> Result<Direct, Kept> {
        match self.reply.take() {
            Some(reply) => Direct::of(reply, self.is_head).map_err(Kept::Answered),
            None => Err(Kept::Waiting(self)),
        }
    }
}

impl<S: Stream> Wire<S> {
    /// Waits for an answer, if there is one to wait for: then it is to be written from here, or is the engine's.
    pub(super) fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(waiting) = &mut self.waiting {
            if !self.front.is_ending() {
                let is_there = waiting.poll(cx, self.front.interims()).is_ready();
                // What was said before an answer comes before it.
                ready!(self.poll_write_interims(cx))?;
                if !is_there {
                    ready!(self.poll_client(cx))?;
                    continue;
                }
            }
            self.end_waiting(cx)?;
        }
        Poll::Ready(Ok(()))
    }

    fn end_waiting(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(waiting) = self.waiting.take() else { return Ok(()) };
        let begun = if self.front.is_ending() { Err(waiting.keep()) } else { waiting.into_direct() };
        match begun {
            Ok(direct) => {
                self.held.drain(..self.cleared);
                self.cleared = 0;
                self.write_direct(cx, direct)?;
            }
            Err(kept) => {
                self.front.keep(self.messages, kept);
                self.messages += 1;
                self.asks_for_upgrade = false;
            }
        }
        Ok(())
    }

    /// Waits for a word of a client whose answer is to come. One that has ended its side may be gone, and is not waited for
    /// long.
    fn poll_client(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.reading, Reading::Open) {
            // What follows the request is read when that is answered.
            if self.held.len() > self.cleared {
                return Poll::Pending;
            }
            let read = READ_TO.with_borrow_mut(|scratch| {
                let mut buffer = ReadBuf::new(scratch);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
                self.held.extend_from_slice(buffer.filled());
                Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
            });
            if ready!(read)? > 0 {
                self.has_moved = true;
                return Poll::Pending;
            }
            self.reading = Reading::Ended;
        }
        let active = self.active();
        ready!(self.alarm.poll(cx, active + LAST_ANSWERS));
        self.front.cut();
        self.waiting = None;
        self.held.clear();
        self.cleared = 0;
        Poll::Ready(Ok(()))
    }
}
