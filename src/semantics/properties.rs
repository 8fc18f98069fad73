//! What holds whatever a peer sends: every field has a meaning, and time only makes a response older.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        AGE, CACHE_CONTROL, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED,
        PRAGMA, RANGE, VARY,
    },
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    Now,
    date::parse_date,
    directives::CacheControl,
    freshness::{
        CurrentAge, FreshnessLifetime, Remaining, corrected_initial_age, current_age, date_of,
        explicit_lifetime, heuristic_lifetime, remaining,
    },
    range,
    targeted::targeted,
    validation::{EntityTag, client_copy_is_current},
    vary::{Fit, Nominations, Presented, Vary},
};

const TARGETED: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Every field that is parsed in this room.
static PARSED: [HeaderName; 13] = [
    AGE,
    CACHE_CONTROL,
    DATE,
    ETAG,
    EXPIRES,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    LAST_MODIFIED,
    PRAGMA,
    RANGE,
    VARY,
    TARGETED,
];

/// What valid values are made of. Put together at random, they are nearly right more often than bytes are.
const PIECES: [&str; 43] = [
    "max-age",
    "s-maxage",
    "no-store",
    "no-cache",
    "private",
    "max-stale",
    "=",
    "=",
    "=\"",
    "\"",
    "\\",
    ",",
    ", ",
    ";",
    " ",
    "\t",
    "-",
    "-",
    "/",
    "*",
    "?1",
    ":",
    "(",
    ")",
    "0",
    "1",
    "60",
    "4294967296",
    "18446744073709551616",
    "1.5",
    "bytes=",
    "bytes",
    "W/",
    "W/\"a\"",
    "accept",
    "Accept-Language",
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "GMT",
    "a",
];

/// A field value: pieces, or any bytes that one may have.
fn any_value() -> impl Strategy<Value = HeaderValue> {
    let pieces = vec(select(&PIECES[..]), 0..10).prop_map(|pieces| pieces.concat().into_bytes());
    let bytes = vec(prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..40);
    prop_oneof![3 => pieces, 1 => bytes].prop_map(|bytes| HeaderValue::from_bytes(&bytes).unwrap())
}

/// Some of the parsed fields, repeated or not.
fn any_fields() -> impl Strategy<Value = HeaderMap> {
    vec((select(&PARSED[..]), any_value()), 0..8).prop_map(|lines| {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(name, value);
        }
        fields
    })
}

/// A moment on a wall clock that is anywhere, from the first second that a date of HTTP can name to beyond the last.
fn any_now() -> impl Strategy<Value = Now> {
    let wall = prop_oneof![Just(0), 1_600_000_000_u64..1_800_000_000, Just(253_402_300_799), 0_u64..1 << 40];
    (wall, 0_u64..1 << 34, 0_u32..1_000_000_000).prop_map(|(wall, secs, nanos)| Now {
        wall: SystemTime::UNIX_EPOCH + Duration::from_secs(wall),
        mono: Duration::new(secs, nanos),
    })
}

/// Seconds of freshness that are left; negative for those since its end.
fn left(remaining: Remaining) -> i128 {
    let nanos = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap();
    match remaining {
        Remaining::Forever => i128::MAX,
        Remaining::Fresh(left) => nanos(left),
        Remaining::Stale(since) => -nanos(since),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn rfc9111_section_5_2_every_cache_control_and_targeted_field_has_a_meaning(fields in any_fields()) {
        let longest = Duration::from_secs(1 << 31);
        for read in [Some(CacheControl::of_response(&fields)), targeted(&fields, &[TARGETED])].into_iter().flatten() {
            let lifetimes = [read.max_age, read.s_maxage, read.stale_while_revalidate, read.stale_if_error];
            prop_assert!(lifetimes.into_iter().flatten().all(|lifetime| lifetime <= longest), "{read:?}");
            prop_assert!(!read.private.is_whole() || read.private.fields().is_empty());
        }
        let asked = CacheControl::of_request(&fields);
        prop_assert!([asked.max_age, asked.min_fresh].into_iter().flatten().all(|limit| limit <= longest));
    }

    #[test]
    fn rfc9110_section_12_5_5_every_vary_has_a_meaning(answer in any_fields(), request in any_fields()) {
        let vary = Vary::of(&answer);
        let raw: Vec<u8> = answer.get_all(VARY).iter().flat_map(|line| [line.as_bytes(), b","].concat()).collect();
        let star = raw.split(|byte| *byte == b',').any(|member| member.trim_ascii() == b"*");
        prop_assert!(!star || vary == Vary::Star, "{raw:?}");
        let nominations = Nominations::of(&vary, &request, &answer);
        let fit = nominations.fit(&mut Presented::new(&request));
        prop_assert_eq!(fit, if vary == Vary::Star { Fit::None } else { Fit::Exact }, "of a request with itself");
        prop_assert!(vary != Vary::Star || nominations.fit(&mut Presented::new(&answer)) == Fit::None);
    }

    #[test]
    fn rfc9110_section_14_every_range_selects_bytes_that_there_are(
        request in any_fields(), length in prop_oneof![0_u64..20, any::<u64>()], tag in any_value(), now in any_now(),
    ) {
        let tag = EntityTag::new(&tag);
        let held = range::Held { tag: tag.as_ref(), modified: Some(now.wall), date: now.wall };
        let selection = range::select(&request, length, &held, now.wall);
        if let range::Selection::Part(part) = &selection {
            prop_assert!(part.start < part.end && part.end <= length, "{part:?} of {length}");
        }
        prop_assert_eq!(selection.content_range(length).is_none(), selection == range::Selection::Whole);
    }

    #[test]
    fn rfc9110_section_8_8_3_every_entity_tag_equals_itself_and_a_weak_one_nothing_strongly(
        tag in any_value(), request in any_fields(), now in any_now(),
    ) {
        let read = EntityTag::new(&tag);
        let _ = client_copy_is_current(&request, read.as_ref(), || now.wall, now.wall);
        if let Some(read) = read {
            prop_assert!(read.weakly_equals(tag.as_bytes()));
            prop_assert_eq!(read.strongly_equals(tag.as_bytes()), !read.is_weak());
            let own = std::iter::once((IF_NONE_MATCH, tag)).collect();
            prop_assert!(client_copy_is_current(&own, Some(&read), || now.wall, now.wall));
        }
    }

    #[test]
    fn rfc9111_section_4_2_every_response_has_an_age_and_a_lifetime_within_bounds(
        fields in any_fields(), asked in any_now(), received in any_now(), status in 200_u16..600,
    ) {
        let control = CacheControl::of_response(&fields);
        let age = corrected_initial_age(&fields, asked, received);
        prop_assert!(age <= CurrentAge(Duration::from_secs(1 << 31)));
        let status = StatusCode::from_u16(status).unwrap();
        let guess = heuristic_lifetime(status, &control, &fields, received.wall);
        prop_assert!(guess.is_none_or(|guess| guess <= Duration::from_hours(24)));
        let (date, stated) =
            (date_of(&fields, received.wall), explicit_lifetime(&control, &fields, received.wall));
        let expires = fields.get(EXPIRES).and_then(|line| parse_date(line.to_str().ok()?, received.wall));
        if control.s_maxage.is_none() && control.max_age.is_none() && expires.is_none_or(|expires| expires <= date) {
            prop_assert!(stated.is_none_or(|lifetime| lifetime.is_zero()), "{stated:?}");
        }
    }

    #[test]
    fn rfc9111_section_4_2_3_age_never_shrinks_and_what_is_stale_stays_so(
        fields in any_fields(), asked in any_now(), received in any_now(), lifetime in any::<u32>(),
        one in any_now(), other in any_now(),
    ) {
        // The wall clock may be anywhere at either moment.
        let (earlier, later) = if one.mono <= other.mono { (one, other) } else { (other, one) };
        let initial = corrected_initial_age(&fields, asked, received);
        let age = |now| current_age(initial, received.mono, now);
        prop_assert!(initial <= age(earlier) && age(earlier) <= age(later));
        let lifetime = FreshnessLifetime::Finite(Duration::from_secs(lifetime.into()));
        prop_assert!(left(remaining(lifetime, age(later))) <= left(remaining(lifetime, age(earlier))));
        prop_assert_eq!(remaining(FreshnessLifetime::Forever, age(later)), Remaining::Forever);
    }
}
