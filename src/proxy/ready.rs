//! The head of a hit, ready to be sent: the lines of the stored head as they are, and behind them those of this answer.

use bytes::Bytes;
use http::HeaderMap;

use crate::store::HeadBlock;

/// Field lines of a response that are not in its map of fields.
///
/// The engine makes a map of every head that it sends, and text of the map. A hit has the text already: on a connection
/// that can take it, it is written as it is, and elsewhere it becomes fields.
#[derive(Debug)]
pub struct ReadyHead {
    stored: HeadBlock,
    own: HeadBlock,
}

impl ReadyHead {
    pub(super) const fn new(stored: HeadBlock, own: HeadBlock) -> Self {
        Self { stored, own }
    }

    /// The lines, in their order, as they go over the wire.
    pub fn into_lines(self) -> [Bytes; 2] {
        [self.stored, self.own].map(HeadBlock::into_bytes)
    }

    /// The lines as fields.
    pub fn add_to(&self, fields: &mut HeaderMap) {
        fields.reserve(self.stored.count() + self.own.count());
        for (name, value) in self.stored.fields().chain(self.own.fields()) {
            fields.append(name, value);
        }
    }
}
