//! One connection, byte by byte: a client that is slow or leaves, or an origin that a test plays by hand.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// Ends a test that would hang. So generous that only what never comes is too late.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this should not take for ever")
}

/// Asks again and again until the answer is as wished.
pub(crate) async fn until<T, F: Future<Output = T>>(
    mut ask: impl FnMut() -> F,
    wish: impl Fn(&T) -> bool,
) -> T {
    let asking = async {
        loop {
            let answer = ask().await;
            if wish(&answer) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    within(asking).await
}

/// An origin that a test plays by hand: it accepts, reads and writes only when it is told to.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    listener: TcpListener,
}

/// Listens, and does nothing else.
pub(crate) async fn stage() -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("to bind");
    Stage { address: listener.local_addr().expect("an address"), listener }
}

impl Stage {
    /// Listens no more. Who is connected stays so.
    pub(crate) fn leave(self) -> Unheard {
        drop(self.listener);
        Unheard::bind(self.address)
    }

    /// The next connection from the proxy.
    pub(crate) async fn accept(&self) -> Wire {
        let (stream, _) = within(self.listener.accept()).await.expect("a connection");
        Wire(BufReader::new(stream))
    }
}

/// An address where nobody listens. It is bound as long as this lives, so that no other test is given it and answers
/// there; a program that is told to listen there can.
pub(crate) struct Unheard {
    pub(crate) address: SocketAddr,
    _bound: TcpSocket,
}

impl Unheard {
    fn bind(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("a socket that shares its address");
        socket.bind(address).expect("to bind");
        Self { address: socket.local_addr().expect("an address"), _bound: socket }
    }
}

/// An address where nobody listens.
pub(crate) fn unheard() -> Unheard {
    Unheard::bind(([127, 0, 0, 1], 0).into())
}

/// One end of a connection.
pub(crate) struct Wire(BufReader<TcpStream>);

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.expect("a connection")))
    }

    /// A connection of a client with this address.
    pub(crate) async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("to bind");
        Self(BufReader::new(socket.connect(to).await.expect("a connection")))
    }

    /// A connection whose client's system takes no more than a few kilobytes that it has not read yet.
    pub(crate) async fn narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("to set an option");
        Self(BufReader::new(socket.connect(address).await.expect("a connection")))
    }

    /// A connection on which this request has been sent: its request line and field lines, each with its CRLF.
    pub(crate) async fn ask(address: SocketAddr, head: &str) -> Self {
        let mut wire = Self::connect(address).await;
        wire.send(format!("{head}\r\n")).await;
        wire
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("to write");
    }

    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        within(self.0.write_all(bytes.as_ref())).await
    }

    /// Reads a head, the empty line included, in lower case.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = within(self.0.read_line(&mut head)).await.expect("to read");
            assert!(read > 0, "the connection ended in a head: {head:?}");
        }
        head.to_ascii_lowercase()
    }

    /// Reads exactly this many bytes.
    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        within(self.0.read_exact(&mut bytes)).await.expect("to read");
        bytes
    }

    /// Reads one byte; none where the connection has ended.
    pub(crate) async fn byte(&mut self) -> Option<u8> {
        within(self.0.read_u8()).await.ok()
    }

    /// Reads one chunk of chunked content; the last one is empty.
    pub(crate) async fn chunk(&mut self) -> Vec<u8> {
        let mut size = String::new();
        within(self.0.read_line(&mut size)).await.expect("to read");
        let size = usize::from_str_radix(size.trim_end(), 16).expect("the size of a chunk");
        let mut chunk = self.take(size + 2).await;
        assert_eq!(chunk.split_off(size), b"\r\n");
        chunk
    }

    /// Waits until the other side has ended or reset the connection, and returns what came before.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A reset ends it as well as an end.
        let _ = within(self.0.read_to_end(&mut bytes)).await;
        bytes
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.0.get_ref().set_zero_linger().expect("to set an option");
    }

    /// Ends this direction in good order, and goes on to read.
    pub(crate) async fn end(&mut self) {
        within(self.0.shutdown()).await.expect("to end a direction");
    }

    /// Ends this direction in good order.
    pub(crate) async fn close(mut self) {
        let _ = self.0.shutdown().await;
    }
}
