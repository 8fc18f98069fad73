//! A hit, ready to be sent: the lines of the stored head as they are, behind them those of this answer, and the content.

use http::{HeaderMap, Response};

use super::Body;
use crate::{
    observe::Account,
    store::{Chunks, HeadBlock},
};

/// The answer to a request. In a place of its own: it goes through many hands.
#[derive(Debug)]
pub enum Reply {
    /// A hit as most are.
    Ready(Box<Ready>),
    /// Any other.
    Made(Box<Response<Body>>),
}

impl Reply {
    /// The answer as a response, some of whose fields may be in the head of its body.
    pub fn into_response(self) -> Response<Body> {
        match self {
            Self::Ready(ready) => {
                let Ready { head, content, account } = *ready;
                let mut body = Body::stored(content).under(head);
                body.account = Some(account);
                Response::new(body)
            }
            Self::Made(response) => *response,
        }
    }
}

impl From<Response<Body>> for Reply {
    fn from(response: Response<Body>) -> Self {
        Self::Made(Box::new(response))
    }
}

/// A whole answer that is ready: a 200 without any fields but those of its head, and content of which all is here.
#[derive(Debug)]
pub struct Ready {
    head: ReadyHead,
    content: Chunks,
    account: Account,
}

impl Ready {
    pub(super) const fn new(head: ReadyHead, content: Chunks, account: Account) -> Self {
        Self { head, content, account }
    }

    /// The lines of the head.
    pub const fn head(&self) -> &ReadyHead {
        &self.head
    }

    /// The content that is left.
    pub const fn content(&self) -> &Chunks {
        &self.content
    }

    /// The same, for who takes note of what is written.
    pub const fn content_mut(&mut self) -> &mut Chunks {
        &mut self.content
    }

    /// What is to be told when the answer is over.
    pub fn into_account(self) -> Account {
        self.account
    }
}

/// Field lines of a response that are not in its map of fields.
///
/// The engine makes a map of every head that it sends, and text of the map. A hit has the text already: on a connection
/// that can take it, it is written as it is, and elsewhere it becomes fields.
#[derive(Debug)]
pub struct ReadyHead {
    stored: HeadBlock,
    own: String,
}

impl ReadyHead {
    /// The lines of a stored head, and lines of this answer, each with its CRLF.
    pub const fn new(stored: HeadBlock, own: String) -> Self {
        Self { stored, own }
    }

    /// The lines, in their order, as they go over the wire.
    pub fn lines(&self) -> [&[u8]; 2] {
        [self.stored.as_bytes(), self.own.as_bytes()]
    }

    /// The lines as fields.
    pub fn add_to(self, fields: &mut HeaderMap) {
        let own = HeadBlock::from_lines(self.own);
        fields.reserve(self.stored.count() + own.count());
        for (name, value) in self.stored.fields().chain(own.fields()) {
            fields.append(name, value);
        }
    }
}
