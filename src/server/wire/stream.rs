//! The sockets that clients come by.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::fs::FileExt as _,
    },
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, Interest},
    net::{TcpStream, UnixStream},
};

/// The most bytes of a file that are sent at once where they have to be read first.
const READ_FIRST: usize = 64 * 1024;

/// A socket of a client.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Makes the connection end with a reset when it is dropped, where that can be.
    fn end_with_reset(&self);

    /// Has the system write, by this call, as soon as the socket takes something. None where there is no such socket.
    fn poll_call(&self, _: &mut Context<'_>, _: &mut Call<'_>) -> Option<Poll<io::Result<usize>>> {
        None
    }

    /// Writes what is of little use without what is written next, which may go out together with it.
    fn poll_write_first(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        #[cfg(target_os = "linux")]
        if let Some(written) = self.poll_call(cx, &mut |socket| send_first(socket, bytes)) {
            return written;
        }
        self.poll_write(cx, bytes)
    }

    /// Writes `count` bytes of a file, from `at` on, or fewer.
    fn poll_write_file(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        file: &File,
        at: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        #[cfg(target_os = "linux")]
        if let Some(written) = self.poll_call(cx, &mut |socket| send_file(socket, file, at, count)) {
            return written;
        }
        let mut bytes = vec![0; count.min(READ_FIRST)];
        file.read_exact_at(&mut bytes, at)?;
        self.poll_write(cx, &bytes)
    }
}

/// A call that writes to a socket, and says how many bytes it took.
type Call<'a> = dyn FnMut(BorrowedFd<'_>) -> io::Result<usize> + 'a;

impl Stream for TcpStream {
    fn end_with_reset(&self) {
        // Without it the client sees a clean end: nothing more can be done about that here.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }

    fn poll_call(&self, cx: &mut Context<'_>, call: &mut Call<'_>) -> Option<Poll<io::Result<usize>>> {
        let call = || self.try_io(Interest::WRITABLE, || call(self.as_fd()));
        Some(poll_when_writable(|| self.poll_write_ready(cx), call))
    }
}

impl Stream for UnixStream {
    /// A unix socket knows no reset.
    fn end_with_reset(&self) {}

    fn poll_call(&self, cx: &mut Context<'_>, call: &mut Call<'_>) -> Option<Poll<io::Result<usize>>> {
        let call = || self.try_io(Interest::WRITABLE, || call(self.as_fd()));
        Some(poll_when_writable(|| self.poll_write_ready(cx), call))
    }
}

/// Writes as soon as that is possible: what is not is asked for again.
fn poll_when_writable(
    mut poll_ready: impl FnMut() -> Poll<io::Result<()>>,
    mut write: impl FnMut() -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        ready!(poll_ready())?;
        match write() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            written => return Poll::Ready(written),
        }
    }
}

/// Sends bytes that the system may keep until more come.
#[cfg(target_os = "linux")]
fn send_first(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::{SendFlags, send};
    Ok(send(socket, bytes, SendFlags::MORE | SendFlags::NOSIGNAL)?)
}

#[cfg(target_os = "linux")]
fn send_file(socket: BorrowedFd<'_>, file: &File, mut at: u64, count: usize) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(socket, file, Some(&mut at), count)?)
}
