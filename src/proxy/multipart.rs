//! Several ranges of a stored response as one body: the text between them, and slices of its segments.

use std::io;

use bytes::Bytes;

use crate::{
    semantics::multipart::{Multipart, Piece},
    store::{Chunks, StoredBody},
};

/// The content of an answer with several ranges. Nothing of the representation is copied.
#[derive(Debug)]
pub(super) struct Ranges {
    body: StoredBody,
    /// The position of the body's first byte in the representation.
    start: u64,
    pieces: std::vec::IntoIter<Piece>,
    /// What is left of the range that is being sent.
    chunks: Option<Chunks>,
    remaining: u64,
}

impl Ranges {
    /// `multipart` of a representation, of which `body` holds the bytes from `start` on.
    pub(super) fn new(multipart: Multipart, body: StoredBody, start: u64) -> Self {
        let remaining = multipart.content_length();
        let pieces = multipart.into_pieces().collect::<Vec<_>>().into_iter();
        Self { body, start, pieces, chunks: None, remaining }
    }

    /// How many bytes are still to come.
    pub(super) const fn remaining(&self) -> u64 {
        self.remaining
    }

    fn next_bytes(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if let Some(chunk) = self.chunks.as_mut().and_then(Iterator::next) {
                return Some(chunk);
            }
            match self.pieces.next()? {
                Piece::Text(text) => return Some(Ok(Bytes::from(text))),
                Piece::Content(range) => {
                    let held = range.start - self.start..range.end - self.start;
                    self.chunks = Some(self.body.chunks(held));
                }
            }
        }
    }
}

impl Iterator for Ranges {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        let bytes = self.next_bytes()?;
        self.remaining -= bytes.as_ref().map_or(0, Bytes::len) as u64;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::{ops::Range, time::SystemTime};

    use http::{HeaderMap, HeaderValue, header::RANGE};
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        semantics::range::{Held, MOST_RANGES, Selection, select},
        store::{Budget, SEGMENT},
    };

    const CHANCE: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

    /// A range as a client may ask for it.
    #[derive(Clone, Copy, Debug)]
    enum Asked {
        Between(u64, u64),
        From(u64),
        Last(u64),
    }

    impl Asked {
        fn text(self) -> String {
            match self {
                Self::Between(first, more) => format!("{first}-{}", first + more),
                Self::From(first) => format!("{first}-"),
                Self::Last(n) => format!("-{n}"),
            }
        }

        fn positions(self, length: u64) -> Range<u64> {
            match self {
                Self::Between(first, more) => first..(first + more + 1).min(length),
                Self::From(first) => first..length,
                Self::Last(n) => length.saturating_sub(n)..length,
            }
        }
    }

    fn any_asked() -> impl Strategy<Value = Asked> {
        let most = 3 * SEGMENT as u64;
        prop_oneof![
            (0..most, 0u64..200).prop_map(|(first, more)| Asked::Between(first, more)),
            (0u64..400, 0..most).prop_map(|(first, more)| Asked::Between(first, more)),
            (0..most).prop_map(Asked::From),
            (0..most).prop_map(Asked::Last),
        ]
    }

    /// Marks these positions; whether none of them was.
    fn mark(marks: &mut [bool], range: Range<u64>) -> bool {
        let Range { start, end } = range;
        if start >= end {
            return true;
        }
        let marks = &mut marks[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        let is_new = !marks.contains(&true);
        marks.fill(true);
        is_new
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
    }

    /// The parts of a multipart body: their ranges, and their bytes.
    fn parts(mut body: &[u8], boundary: &str, length: usize) -> Vec<(Range<usize>, Vec<u8>)> {
        let mut parts = Vec::new();
        let mut opening = format!("--{boundary}\r\nContent-Type: a/b\r\nContent-Range: bytes ");
        while let Some(rest) = body.strip_prefix(opening.as_bytes()) {
            let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
            let (range, complete) = std::str::from_utf8(&rest[..end]).unwrap().split_once('/').unwrap();
            assert_eq!(complete, length.to_string());
            let (first, last) = range.split_once('-').unwrap();
            let range = first.parse::<usize>().unwrap()..last.parse::<usize>().unwrap() + 1;
            let (bytes, rest) = rest[end + 4..].split_at(range.len());
            parts.push((range, bytes.to_vec()));
            body = rest;
            opening = format!("\r\n--{boundary}\r\nContent-Type: a/b\r\nContent-Range: bytes ");
        }
        assert_eq!(body, format!("\r\n--{boundary}--\r\n").as_bytes());
        parts
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn the_parts_together_are_exactly_the_bytes_that_were_asked_for(
            length in prop_oneof![1usize..300, 1usize..3 * SEGMENT], asked in vec(any_asked(), 1..MOST_RANGES + 1),
        ) {
            let texts: Vec<String> = asked.iter().map(|asked| asked.text()).collect();
            let line = HeaderValue::try_from(format!("bytes={}", texts.join(", "))).unwrap();
            let request: HeaderMap = std::iter::once((RANGE, line)).collect();
            let held = Held { tag: None, modified: None, date: SystemTime::UNIX_EPOCH };
            let mut wanted = vec![false; length];
            for asked in &asked {
                mark(&mut wanted, asked.positions(length as u64));
            }
            let all = content(length);
            match select(&request, length as u64, &held, SystemTime::UNIX_EPOCH) {
                Selection::Whole => prop_assert!(false, "at most as many as are answered"),
                Selection::Unsatisfiable => prop_assert!(!wanted.contains(&true)),
                Selection::Part(range) => {
                    let mut got = vec![false; length];
                    prop_assert!(mark(&mut got, range));
                    prop_assert_eq!(got, wanted);
                }
                Selection::Parts(ranges) => {
                    let media_type = HeaderValue::from_static("a/b");
                    let multipart = Multipart::new(&ranges, length as u64, Some(&media_type), CHANCE);
                    let announced = multipart.content_length();
                    let body = StoredBody::copy_of(&Budget::new(1 << 30), &all);
                    let ranges = Ranges::new(multipart, body, 0);
                    prop_assert_eq!(ranges.remaining(), announced);
                    let sent: Vec<u8> = ranges.flat_map(Result::unwrap).collect();
                    prop_assert_eq!(sent.len() as u64, announced);
                    prop_assert!(sent.len() <= length + (MOST_RANGES + 1) * 128, "each byte at most once");
                    let parts = parts(&sent, &format!("{CHANCE:032x}"), length);
                    let mut got = vec![false; length];
                    for (range, bytes) in parts {
                        prop_assert_eq!(&bytes, &all[range.clone()]);
                        prop_assert!(mark(&mut got, range.start as u64..range.end as u64), "sent twice");
                    }
                    prop_assert_eq!(got, wanted);
                }
            }
        }
    }
}
