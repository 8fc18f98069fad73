//! The sockets that clients come by.

use std::time::Duration;

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

/// A socket of a client.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Makes the connection end with a reset when it is dropped, where that can be.
    fn end_with_reset(&self);
}

impl Stream for TcpStream {
    fn end_with_reset(&self) {
        // Without it the client sees a clean end: nothing more can be done about that here.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

impl Stream for UnixStream {
    /// A unix socket knows no reset.
    fn end_with_reset(&self) {}
}
