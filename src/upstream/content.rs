//! The content of an answer, with what it takes from the origin until it ends: a connection, and a place among the fetches.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{
    body::IdleTimeout,
    gate::Place,
    pool::{Connection, Pool},
};
use crate::observe::Incident;

/// The content of an answer.
#[derive(Debug)]
pub struct Content {
    body: IdleTimeout,
    hold: Option<Hold>,
}

/// What is held until the content has ended.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) connection: Connection,
    pub(super) pool: Arc<Pool>,
    pub(super) place: Place,
}

impl Hold {
    fn give_back(self) {
        let Self { connection, pool, place } = self;
        drop(place);
        pool.give_back(connection);
    }
}

impl Content {
    pub(super) fn new(body: IdleTimeout, hold: Hold) -> Self {
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
        if let Some(hold) = self.hold.take() {
            hold.give_back();
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
        // What little there may be of an answer that nobody wants costs less than another connection: the engine reads
        // it, or else ends the connection.
        self.let_go();
    }
}
