//! One connection to the origin, with a distrustful eye on what comes over it: every byte is read by the strict scanner,
//! and nothing else decides where a message ends, so that nothing is passed on, or stored, that could be understood in two
//! ways (RFC 9112).
//!
//! A connection carries one exchange at a time, and has no task of its own: who waits for the answer, or reads its content,
//! drives both directions.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use hyper::rt::{Read, ReadBuf, Write};
use tokio::{task::coop::unconstrained, time::Instant};

use super::{Alarm, AnswerHead, Fault, Listener, Outgoing, UpstreamError, answer::fields, sending::Sending};
use crate::wire::{self, AnswerTo, Framing, Head, Limits, Piece, Scanner, Violation};

/// The most interim responses before an answer, passed on or not. One or two are usual; who sends this many says nothing
/// that an answer could be expected after.
const MOST_INTERIMS: usize = 64;
/// How much is read from a socket at once, in bytes.
const SCRATCH: usize = 64 * 1024;
/// The most of an answer that nobody wants that is read to keep its connection, in bytes.
const MOST_DRAINED: usize = 64 * 1024;

thread_local! {
    /// Where bytes are read to. Nothing stays in it between two polls, so that one for each worker is enough.
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH].into_boxed_slice());
}

/// What is to come from the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Nothing,
    Head,
    /// Content, and what says where it ends: of a length, what is left of it.
    Content(Framing),
}

/// A connection to the origin.
#[derive(Debug)]
pub(super) struct Line<S> {
    stream: S,
    scanner: Scanner,
    sending: Option<Sending>,
    /// Why the request could not be sent whole.
    unsendable: Option<UpstreamError>,
    awaited: Awaited,
    /// What was read and is in no piece yet.
    held: BytesMut,
    interims: usize,
    /// Whether a byte came in answer to the current request.
    is_answered: bool,
    /// Whether another exchange may follow this one.
    persists: bool,
    alarm: Alarm,
}

impl<S: Read + Write + Unpin> Line<S> {
    pub(super) fn new(stream: S, limits: Limits) -> Self {
        Self {
            stream,
            scanner: Scanner::responses(limits),
            sending: None,
            unsendable: None,
            awaited: Awaited::Nothing,
            held: BytesMut::new(),
            interims: 0,
            is_answered: false,
            persists: true,
            alarm: Alarm::default(),
        }
    }

    /// Whether another request can be sent: the last exchange is over, and neither side ended the connection since, nor
    /// said anything that was not asked for.
    pub(super) fn is_usable(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.is_at_rest() {
            return false;
        }
        // To a task that has moved much at once, the runtime would say that there is nothing to read, whatever there is.
        let looking = unconstrained(poll_fn(|cx| self.poll_receive(cx)));
        pin!(looking).poll(cx).is_pending()
    }

    /// Whether both sides have said all, and the connection goes on.
    pub(super) fn is_at_rest(&self) -> bool {
        self.persists && self.awaited == Awaited::Nothing && !self.is_sending() && self.held.is_empty()
    }

    /// Whether more came than was asked for: nothing that comes after it can be trusted.
    pub(super) fn is_spoiled(&self) -> bool {
        self.awaited == Awaited::Nothing && !self.held.is_empty()
    }

    /// Whether a byte came in answer to the current request.
    pub(super) const fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Whether another exchange may follow this one.
    pub(super) const fn persists(&self) -> bool {
        self.persists
    }

    /// Whether a part of the request is still to be sent.
    pub(super) fn is_sending(&self) -> bool {
        self.unsendable.is_none() && self.sending.as_ref().is_some_and(|sending| !sending.is_over())
    }

    /// Takes a request, to be sent while its answer is waited for.
    pub(super) fn begin(&mut self, request: Box<Outgoing>, now: Instant) {
        let is_head = request.head.method == http::Method::HEAD;
        self.scanner.expect(if is_head { AnswerTo::Head } else { AnswerTo::Other });
        self.sending = Some(Sending::new(request, now));
        self.awaited = Awaited::Head;
        self.interims = 0;
        self.is_answered = false;
    }

    /// Whether a byte of the request may have been sent.
    pub(super) fn has_begun(&self) -> bool {
        self.sending.as_ref().is_none_or(Sending::has_begun)
    }

    /// The request, to be sent over another connection, if all of its content is still here.
    pub(super) fn take_request(&mut self) -> Option<Box<Outgoing>> {
        self.sending.take()?.into_request()
    }

    /// When the origin has not moved for this long though it was its turn: not before `now`, where it is the client's.
    pub(super) fn deadline(&self, limit: Duration, now: Instant) -> Instant {
        self.sending.as_ref().map_or(now, |sending| sending.deadline(limit, now))
    }

    /// Ready when it is this late.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        self.alarm.poll(cx, deadline)
    }

    /// Sends the request, and waits for the head of the answer. `listener` hears what comes before it.
    pub(super) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        listener: Option<&dyn Listener>,
    ) -> Poll<Result<(AnswerHead, Framing), UpstreamError>> {
        if let Poll::Ready(sent) = self.poll_send(cx) {
            sent?;
        }
        loop {
            let (head, bytes) = match ready!(self.poll_piece(cx)) {
                Ok(Some((Piece::Head(head), bytes))) => (head, bytes),
                Ok(_) => return Poll::Ready(Err(self.broken_off(ended()))),
                Err(error) => return Poll::Ready(Err(self.broken_off(error))),
            };
            let answer = AnswerHead::of(&head, bytes, self.scanner.take_lines())?;
            match head.status {
                Some(101) => return Poll::Ready(Err(Fault::Switch.into())),
                Some(100..=199) => {
                    self.interims += 1;
                    if self.interims > MOST_INTERIMS {
                        return Poll::Ready(Err(Fault::Interims.into()));
                    }
                    if let Some(listener) = listener {
                        let interim = answer.into_response()?;
                        listener.heard(interim.status(), interim.headers());
                    }
                }
                _ => {
                    self.check_rest().map_err(Fault::Wire)?;
                    self.note_answer(&head);
                    return Poll::Ready(Ok((answer, head.framing)));
                }
            }
        }
    }

    fn note_answer(&mut self, head: &Head) {
        self.persists &= head.persists;
        self.awaited = match head.framing {
            Framing::None | Framing::Length(0) => Awaited::Nothing,
            framing => Awaited::Content(framing),
        };
        if !self.is_sending() {
            self.sending = None;
        }
    }

    /// An answer whose head came together with what breaks a rule is broken as a whole: of it nothing is passed on, so that
    /// it is a 502 and no abort.
    fn check_rest(&self) -> Result<(), Violation> {
        let (mut scanner, mut rest) = (self.scanner.ahead(), &*self.held);
        while !scanner.is_between_messages() {
            match scanner.scan(rest)?.length() {
                0 => break,
                length => rest = &rest[length..],
            }
        }
        Ok(())
    }

    /// The next part of the content.
    pub(super) fn poll_content(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        while let Awaited::Content(framing) = self.awaited {
            let frame = match ready!(self.poll_piece(cx)) {
                Ok(Some((Piece::Content(length), bytes))) => {
                    if let Framing::Length(left) = framing {
                        self.awaited = Awaited::Content(Framing::Length(left - length as u64));
                    }
                    Some(Ok(Frame::data(bytes)))
                }
                Ok(Some((Piece::Trailers(_), bytes))) => match fields(&bytes, wire::trailers(&bytes), 0) {
                    Ok(trailers) if trailers.is_empty() => None,
                    trailers => Some(trailers.map(Frame::trailers)),
                },
                Ok(Some(_)) => continue,
                Ok(None) if framing == Framing::UntilClose => None,
                Ok(None) => Some(Err(ended())),
                Err(error) => Some(Err(error)),
            };
            if matches!(frame, Some(Err(_))) {
                // It has not come to its end, and never will.
                self.persists = false;
            } else if frame.is_none() || self.scanner.is_between_messages() {
                self.awaited = Awaited::Nothing;
            }
            return Poll::Ready(frame);
        }
        Poll::Ready(None)
    }

    /// Whether all of the answer has come.
    pub(super) fn is_over(&self) -> bool {
        self.awaited == Awaited::Nothing
    }

    /// How much content is to come.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self.awaited {
            Awaited::Content(Framing::Length(left)) => SizeHint::with_exact(left),
            Awaited::Content(_) | Awaited::Head => SizeHint::default(),
            Awaited::Nothing => SizeHint::with_exact(0),
        }
    }

    /// Sends the rest of the request, as far as that goes. What it could not send stands for an answer that does not come.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        if !self.is_sending() {
            return Poll::Ready(Ok(()));
        }
        let Some(sending) = &mut self.sending else { return Poll::Ready(Ok(())) };
        let sent = ready!(sending.poll(cx, &mut self.stream));
        self.persists &= sent.is_ok();
        Poll::Ready(match sent {
            // The origin may have said why it takes no more of it.
            Err(error @ UpstreamError::Exchange(_)) => {
                self.unsendable = Some(error);
                Ok(())
            }
            Err(error) => {
                self.sending = None;
                Err(error)
            }
            Ok(()) => Ok(()),
        })
    }

    /// Reads what is left of an answer that nobody wants, if that is little and there.
    pub(super) fn drain(&mut self) {
        let mut nobody = Context::from_waker(Waker::noop());
        let mut drained = 0;
        while drained <= MOST_DRAINED
            && let Poll::Ready(Some(Ok(frame))) = self.poll_content(&mut nobody)
        {
            drained += frame.data_ref().map_or(0, Bytes::len);
        }
    }

    /// The next piece of a message; none where the origin has ended the connection.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(Piece, Bytes)>, UpstreamError>> {
        loop {
            if !self.held.is_empty() {
                let piece = self.scanner.scan(&self.held).map_err(Fault::Wire)?;
                if piece != Piece::Partial {
                    return Poll::Ready(Ok(Some((piece, self.take(piece.length())))));
                }
            }
            if ready!(self.poll_receive(cx))? == 0 {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// The first of what is held.
    fn take(&mut self, length: usize) -> Bytes {
        if length == self.held.len() {
            // No memory is kept for a connection that waits.
            std::mem::take(&mut self.held).freeze()
        } else {
            self.held.split_to(length).freeze()
        }
    }

    /// Reads once; says how many bytes came.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        READ.with_borrow_mut(|scratch| {
            let mut read = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(cx, read.unfilled()))?;
            let bytes = read.filled();
            self.is_answered |= !bytes.is_empty();
            if self.held.is_empty() {
                self.held = BytesMut::from(bytes);
            } else {
                self.held.extend_from_slice(bytes);
            }
            Poll::Ready(Ok(bytes.len()))
        })
    }

    /// Why there is no answer: if the request could not be sent whole, that came first.
    fn broken_off(&mut self, error: UpstreamError) -> UpstreamError {
        match error {
            UpstreamError::Exchange(_) => self.unsendable.take().unwrap_or(error),
            other => other,
        }
    }
}

fn ended() -> UpstreamError {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the origin ended the connection").into()
}
