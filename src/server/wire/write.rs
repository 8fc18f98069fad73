//! The way out: answers with the interim responses before them, readers that stall, and the end of a connection.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use hyper::rt::Write;
use tokio::{io::ReadBuf, time::Instant};

use super::{READ_TO, Stream, Wire, direct::Direct};
use crate::upstream::Alarm;

/// How long a connection that is over still takes what its client sends.
const LINGER: Duration = Duration::from_secs(2);
/// The most bytes that it takes.
const MOST_DISCARDED: usize = 1024 * 1024;

/// What is being written.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// Interim responses that are not written yet.
    interim: Bytes,
    /// For a client that stalls.
    alarm: Alarm,
}

/// How far the end of a connection has come.
#[derive(Debug, Default)]
pub(super) enum Closing {
    #[default]
    Open,
    /// Our side is closed. What comes is discarded, until then or so many bytes.
    Lingering { until: Instant, left: usize },
}

impl<S: Stream> Wire<S> {
    /// Notes whether a write moved; a client that takes nothing for too long is given up.
    fn moved(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled_since = None;
            self.has_moved = true;
            return written;
        }
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        ready!(self.writing.alarm.poll(cx, since + self.limits.write_timeout));
        self.front.cut();
        self.front.give_up("write");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing of its answer")))
    }

    /// The same for the engine, behind whose writing nobody may look at the clock before an alarm rings.
    fn engine_moved(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let moved = self.moved(cx, written);
        self.active();
        moved
    }

    /// Begins to write an answer that goes out without the engine. What the client does not take now is written later.
    pub(super) fn write_direct(&mut self, cx: &mut Context<'_>, mut direct: Direct) -> io::Result<()> {
        let written = self.poll_write_all(cx, &mut direct);
        if matches!(written, Poll::Ready(Ok(()))) {
            self.end_direct(direct, true);
            return Ok(());
        }
        self.direct = Some(Box::new(direct));
        if let Poll::Ready(written) = written { written } else { Ok(()) }
    }

    /// Writes what is left of an answer that goes out without the engine.
    pub(super) fn poll_write_direct(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(mut direct) = self.direct.take() else { return Poll::Ready(Ok(())) };
        let written = self.poll_write_all(cx, &mut direct);
        if matches!(written, Poll::Ready(Ok(()))) {
            self.end_direct(*direct, true);
        } else {
            self.direct = Some(direct);
        }
        written
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>, direct: &mut Direct) -> Poll<io::Result<()>> {
        while !direct.is_over() {
            let written = direct.poll_write(cx, Pin::new(&mut self.stream));
            if ready!(self.moved(cx, written))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Ends an answer that went out without the engine, whether all of it is written or not.
    fn end_direct(&self, direct: Direct, is_whole: bool) {
        if let ((Some(account), bytes), Some(desk)) = (direct.into_account(), &self.desk) {
            desk.proxy.close_account(account, bytes, is_whole);
        }
    }

    /// Gives up an answer whose client takes no more of it.
    pub(super) fn give_up_direct(&mut self) {
        if let Some(direct) = self.direct.take() {
            self.end_direct(*direct, false);
        }
    }

    /// Writes the interim responses that wait. The engine flushes only when all that it had is written, so they are in
    /// their place here.
    pub(super) fn poll_write_interims(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.front.interims().is_waiting() {
            if self.writing.interim.is_empty() {
                self.writing.interim = self.front.interims().take().into();
            }
            while !self.writing.interim.is_empty() {
                let written = Pin::new(&mut self.stream).poll_write(cx, &self.writing.interim);
                match ready!(self.moved(cx, written))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    written => self.writing.interim.advance(written),
                }
            }
            self.front.interims().written();
        }
        Poll::Ready(Ok(()))
    }

    /// Reads and discards what a client still sends, within bounds. Closing at once would reset the connection, and the
    /// reset could overtake the last answer (RFC 9112 section 9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>, until: Instant, mut left: usize) -> Poll<()> {
        while left > 0 {
            let read = READ_TO.with_borrow_mut(|scratch| {
                let mut buffer = ReadBuf::new(scratch);
                Pin::new(&mut self.stream).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
            });
            match read {
                Poll::Pending => return self.alarm.poll(cx, until),
                Poll::Ready(Ok(0) | Err(_)) => break,
                Poll::Ready(Ok(read)) => left = left.saturating_sub(read),
            }
            self.closing = Closing::Lingering { until, left };
        }
        Poll::Ready(())
    }
}

impl<S: Stream> Write for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.engine_moved(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.engine_moved(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The engine flushes only when all that it had is written.
        this.front.note_written();
        ready!(this.poll_write_interims(cx))?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_write_direct(cx))?;
        loop {
            match this.closing {
                Closing::Lingering { until, left } => return this.poll_linger(cx, until, left).map(Ok),
                Closing::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    // A server that stops may not have said with its last answer that it is the last one.
                    let may_be_sending = this.was_asked && this.front.is_ending();
                    if !may_be_sending && !this.may_have_sent_more() {
                        return Poll::Ready(Ok(()));
                    }
                    this.closing =
                        Closing::Lingering { until: Instant::now() + LINGER, left: MOST_DISCARDED };
                }
            }
        }
    }
}
