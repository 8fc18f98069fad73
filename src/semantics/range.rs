//! Byte ranges of a stored response (RFC 9110 section 14).
//!
//! A server may ignore Range; it is ignored wherever it is not understood, so that the answer is whole. That includes
//! requests for more than [`MOST_RANGES`]. Ranges that overlap or touch become one, wherever they stand in the request:
//! so no answer has a byte twice, and none is larger than the representation and a bounded number of part heads.

use std::{ops::Range, time::SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{IF_RANGE, RANGE},
};

use super::{
    date::parse_date,
    validation::{EntityTag, is_strong_date},
};
use crate::level::Glance;

/// How many ranges one request can have.
pub const MOST_RANGES: usize = 16;

/// What a request's Range selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The whole representation: no Range, or one that is ignored.
    Whole,
    /// These bytes, within the representation and not empty: 206.
    Part(Range<u64>),
    /// These bytes, in at least two ranges that neither overlap nor touch, in the order in which they were asked for: 206
    /// in parts.
    Parts(Vec<Range<u64>>),
    /// Nothing of the representation: 416.
    Unsatisfiable,
}

impl Selection {
    /// The Content-Range of the answer, where it has one (RFC 9110 section 14.4); where there are parts, each has its own.
    pub fn content_range(&self, length: u64) -> Option<HeaderValue> {
        let text = match self {
            Self::Whole | Self::Parts(_) => return None,
            Self::Part(part) => format!("bytes {}-{}/{length}", part.start, part.end - 1),
            Self::Unsatisfiable => format!("bytes */{length}"),
        };
        HeaderValue::try_from(text).ok()
    }
}

/// What is held of a representation, for If-Range.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Its entity tag.
    pub tag: Option<&'a EntityTag>,
    /// Its Last-Modified, where it can be read.
    pub modified: Option<SystemTime>,
    /// Its Date.
    pub date: SystemTime,
}

/// Whether a request asks for a part of the representation, understood or not.
pub fn asks_for_a_part(request: &HeaderMap) -> bool {
    Glance::at(request).has(&RANGE)
}

/// What a request's Range selects from a representation of this length in bytes.
///
/// Where If-Range does not match what is held, the answer is whole. `now` is for dates that leave the century open.
pub fn select(request: &HeaderMap, length: u64, held: &Held<'_>, now: SystemTime) -> Selection {
    let mut lines = request.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Selection::Whole };
    if request.get_all(IF_RANGE).iter().any(|condition| !held.is_meant_by(condition, now)) {
        return Selection::Whole;
    }
    line.to_str().ok().and_then(parse).map_or(Selection::Whole, |specs| resolve(&specs, length))
}

impl Held<'_> {
    /// If-Range: a strong match of the tag, or exactly the same date, which must be strong too (RFC 9110
    /// section 13.1.5).
    fn is_meant_by(&self, condition: &HeaderValue, now: SystemTime) -> bool {
        if EntityTag::new(condition).is_some() {
            return self.tag.is_some_and(|tag| tag.strongly_equals(condition.as_bytes()));
        }
        let date = condition.to_str().ok().and_then(|text| parse_date(text, now));
        self.modified.is_some_and(|modified| date == Some(modified) && is_strong_date(modified, self.date))
    }
}

#[derive(Clone, Copy)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Spec {
    /// The bytes that there are; none where it cannot be satisfied.
    fn resolve(self, length: u64) -> Range<u64> {
        match self {
            Self::From(first) => first..length,
            Self::Between(first, last) => first..last.saturating_add(1).min(length),
            Self::Last(n) => length.saturating_sub(n)..length,
        }
    }
}

fn resolve(specs: &[Spec], length: u64) -> Selection {
    let satisfiable = specs.iter().map(|spec| spec.resolve(length)).filter(|range| !range.is_empty());
    let mut ranges = coalesced(satisfiable);
    match ranges.len() {
        0 => Selection::Unsatisfiable,
        1 => Selection::Part(ranges.swap_remove(0)),
        _ => Selection::Parts(ranges),
    }
}

/// The same bytes in ranges that neither overlap nor touch. One that was made of several stands where the first of them
/// did (RFC 9110 section 15.3.7.2).
fn coalesced(ranges: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut apart: Vec<Range<u64>> = Vec::new();
    for mut range in ranges {
        let mut place = apart.len();
        while let Some(at) =
            apart.iter().position(|known| known.start <= range.end && range.start <= known.end)
        {
            let known = apart.remove(at);
            range = known.start.min(range.start)..known.end.max(range.end);
            place = place.min(at);
        }
        apart.insert(place, range);
    }
    apart
}

/// The ranges of a Range field; `None` where one of them is malformed, and where there are too many.
fn parse(text: &str) -> Option<Vec<Spec>> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let members = set.split(',').map(str::trim).filter(|member| !member.is_empty());
    let specs: Vec<Spec> = members.take(MOST_RANGES + 1).map(parse_spec).collect::<Option<_>>()?;
    (1..=MOST_RANGES).contains(&specs.len()).then_some(specs)
}

fn parse_spec(spec: &str) -> Option<Spec> {
    let (first, last) = spec.split_once('-')?;
    match (first.is_empty(), last.is_empty()) {
        (false, true) => Some(Spec::From(number(first)?)),
        (true, false) => Some(Spec::Last(number(last)?)),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
        (true, true) => None,
    }
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOTHING: Held<'static> = Held { tag: None, modified: None, date: SystemTime::UNIX_EPOCH };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn selects(range: &str, length: u64) -> Selection {
        let request = std::iter::once((RANGE, HeaderValue::from_str(range).unwrap())).collect();
        select(&request, length, &NOTHING, at(0))
    }

    #[test]
    fn rfc9110_section_14_1_2_a_single_range_is_cut_to_the_representation() {
        assert_eq!(selects("bytes=0-0", 10), Selection::Part(0..1));
        assert_eq!(selects("bytes=2-", 10), Selection::Part(2..10));
        assert_eq!(selects("Bytes=2-99", 10), Selection::Part(2..10));
        assert_eq!(selects("bytes=-3", 10), Selection::Part(7..10));
        assert_eq!(selects("bytes=-99", 10), Selection::Part(0..10));
        assert_eq!(selects("bytes=5-99999999999999999999999", 10), Selection::Part(5..10));
    }

    #[test]
    fn rfc9110_section_14_1_2_a_range_of_nothing_cannot_be_satisfied() {
        assert_eq!(selects("bytes=10-", 10), Selection::Unsatisfiable);
        assert_eq!(selects("bytes=-0", 10), Selection::Unsatisfiable);
        assert_eq!(selects("bytes=0-0", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn rfc9110_section_14_2_what_is_not_understood_is_ignored() {
        for range in [
            "bytes=",
            "bytes=-",
            "bytes=3-1",
            "bytes=a-b",
            "lines=1-2",
            "bytes=,",
            "bytes=0-1,4-3",
            "bytes=0-1;4-5",
            "bytes=0-1 4-5",
            "bytes=0 - 1",
            "bytes 0-1",
            "bytes=+1-2",
        ] {
            assert_eq!(selects(range, 10), Selection::Whole, "{range}");
        }
    }

    #[test]
    fn rfc9110_section_15_3_7_2_several_ranges_are_parts_in_the_order_asked_for() {
        assert_eq!(selects("bytes=0-1,4-5", 10), Selection::Parts(vec![0..2, 4..6]));
        assert_eq!(selects("bytes= 8- ,\t0-0,, 4-4", 10), Selection::Parts(vec![8..10, 0..1, 4..5]));
        assert_eq!(selects("bytes=0-0,-1", 10), Selection::Parts(vec![0..1, 9..10]));
    }

    #[test]
    fn rfc9110_section_14_1_2_members_that_cannot_be_satisfied_are_dropped() {
        assert_eq!(selects("bytes=20-30,0-1,10-,4-5", 10), Selection::Parts(vec![0..2, 4..6]));
        assert_eq!(selects("bytes=20-30,0-1", 10), Selection::Part(0..2));
        assert_eq!(selects("bytes=20-30,10-", 10), Selection::Unsatisfiable);
        assert_eq!(selects("bytes=0-0,-1", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn rfc9110_section_15_3_7_2_ranges_that_overlap_or_touch_become_one() {
        assert_eq!(selects("bytes=0-,0-,0-", 10), Selection::Part(0..10));
        assert_eq!(selects("bytes=0-1,2-3", 10), Selection::Part(0..4));
        assert_eq!(selects("bytes=4-5,0-1,3-7", 10), Selection::Parts(vec![3..8, 0..2]));
        assert_eq!(selects("bytes=8-8,0-1,4-5,2-3", 10), Selection::Parts(vec![8..9, 0..6]));
    }

    #[test]
    fn more_ranges_than_there_may_be_are_the_whole() {
        let ranges = |n: usize| {
            let members: Vec<String> = (0..n).map(|at| format!("{0}-{0}", at * 2)).collect();
            format!("bytes={}", members.join(","))
        };
        let Selection::Parts(most) = selects(&ranges(MOST_RANGES), 100) else { panic!("parts") };
        assert_eq!(most.len(), MOST_RANGES);
        assert_eq!(selects(&ranges(MOST_RANGES + 1), 100), Selection::Whole);
        assert_eq!(selects(&format!("bytes={}", "0-,".repeat(1000)), 100), Selection::Whole);
    }

    /// Whether a range is sent where If-Range says this.
    fn holds(condition: &str, held: &Held<'_>) -> bool {
        let lines = [(RANGE, "bytes=0-1"), (IF_RANGE, condition)];
        let request =
            lines.into_iter().map(|(name, value)| (name, HeaderValue::from_str(value).unwrap())).collect();
        select(&request, 10, held, at(2_000_000_000)) == Selection::Part(0..2)
    }

    #[test]
    fn rfc9110_section_13_1_5_if_range_wants_the_same_representation() {
        let tag = EntityTag::new(&HeaderValue::from_static("\"a\""));
        let held = Held { tag: tag.as_ref(), ..NOTHING };
        assert!(holds("\"a\"", &held));
        for other in ["\"b\"", "W/\"a\"", "a", ""] {
            assert!(!holds(other, &held), "{other}");
        }
    }

    #[test]
    fn rfc9110_section_13_1_5_if_range_wants_exactly_the_same_date_and_a_strong_one() {
        let modified = at(784_111_777);
        let held =
            |later| Held { modified: Some(modified), date: modified + Duration::from_secs(later), tag: None };
        for same in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"] {
            assert!(holds(same, &held(1)), "{same}");
            assert!(!holds(same, &held(0)), "it may have changed again in that second");
            assert!(!holds(same, &NOTHING));
        }
        for other in ["Sun, 06 Nov 1994 08:49:36 GMT", "Sun, 06 Nov 1994 08:49:38 GMT", "784111777"] {
            assert!(!holds(other, &held(1)), "{other}");
        }
        let dated_before = Held { modified: Some(modified), date: at(1), tag: None };
        assert!(!holds("Sun, 06 Nov 1994 08:49:37 GMT", &dated_before));
    }

    #[test]
    fn rfc9110_section_14_4_content_range_states_part_and_length() {
        assert_eq!(Selection::Part(2..10).content_range(10).unwrap(), "bytes 2-9/10");
        assert_eq!(Selection::Unsatisfiable.content_range(10).unwrap(), "bytes */10");
        assert_eq!(Selection::Whole.content_range(10), None);
        assert_eq!(Selection::Parts(vec![0..1, 2..3]).content_range(10), None);
    }
}
