//! The bytes of a stored body, for who sends them.

use std::{
    fs::File,
    io::{self, IoSlice},
};

use bytes::Bytes;

use super::body::{SEGMENT, StoredBody, cut, locate};

/// The bytes of a range of a [`StoredBody`]. As an iterator it gives them in pieces of at most [`SEGMENT`] bytes, or an
/// error where the system does not give back what lies on the shelf.
#[derive(Clone, Debug)]
pub struct Chunks {
    body: StoredBody,
    at: u64,
    end: u64,
}

impl Chunks {
    /// The bytes from `at` to `end`, both within the body.
    pub(super) const fn new(body: StoredBody, at: u64, end: u64) -> Self {
        Self { body, at, end }
    }

    /// How many bytes are still to come.
    pub const fn left(&self) -> u64 {
        self.end - self.at
    }

    /// The file in which all that is still to come lies, and where in it. None where it lies in memory of our own, as
    /// [`slices`](Self::slices).
    pub fn in_file(&self) -> Option<(&File, u64)> {
        self.body.shelved().map(|shelved| shelved.in_file(self.at))
    }

    /// Fills `slices` with what is still to come, as far as they reach, and says how many it took.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        // No body of this size is held.
        let mut rest = usize::try_from(self.left()).unwrap_or(usize::MAX);
        let (index, mut offset) = locate(self.at);
        let segments = self.body.segments().get(index..).unwrap_or_default();
        let mut count = 0;
        for (slice, segment) in slices.iter_mut().zip(segments) {
            let bytes = segment.get(std::mem::take(&mut offset)..).unwrap_or_default();
            let bytes = bytes.get(..rest).unwrap_or(bytes);
            if bytes.is_empty() {
                break;
            }
            rest -= bytes.len();
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// Takes note that the next `count` bytes are sent. There are no more than [`left`](Self::left) of them.
    pub const fn advance(&mut self, count: usize) {
        let at = self.at + count as u64;
        self.at = if at < self.end { at } else { self.end };
    }
}

impl Iterator for Chunks {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let chunk = match self.body.shelved() {
            Some(_) if self.left() == 0 => return None,
            Some(shelved) => {
                let len = usize::try_from(self.left()).map_or(SEGMENT, |left| left.min(SEGMENT));
                match shelved.read(self.at, len) {
                    Ok(chunk) => chunk,
                    Err(error) => return Some(Err(error)),
                }
            }
            None => cut(self.body.chunk_at(self.at)?, self.left()),
        };
        self.at += chunk.len() as u64;
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}
