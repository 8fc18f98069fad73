//! The head of a hit on its way out: lines that are ready go between the status line and what the engine has to say
//! beside it, although the engine knows nothing of them.
//!
//! That is safe where nothing of the engine's is waiting to be written: then the next thing that it writes is the head
//! of the answer that it has just been given.

use std::io::IoSlice;

use crate::proxy::ReadyHead;

/// The only status line behind which lines are put.
pub(super) const STATUS_LINE: &[u8] = b"HTTP/1.1 200 OK\r\n";
/// The most pieces of what the engine writes that are gathered for one write. What is more is written next time.
const MOST_PIECES: usize = 8;
/// Those, the status line, and the lines.
const MOST_GATHERED: usize = MOST_PIECES + 3;

/// Lines that are being written behind a status line.
#[derive(Debug)]
pub(super) struct Splice {
    /// How much of the status line is not written yet.
    status_left: usize,
    head: ReadyHead,
    /// How much of the head's lines is.
    written: usize,
}

impl Splice {
    pub(super) const fn new(head: ReadyHead) -> Self {
        Self { status_left: STATUS_LINE.len(), head, written: 0 }
    }

    /// What is not written yet of the lines.
    fn lines(&self) -> [&[u8]; 2] {
        let [stored, own] = self.head.lines();
        match stored.get(self.written..) {
            Some(left) => [left, own],
            None => [&[], own.get(self.written - stored.len()..).unwrap_or_default()],
        }
    }

    /// Whether what the engine is about to write is an answer that lines can be put into.
    pub(super) fn fits(pieces: &[IoSlice<'_>]) -> bool {
        pieces.first().is_some_and(|first| first.starts_with(STATUS_LINE))
    }

    /// What is to be written, and how many pieces that are: what the engine has, with the lines in their place.
    pub(super) fn gather<'a>(&'a self, pieces: &'a [IoSlice<'a>]) -> ([IoSlice<'a>; MOST_GATHERED], usize) {
        let (first, others) =
            pieces.split_first().map_or((&[][..], pieces), |(first, others)| (&**first, others));
        let (status, rest) = first.split_at(self.status_left.min(first.len()));
        let [stored, own] = self.lines();
        let others = others.iter().take(MOST_PIECES - 1).map(|piece| &**piece);
        let mut gathered = [IoSlice::new(&[]); MOST_GATHERED];
        let mut count = 0;
        for piece in [status, stored, own, rest].into_iter().chain(others).filter(|piece| !piece.is_empty()) {
            gathered[count] = IoSlice::new(piece);
            count += 1;
        }
        (gathered, count)
    }

    /// Takes note of what was written. How much of it was the engine's own.
    pub(super) fn advance(&mut self, mut written: usize) -> usize {
        let of_status = written.min(self.status_left);
        self.status_left -= of_status;
        written -= of_status;
        let left: usize = self.lines().iter().map(|line| line.len()).sum();
        let of_lines = written.min(left);
        self.written += of_lines;
        written -= of_lines;
        of_status + written
    }

    /// Whether all of the lines are written.
    pub(super) fn is_over(&self) -> bool {
        self.status_left == 0 && self.lines().iter().all(|lines| lines.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::HeadBlock;

    proptest! {
        #[test]
        fn however_little_is_written_at_a_time_the_lines_are_in_their_place(
            steps in prop::collection::vec(1usize..40, 1..200),
            content in prop::collection::vec(any::<u8>(), 0..100),
            pieces in 1usize..12,
        ) {
            let head = [STATUS_LINE, b"content-length: 5\r\n\r\n"].concat();
            let size = content.len().div_ceil(pieces).max(1);
            let mut engine: Vec<&[u8]> = std::iter::once(&head[..]).chain(content.chunks(size)).collect();
            let mut splice = Splice::new(ReadyHead::new(HeadBlock::from_lines("a: 1\r\n"), "b: 2\r\n".to_owned()));
            let mut wire = Vec::new();
            for step in steps.into_iter().cycle() {
                let slices: Vec<IoSlice<'_>> = engine.iter().map(|piece| IoSlice::new(piece)).collect();
                let (gathered, count) = splice.gather(&slices);
                let mut left = step;
                for piece in &gathered[..count] {
                    let now = left.min(piece.len());
                    wire.extend_from_slice(&piece[..now]);
                    left -= now;
                }
                let mut own = splice.advance(step - left);
                while let Some(first) = engine.first_mut().filter(|_| own > 0) {
                    let now = own.min(first.len());
                    *first = &first[now..];
                    own -= now;
                    if first.is_empty() {
                        engine.remove(0);
                    }
                }
                if engine.is_empty() {
                    break;
                }
            }
            prop_assert!(splice.is_over());
            let expected = [STATUS_LINE, b"a: 1\r\nb: 2\r\ncontent-length: 5\r\n\r\n", &content].concat();
            prop_assert_eq!(wire, expected);
        }
    }
}
