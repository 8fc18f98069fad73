//! Where the wire hands in heads itself: who answers them, and whom.

use std::{cell::RefCell, sync::Arc};

use bytes::BytesMut;
use http::Method;

use super::{
    Stream, Wire,
    direct::Direct,
    request::request,
    waiting::{Kept, Start, Waiting},
};
use crate::{
    proxy::{Begun, Familiar, Peer, Proxy},
    wire::Lines,
};

/// How many bytes of heads share one allocation. It is there as long as one of their requests is.
const ROOM: usize = 4 * 1024;

thread_local! {
    /// Where heads are copied to. Most are of no use any more when the next one comes, which then has their room.
    static HEADS: RefCell<BytesMut> = RefCell::default();
}

/// The proxy that answers, and the peer that asks.
#[derive(Clone, Debug)]
pub(in crate::server) struct Desk {
    pub(in crate::server) proxy: Arc<Proxy>,
    pub(in crate::server) peer: Peer,
}

impl Desk {
    /// The request of which these bytes are the whole head, if the like came before.
    pub(super) fn recall(&self, head: &[u8]) -> Option<Familiar> {
        self.proxy.recall(head, self.peer)
    }

    /// Begins to answer the request of this head, whose lines are these, and says whether it is one for a head alone. One
    /// that is for the engine to read is `None`.
    fn begin(&self, head: &[u8], lines: &Lines) -> Option<(Begun, bool)> {
        let parts = HEADS.with_borrow_mut(|room| {
            if room.capacity() < head.len() {
                room.reserve(head.len().max(ROOM));
            }
            request(head, lines, room)
        })?;
        let is_head = parts.method == Method::HEAD;
        Some((self.proxy.begin_head(head, parts, self.peer), is_head))
    }

    /// Begins to answer a request whose head came before, as [`begin`](Self::begin) does.
    fn begin_again(&self, familiar: &Familiar) -> (Begun, bool) {
        (self.proxy.begin_again(familiar, self.peer), *familiar.method() == Method::HEAD)
    }
}

impl<S: Stream> Wire<S> {
    /// Begins to answer the request with this head. An answer that is for the engine is kept until it has read the request
    /// too, and asks for it by its number.
    pub(super) fn begin(&self, head: &[u8]) -> Start {
        let Some(desk) = &self.desk else { return Start::Engine };
        match desk.begin(head, self.scanner.lines()) {
            Some((begun, is_head)) => self.start(desk, begun, is_head),
            None => Start::Engine,
        }
    }

    /// The same for a head that came before. It was scanned and plain then, so it is now.
    pub(super) fn begin_again(&self, familiar: &Familiar) -> Start {
        let Some(desk) = &self.desk else { return Start::Engine };
        let (begun, is_head) = desk.begin_again(familiar);
        self.start(desk, begun, is_head)
    }

    fn start(&self, desk: &Desk, begun: Begun, is_head: bool) -> Start {
        match begun {
            Begun::Answered(reply) => match Direct::of(reply, is_head) {
                Ok(direct) => Start::Direct(direct),
                Err(reply) => {
                    self.front.keep(self.messages, Kept::Answered(reply));
                    Start::Engine
                }
            },
            Begun::Open(open) => {
                let interim = self.next_interim();
                let (proxy, right) = (Arc::clone(&desk.proxy), self.front.interims().of_request(interim));
                let answer = Box::pin(async move { proxy.go_on(open, Some(right)).await });
                Start::Waiting(Box::new(Waiting::new(answer, interim, is_head)))
            }
        }
    }

    /// The number under which something may be said before the next answer.
    const fn next_interim(&self) -> u64 {
        // The engine's requests have the other numbers: what is said late, for one that is answered, reaches nobody.
        u64::MAX - self.begun
    }
}
