//! Partial content: which bytes a 206 carries, and how parts of one representation become larger ones
//! (RFC 9110 sections 14.4 and 15.3.7, RFC 9111 sections 3.3 and 3.4).

use std::ops::Range;

use http::{HeaderMap, header::CONTENT_RANGE};

/// Which bytes of a representation a response holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    #[default]
    Whole,
    /// Some of them.
    Part(Part),
}

impl Extent {
    /// The part, where it is one.
    pub const fn part(self) -> Option<Part> {
        match self {
            Self::Whole => None,
            Self::Part(part) => Some(part),
        }
    }

    /// The position of the first byte.
    pub fn start(self) -> u64 {
        self.part().map_or(0, |part| part.start)
    }

    /// The length of the whole representation, where `held` bytes of it are held.
    pub fn complete(self, held: u64) -> u64 {
        self.part().map_or(held, |part| part.complete)
    }
}

/// A run of bytes of a representation: at least one of them, and in practice not all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    start: u64,
    end: u64,
    complete: u64,
}

impl Part {
    /// The bytes of `range` of a representation of `complete` bytes. `None` where that is none of them, or more than
    /// there are.
    pub fn new(range: Range<u64>, complete: u64) -> Option<Self> {
        let Range { start, end } = range;
        (start < end && end <= complete).then_some(Self { start, end, complete })
    }

    /// The part that a 206 with `length` bytes of content carries, by its Content-Range. `None` where it does not say,
    /// and where what it says cannot be true of this content.
    ///
    /// One contradiction has a safe reading: a part that reaches to the end, by its own word, and is whole, by its
    /// message's framing, yet shorter than it says. Its last byte is then the representation's last byte. Nothing that
    /// states another length of the whole is ever put together with it.
    pub fn of_answer(fields: &HeaderMap, length: u64) -> Option<Self> {
        let mut lines = fields.get_all(CONTENT_RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return None };
        let (range, complete) = line.to_str().ok().and_then(parse)?;
        let said = range.end - range.start;
        if said != length && (range.end != complete || length > said) {
            return None;
        }
        let end = range.start + length;
        Self::new(range.start..end, if range.end == complete { end } else { complete })
    }

    /// The positions of its bytes.
    pub const fn range(self) -> Range<u64> {
        self.start..self.end
    }

    /// The length of the whole representation, in bytes.
    pub const fn complete(self) -> u64 {
        self.complete
    }

    /// Whether all of these bytes are in it.
    pub const fn covers(self, range: &Range<u64>) -> bool {
        self.start <= range.start && range.end <= self.end
    }

    /// Whether it is the whole representation after all.
    pub const fn is_whole(self) -> bool {
        self.start == 0 && self.end == self.complete
    }

    /// The one run of bytes that it lacks to be whole; `None` where it lacks one at either end.
    pub fn missing(self) -> Option<Self> {
        match (self.start, self.end) {
            (0, end) => Self::new(end..self.complete, self.complete),
            (start, end) if end == self.complete => Self::new(0..start, self.complete),
            _ => None,
        }
    }
}

/// Whether an answer that is no 206 says all the same that it is a part. The field has no meaning there
/// (RFC 9110 section 14.4), but one that is well formed is more likely true than not.
pub fn claims_to_be_a_part(fields: &HeaderMap) -> bool {
    fields.get_all(CONTENT_RANGE).iter().any(|line| line.to_str().is_ok_and(|text| parse(text).is_some()))
}

/// `bytes 4-9/10`: the positions, and the length of the whole. `None` for all that is no such range, or one of a
/// representation whose length is not known.
fn parse(text: &str) -> Option<(Range<u64>, u64)> {
    let (unit, rest) = text.trim().split_once(' ')?;
    let (range, complete) = rest.trim().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, complete) = (number(first)?, number(last)?, number(complete)?);
    let is_valid = unit.eq_ignore_ascii_case("bytes") && first <= last && last < complete;
    is_valid.then(|| (first..last + 1, complete))
}

fn number(digits: &str) -> Option<u64> {
    let is_decimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_decimal.then(|| digits.parse().ok())?
}

/// A new part with all that held parts add to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// What they are together.
    pub part: Part,
    /// What goes before the new part, in order.
    pub before: Vec<Piece>,
    /// What goes behind it, in order.
    pub after: Vec<Piece>,
}

/// A run of bytes of a held part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which of the held parts.
    pub held: usize,
    /// The positions in the representation.
    pub range: Range<u64>,
}

/// Joins a new part with those of `held` that it touches or overlaps, and with those that they touch in turn. All are
/// of one representation: the caller has compared strong validators. Where two have the same bytes, those of the new
/// part are taken.
pub fn join(new: Part, held: &[Part]) -> Joined {
    let Part { mut start, mut end, complete } = new;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let usable = || held.iter().enumerate().filter(|(_, part)| part.complete == complete);
    while let Some((held, part)) = usable().find(|(_, part)| part.start < start && start <= part.end) {
        before.push(Piece { held, range: part.start..start });
        start = part.start;
    }
    while let Some((held, part)) = usable().find(|(_, part)| end < part.end && part.start <= end) {
        after.push(Piece { held, range: end..part.end });
        end = part.end;
    }
    before.reverse();
    Joined { part: Part { start, end, complete }, before, after }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn carried(content_range: &str, length: u64) -> Option<Part> {
        let fields =
            std::iter::once((CONTENT_RANGE, HeaderValue::from_str(content_range).unwrap())).collect();
        Part::of_answer(&fields, length)
    }

    fn part(start: u64, end: u64, complete: u64) -> Option<Part> {
        Part::new(start..end, complete)
    }

    #[test]
    fn rfc9110_section_14_4_a_content_range_says_which_bytes() {
        assert_eq!(carried("bytes 2-5/10", 4), part(2, 6, 10));
        assert_eq!(carried("Bytes 0-9/10", 10), part(0, 10, 10));
        for nonsense in [
            "bytes 5-2/10",
            "bytes 2-10/10",
            "bytes 2-5/*",
            "bytes */10",
            "lines 2-5/10",
            "bytes=2-5/10",
            "bytes 2-5",
            "bytes -5/10",
            "bytes 2-+5/10",
            "bytes 2-5/99999999999999999999999",
            "",
        ] {
            assert_eq!(carried(nonsense, 4), None, "{nonsense}");
        }
    }

    #[test]
    fn a_part_of_another_length_than_it_says_is_used_only_where_it_reaches_the_end() {
        assert_eq!(carried("bytes 2-5/10", 3), None);
        assert_eq!(carried("bytes 2-5/10", 5), None);
        assert_eq!(carried("bytes 4-9/10", 5), part(4, 9, 9), "the end is where the content ends");
        assert_eq!(carried("bytes 4-9/10", 7), None, "more than there can be");
        assert_eq!(carried("bytes 4-9/10", 0), None);
    }

    #[test]
    fn rfc9110_section_14_4_two_content_ranges_say_nothing() {
        let line = || (CONTENT_RANGE, HeaderValue::from_static("bytes 2-5/10"));
        assert_eq!(Part::of_answer(&[line(), line()].into_iter().collect(), 4), None);
    }

    #[test]
    fn rfc9111_section_3_3_what_is_missing_is_asked_for_where_it_is_one_run() {
        assert_eq!(part(0, 4, 10).unwrap().missing(), part(4, 10, 10));
        assert_eq!(part(4, 10, 10).unwrap().missing(), part(0, 4, 10));
        assert_eq!(part(4, 6, 10).unwrap().missing(), None);
        assert_eq!(part(0, 10, 10).unwrap().missing(), None);
    }

    #[test]
    fn rfc9111_section_3_4_parts_of_another_length_are_never_joined() {
        let joined = join(part(0, 4, 10).unwrap(), &[part(4, 9, 9).unwrap()]);
        assert_eq!(joined.part, part(0, 4, 10).unwrap());
    }

    proptest! {
        #[test]
        fn rfc9111_section_3_4_joining_neither_invents_nor_loses_a_byte(
            content in proptest::collection::vec(any::<u8>(), 1..60),
            new in (0u64..60, 1u64..60),
            held in proptest::collection::vec((0u64..60, 1u64..60), 0..8),
        ) {
            let complete = content.len() as u64;
            let part = |(start, length): (u64, u64)| {
                let start = start % complete;
                Part::new(start..(start + length).min(complete), complete).unwrap()
            };
            let (new, held): (_, Vec<_>) = (part(new), held.into_iter().map(part).collect());
            let bytes = |range: Range<u64>| content[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()].to_vec();
            let joined = join(new, &held);
            let mut whole = Vec::new();
            for (piece, is_new) in joined.before.iter().map(|p| (p, false)).chain(joined.after.iter().map(|p| (p, true))) {
                // A piece is taken from what its part holds.
                prop_assert!(held[piece.held].covers(&piece.range));
                if is_new && whole.len() < usize::try_from(new.end - joined.part.start).unwrap() {
                    whole.extend(bytes(new.range()));
                }
                whole.extend(bytes(piece.range.clone()));
            }
            if joined.after.is_empty() {
                whole.extend(bytes(new.range()));
            }
            prop_assert_eq!(&whole, &bytes(joined.part.range()));
            // Nothing that touches it is left out.
            for part in &held {
                let touches = part.start <= joined.part.end && joined.part.start <= part.end;
                prop_assert!(!touches || joined.part.covers(&part.range()));
            }
        }
    }
}
