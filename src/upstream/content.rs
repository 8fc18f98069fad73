//! The content of an answer, with what it takes from the origin until it ends: a connection, and a place among the fetches.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
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
struct Hold {
    pool: Arc<Pool>,
    /// None where the task has it that passes the content on.
    place: Option<Place>,
}

/// Where content comes from.
#[derive(Debug)]
enum Received {
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

/// How long an exchange may take after the head of its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long either direction may stand still.
    pub(super) idle: Duration,
    /// When everything has taken too long.
    pub(super) end: Instant,
}

impl Received {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match self {
            Self::Direct(connection) => connection.poll_content(cx),
            Self::Relayed { frames, hint } => {
                let broken = || Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
                let next = ready!(frames.poll_recv(cx)).unwrap_or_else(broken).transpose();
                match (&next, hint.exact()) {
                    (Some(Ok(frame)), _) if frame.is_trailers() => *self = Self::Over,
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
async fn relay(
    mut connection: Connection,
    frames: mpsc::Sender<Relayed>,
    idle: Duration,
) -> Option<Connection> {
    while !connection.is_over() {
        let room = tokio::select! {
            biased;
            room = frames.reserve() => room.ok()?,
            _ = poll_fn(|cx| connection.poll_send(cx)), if connection.is_sending() => continue,
        };
        let next = poll_fn(|cx| {
            // What is wrong with the request does not end an answer that has begun.
            let _ = connection.poll_send(cx);
            connection.poll_content(cx)
        });
        let next = tokio::select! {
            biased;
            () = frames.closed() => return None,
            next = next => next.transpose(),
        };
        let has_failed = next.is_err();
        room.send(next);
        if has_failed {
            return None;
        }
    }
    drop(frames);
    send_rest(&mut connection, idle).await?;
    Some(connection)
}

/// Sends the rest of a request whose answer is over, unless the connection ends with that or nothing moves.
async fn send_rest(connection: &mut Connection, idle: Duration) -> Option<()> {
    while connection.persists() && connection.is_sending() {
        let deadline = connection.deadline(idle, Instant::now());
        match timeout_at(deadline, poll_fn(|cx| connection.poll_send(cx))).await {
            Ok(sent) => sent.ok()?,
            Err(_) if connection.deadline(idle, deadline) <= deadline => return None,
            Err(_) => {}
        }
    }
    Some(())
}

impl Content {
    /// The content of an answer whose head has come over this connection.
    pub(super) fn new(connection: Connection, pool: Arc<Pool>, place: Place, limits: Limits) -> Self {
        let (received, place) = if connection.is_sending() {
            let (sender, frames) = mpsc::channel(1);
            let hint = connection.size_hint();
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                let relayed = timeout_at(limits.end, relay(connection, sender, limits.idle)).await;
                drop(place);
                if let Ok(Some(connection)) = relayed {
                    pool.give_back(connection);
                }
            });
            (Received::Relayed { frames, hint }, None)
        } else {
            (Received::Direct(connection), Some(place))
        };
        let body = IdleTimeout::new(received, limits.idle).until(limits.end);
        let mut content = Self { body, hold: Some(Hold { pool, place }) };
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
