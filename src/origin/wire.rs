//! The connection as the load target sees it: a place to order a fault, and the socket that carries the order out.
//!
//! A fault must not overtake what was said before it. hyper flushes its socket only when all it had to say is written, and
//! it does so after each look at the service and at the body. So an order is carried out at a flush: what came before it
//! is on the wire, and nothing after it ever will be.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;

/// What is to become of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Fault {
    /// It stays open, and nothing more is said.
    Stall = 1,
    /// It is closed, as a process that ends closes it.
    Close = 2,
    /// It is reset (TCP RST).
    Reset = 3,
}

/// The order book of one connection; requests carry it in their extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<AtomicU8>);

impl Line {
    /// Orders a fault. Who orders it then stays pending: hyper's next flush does the rest.
    pub(super) fn order(&self, fault: Fault) {
        self.0.store(fault as u8, Ordering::SeqCst);
    }

    fn ordered(&self, fault: Fault) -> bool {
        self.0.load(Ordering::SeqCst) == fault as u8
    }

    /// Whether nothing more will come over this connection, although it is open.
    pub(super) fn is_stalled(&self) -> bool {
        self.ordered(Fault::Stall)
    }
}

/// A client's socket that carries out the faults ordered on its line.
#[derive(Debug)]
pub(super) struct Wire {
    socket: TokioIo<TcpStream>,
    line: Line,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, line: Line) -> Self {
        Self { socket: TokioIo::new(stream), line }
    }

    fn socket(self: Pin<&mut Self>) -> Pin<&mut TokioIo<TcpStream>> {
        Pin::new(&mut self.get_mut().socket)
    }
}

impl Read for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.socket().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().socket().poll_flush(cx))?;
        if self.line.ordered(Fault::Reset) {
            // With nothing to linger for, the drop that follows sends RST instead of FIN.
            SockRef::from(self.socket.inner()).set_linger(Some(Duration::ZERO))?;
        } else if !self.line.ordered(Fault::Close) {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "a fault was ordered on this connection",
        )))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket().poll_write_vectored(cx, bufs)
    }
}
