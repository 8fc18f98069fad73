//! Ranges and parts, against sets of positions: no byte is invented, lost or sent twice.
//!
//! Input: a byte with the length of the representation; a line with the value of a Range; a line with the value of a
//! Content-Range; then bytes in pairs, where each pair is the first position of a part and its length.

use std::ops::Range;

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_RANGE, RANGE},
};
use plimsoll::semantics::{
    multipart::{Multipart, Piece},
    partial::{self, Part, join},
    range::{Held, MOST_RANGES, Selection, select},
};

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let [length, rest @ ..] = input else { return };
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let (range, content_range, parts) = (line(), line(), line());
    if let Ok(value) = HeaderValue::from_bytes(range) {
        selected(&value, u64::from(*length));
    }
    if let Ok(value) = HeaderValue::from_bytes(content_range) {
        stated(&value, u64::from(*length));
    }
    joined(parts, u64::from(*length));
}

/// The byte of the representation at this position.
fn byte_at(position: u64) -> u8 {
    let [low, high, ..] = position.wrapping_mul(31).to_le_bytes();
    low ^ high.rotate_left(3) ^ 0x2d
}

fn bytes_of(range: Range<u64>) -> Vec<u8> {
    range.map(byte_at).collect()
}

fn selected(value: &HeaderValue, length: u64) {
    let request: HeaderMap = [(RANGE, value.clone())].into_iter().collect();
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    let held = Held { tag: None, modified: None, date: epoch };
    let selection = select(&request, length, &held, epoch);
    let asked = value.to_str().ok().and_then(expected_ranges);
    let Some(asked) = asked else {
        assert_eq!(selection, Selection::Whole);
        return;
    };
    let satisfiable: Vec<Range<u64>> =
        asked.iter().map(|spec| spec(length)).filter(|range| range.start < range.end).collect();
    let ranges = match &selection {
        Selection::Whole => panic!("a Range that is understood is ignored"),
        Selection::Unsatisfiable => Vec::new(),
        Selection::Part(range) => vec![range.clone()],
        Selection::Parts(ranges) => ranges.clone(),
    };
    assert_eq!(matches!(selection, Selection::Parts(_)), ranges.len() > 1);
    for position in 0..length + 2 {
        let wanted = satisfiable.iter().any(|range| range.contains(&position));
        let sent = ranges.iter().filter(|range| range.contains(&position)).count();
        assert_eq!(sent, usize::from(wanted), "position {position}");
    }
    for (at, range) in ranges.iter().enumerate() {
        assert!(ranges[at + 1..].iter().all(|other| range.end < other.start || other.end < range.start));
    }
    // They come in the order in which the first byte of each was asked for.
    let first_asked = |range: &Range<u64>| {
        satisfiable.iter().position(|asked| range.start <= asked.start && asked.end <= range.end)
    };
    assert!(ranges.is_sorted_by_key(first_asked), "{ranges:?} of {satisfiable:?}");
    let field = selection.content_range(length);
    assert_eq!(field.is_none(), ranges.len() > 1);
    if let ([range], Some(field)) = (&ranges[..], field) {
        let fields: HeaderMap = [(CONTENT_RANGE, field)].into_iter().collect();
        let part = Part::of_answer(&fields, range.end - range.start).expect("our own Content-Range");
        assert_eq!((part.range(), part.complete()), (range.clone(), length));
    }
    in_parts(&ranges, length);
}

type Spec = Box<dyn Fn(u64) -> Range<u64>>;

/// What a Range asks for; none where it is not understood.
fn expected_ranges(text: &str) -> Option<Vec<Spec>> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim_matches([' ', '\t']).eq_ignore_ascii_case("bytes") {
        return None;
    }
    let members: Vec<&str> = set
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty())
        .collect();
    let is_position = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let position = |text: &str| text.parse().unwrap_or(u64::MAX);
    if members.is_empty() || members.len() > MOST_RANGES {
        return None;
    }
    let specs = members.into_iter().map(|member| -> Option<Spec> {
        let (first, last) = member.split_once('-')?;
        match (is_position(first), is_position(last)) {
            (true, true) if position(first) <= position(last) => {
                let (first, last) = (position(first), position(last));
                Some(Box::new(move |length| first..length.min(last.saturating_add(1))))
            }
            (true, false) if last.is_empty() => {
                let first = position(first);
                Some(Box::new(move |length| first..length))
            }
            (false, true) if first.is_empty() => {
                let last = position(last);
                Some(Box::new(move |length| length - length.min(last)..length))
            }
            _ => None,
        }
    });
    specs.collect()
}

/// Several ranges as a message: its length is what it says, and each part has the bytes that it names.
fn in_parts(ranges: &[Range<u64>], length: u64) {
    let type_of_all = HeaderValue::from_static("text/plain");
    let multipart = Multipart::new(ranges, length, Some(&type_of_all), u128::from(length) << 64 | 0x1234);
    let content_type = multipart.content_type().expect("a type");
    let (_, boundary) = content_type.to_str().expect("text").split_once("boundary=").expect("a boundary");
    let said = multipart.content_length();
    let mut content = Vec::new();
    for piece in multipart.into_pieces() {
        match piece {
            Piece::Text(text) => content.extend_from_slice(&text),
            Piece::Content(range) => content.extend(bytes_of(range)),
        }
    }
    assert_eq!(content.len() as u64, said);
    let mut rest = &content[..];
    for (index, range) in ranges.iter().enumerate() {
        let start = if index == 0 { format!("--{boundary}\r\n") } else { format!("\r\n--{boundary}\r\n") };
        rest = rest.strip_prefix(start.as_bytes()).expect("a boundary before each part");
        let end =
            rest.windows(4).position(|four| four == b"\r\n\r\n").expect("an empty line behind its fields");
        let fields = super::fields::of_lines(super::fields::lines(&rest[..end]));
        let size = range.end - range.start;
        let part = Part::of_answer(&fields, size).expect("a Content-Range");
        assert_eq!((part.range(), part.complete()), (range.clone(), length));
        let (bytes, behind) = rest[end + 4..].split_at(usize::try_from(size).expect("a size"));
        assert_eq!(bytes, bytes_of(range.clone()));
        rest = behind;
    }
    assert_eq!(rest, format!("\r\n--{boundary}--\r\n").as_bytes());
}

/// What a 206 is taken for is what it says, and as long as its content.
fn stated(value: &HeaderValue, length: u64) {
    let fields: HeaderMap = [(CONTENT_RANGE, value.clone())].into_iter().collect();
    let part = Part::of_answer(&fields, length);
    let said = value.to_str().ok().and_then(|text| {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, complete) = rest.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let number =
            |text: &str| text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
        let (first, last, complete) = (number(first)?, number(last)?, number(complete)?);
        (unit.eq_ignore_ascii_case("bytes") && first <= last && last < complete)
            .then_some((first, last, complete))
    });
    let expected = said.filter(|_| length > 0).and_then(|(first, last, complete)| {
        let size = last - first + 1;
        match size.cmp(&length) {
            std::cmp::Ordering::Equal => Part::new(first..last + 1, complete),
            // It reaches to the end, and ends sooner than it says.
            std::cmp::Ordering::Greater if last + 1 == complete => {
                Part::new(first..first + length, first + length)
            }
            _ => None,
        }
    });
    assert_eq!(part, expected);
}

/// Parts of one representation, put together.
fn joined(pairs: &[u8], length: u64) {
    let part = |pair: &[u8]| {
        let (start, size) = (u64::from(pair[0]), u64::from(pair[1]));
        // One that says another length of the whole is of another representation.
        let complete = if size > length { length + 1 } else { length };
        Part::new(start..(start + size).min(complete), complete)
    };
    let parts: Vec<Part> = pairs.chunks_exact(2).take(64).filter_map(part).collect();
    let Some((new, held)) = parts.split_first() else { return };
    let joined = join(*new, held);
    let (mut start, mut end) = (new.range().start, new.range().end);
    let same: Vec<Range<u64>> =
        held.iter().filter(|part| part.complete() == new.complete()).map(|part| part.range()).collect();
    // As far as one byte leads to the next.
    for _ in &same {
        for range in &same {
            if range.start <= end && start <= range.end {
                (start, end) = (start.min(range.start), end.max(range.end));
            }
        }
    }
    assert_eq!((joined.part.range(), joined.part.complete()), (start..end, new.complete()));
    let copied = |pieces: &[partial::Piece]| -> Vec<u8> {
        let copy = |piece: &partial::Piece| {
            let from = held[piece.held];
            assert!(from.complete() == new.complete() && from.covers(&piece.range), "{piece:?}");
            bytes_of(piece.range.clone())
        };
        pieces.iter().flat_map(copy).collect()
    };
    let bytes = [copied(&joined.before), bytes_of(new.range()), copied(&joined.after)].concat();
    assert_eq!(bytes, bytes_of(start..end));
    if let Some(missing) = joined.part.missing() {
        let whole = join(missing, &[joined.part]);
        assert!(whole.part.is_whole(), "{missing:?} and {:?}", joined.part);
    }
}
