//! The content of an answer, with what it takes from the origin until it ends: a connection, and a place among the fetches.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    UpstreamError,
    body::IdleTimeout,
    gate::Place,
    pool::{Connection, Pool},
};
use crate::observe::Incident;

/// The content of an answer.
#[derive(Debug)]
pub struct Content {
    body: IdleTimeout<Received>,
    hold: Option<Hold>,
}

/// What is held until the content has ended.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) pool: Arc<Pool>,
    pub(super) place: Place,
}

/// Where content comes from.
#[derive(Debug)]
pub(super) enum Received {
    /// The connection itself.
    Direct(Connection),
    /// A task that has the connection, because the request was not sent whole when its answer began: neither direction is
    /// to wait for the other.
    Relayed { frames: mpsc::Receiver<Relayed>, hint: SizeHint },
    /// Nowhere any more.
    Over,
}

/// What comes from such a task: a part of the content, none at its end.
type Relayed = Result<Option<Frame<Bytes>>, UpstreamError>;

impl Received {
    /// The rest of an exchange whose answer has begun. It ends at `end`, whatever it is at.
    pub(super) fn over(connection: Connection, pool: &Arc<Pool>, end: Instant) -> Self {
        if !connection.is_sending() {
            return Self::Direct(connection);
        }
        let (sender, frames) = mpsc::channel(1);
        let hint = connection.size_hint();
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            if let Ok(Some(connection)) = timeout_at(end, relay(connection, sender)).await {
                pool.give_back(connection);
            }
        });
        Self::Relayed { frames, hint }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match self {
            Self::Direct(connection) => connection.poll_content(cx),
            Self::Relayed { frames, hint } => {
                let broken = || Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into());
                let next = ready!(frames.poll_recv(cx)).unwrap_or_else(broken).transpose();
                match (&next, hint.exact()) {
                    (Some(Ok(frame)), Some(left)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                        *hint = SizeHint::with_exact(left.saturating_sub(length));
                    }
                    (Some(Ok(_)), None) => {}
                    (None | Some(Err(_)), _) => *self = Self::Over,
                }
                Poll::Ready(next)
            }
            Self::Over => Poll::Ready(None),
        }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        self.get_mut().poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Direct(connection) => connection.is_over(),
            Self::Relayed { hint, .. } => hint.exact() == Some(0),
            Self::Over => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Direct(connection) => connection.size_hint(),
            Self::Relayed { hint, .. } => *hint,
            Self::Over => SizeHint::with_exact(0),
        }
    }
}

/// Sends the rest of a request and passes on its answer, each as fast as it goes. The connection, if both ended well.
async fn relay(mut connection: Connection, frames: mpsc::Sender<Relayed>) -> Option<Connection> {
    loop {
        let room = tokio::select! {
            biased;
            room = frames.reserve() => room.ok()?,
            _ = std::future::poll_fn(|cx| connection.poll_send(cx)), if connection.is_sending() => continue,
        };
        let next = std::future::poll_fn(|cx| {
            // What is wrong with the request does not end an answer that has begun.
            let _ = connection.poll_send(cx);
            connection.poll_content(cx)
        });
        let next = next.await.transpose();
        let is_last = !matches!(next, Ok(Some(_)));
        room.send(next);
        if is_last {
            break;
        }
    }
    drop(frames);
    std::future::poll_fn(|cx| connection.poll_send(cx)).await.ok()?;
    Some(connection)
}

impl Content {
    pub(super) fn new(body: IdleTimeout<Received>, hold: Hold) -> Self {
        let mut content = Self { body, hold: Some(hold) };
        content.let_go_at_the_end();
        content
    }

    fn let_go_at_the_end(&mut self) {
        if self.body.is_end_stream() {
            self.let_go();
        }
    }

    fn let_go(&mut self) {
        if let Some(Hold { pool, place }) = self.hold.take() {
            drop(place);
            if let Received::Direct(connection) = std::mem::replace(self.body.get_mut(), Received::Over) {
                pool.give_back(connection);
            }
        }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let polled = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &polled {
            Some(Ok(_)) => this.let_go_at_the_end(),
            None => this.let_go(),
            // The connection ends with its answer.
            Some(Err(_)) => {
                if let Some(hold) = this.hold.take() {
                    hold.pool.note(Incident::CutShort);
                }
            }
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        // What little there may be of an answer that nobody wants costs less than another connection.
        if let Received::Direct(connection) = self.body.get_mut() {
            connection.drain();
        }
        self.let_go();
    }
}
