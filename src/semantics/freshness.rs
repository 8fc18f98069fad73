//! How long a response is fresh, and how old it is (RFC 9111 sections 4.2 and 5.1).
//!
//! Lifetimes are counted on the monotonic clock, so that a jump of the wall clock never makes a stored response
//! younger or older. Dates of HTTP are compared only with each other and with the wall clock at the moment of receipt.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, StatusCode,
    header::{AGE, DATE, EXPIRES, LAST_MODIFIED},
};

use super::{
    Now,
    date::{date_field, parse_date},
    directives::CacheControl,
};

/// The largest age that is told apart from larger ones.
const MAX_AGE: Duration = Duration::from_secs(1 << 31);
/// The part of the time since Last-Modified that counts as heuristic lifetime (RFC 9111 section 4.2.2).
const HEURISTIC_DIVISOR: u32 = 10;
/// No heuristic lifetime is longer than a day.
const HEURISTIC_CEILING: Duration = Duration::from_hours(24);

/// How long a response is fresh after the origin made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FreshnessLifetime {
    /// For this long.
    Finite(Duration),
    /// For ever: only eviction and purge end it.
    Forever,
}

/// How old a response is: the time since the origin made or last confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CurrentAge(pub Duration);

impl CurrentAge {
    /// The value of the Age field: whole seconds, as RFC 9111 section 5.1 counts them.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

/// What is left of a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// There is no end.
    Forever,
    /// Fresh for this much longer.
    Fresh(Duration),
    /// Stale since this long.
    Stale(Duration),
}

impl Remaining {
    /// The `ttl` of Cache-Status: whole seconds of freshness left, negative when stale. Counted so that Age, which is
    /// rounded down, and a ttl of whole seconds add up to the lifetime.
    pub fn ttl(self) -> Option<i64> {
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        match self {
            Self::Forever => None,
            Self::Fresh(left) => Some(seconds(left.saturating_add(Duration::from_nanos(999_999_999)))),
            Self::Stale(since) => Some(-seconds(since)),
        }
    }
}

/// What is left of this lifetime at this age.
pub fn remaining(lifetime: FreshnessLifetime, age: CurrentAge) -> Remaining {
    match lifetime {
        FreshnessLifetime::Forever => Remaining::Forever,
        FreshnessLifetime::Finite(lifetime) if lifetime > age.0 => {
            Remaining::Fresh(lifetime.saturating_sub(age.0))
        }
        FreshnessLifetime::Finite(lifetime) => Remaining::Stale(age.0.saturating_sub(lifetime)),
    }
}

/// The lifetime that the origin states: `s-maxage`, else `max-age`, else Expires minus Date
/// (RFC 9111 section 4.2.1). `None` where it states nothing; an Expires that cannot be read is in the past.
pub fn explicit_lifetime(
    directives: &CacheControl,
    fields: &HeaderMap,
    received: SystemTime,
) -> Option<Duration> {
    directives.s_maxage.or(directives.max_age).or_else(|| {
        let mut lines = fields.get_all(EXPIRES).iter();
        let expires = lines.next()?;
        let single = lines.next().is_none();
        let expires = expires.to_str().ok().and_then(|text| parse_date(text, received)).filter(|_| single);
        Some(
            expires.map_or(Duration::ZERO, |at| {
                at.duration_since(date_of(fields, received)).unwrap_or_default()
            }),
        )
    })
}

/// A lifetime guessed from Last-Modified, for statuses that allow a guess, and for any that says `public`
/// (RFC 9111 section 4.2.2).
pub fn heuristic_lifetime(
    status: StatusCode,
    directives: &CacheControl,
    fields: &HeaderMap,
    received: SystemTime,
) -> Option<Duration> {
    if !is_heuristically_cacheable(status) && !directives.public {
        return None;
    }
    let since =
        date_of(fields, received).duration_since(date_field(fields, &LAST_MODIFIED, received)?).ok()?;
    Some((since / HEURISTIC_DIVISOR).min(HEURISTIC_CEILING))
}

/// The age of a response when it arrived: the larger of what its Age field and its Date tell, the time that the
/// exchange took included (RFC 9111 section 4.2.3).
pub fn corrected_initial_age(fields: &HeaderMap, asked: Now, received: Now) -> CurrentAge {
    let apparent = received.wall.duration_since(date_of(fields, received.wall)).unwrap_or_default();
    let delay = received.mono.saturating_sub(asked.mono);
    let corrected = age_field(fields).unwrap_or_default().saturating_add(delay);
    CurrentAge(apparent.max(corrected).min(MAX_AGE))
}

/// The age now of a response that had this age when it was received.
pub fn current_age(initial: CurrentAge, received: Duration, now: Now) -> CurrentAge {
    CurrentAge(initial.0.saturating_add(now.mono.saturating_sub(received)).min(MAX_AGE))
}

/// The Date of a response, or the time of its receipt where it has none that can be read.
pub fn date_of(fields: &HeaderMap, received: SystemTime) -> SystemTime {
    date_field(fields, &DATE, received).unwrap_or(received)
}

/// Whether the status allows a response to be stored without explicit freshness (RFC 9110 section 15.1).
pub fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The first member of Age, if it is delta-seconds; anything else is ignored (RFC 9111 section 5.1).
fn age_field(fields: &HeaderMap) -> Option<Duration> {
    let first = fields.get(AGE)?.to_str().ok()?.split(',').next()?.trim();
    let is_delta = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
    is_delta.then(|| Duration::from_secs(first.parse().unwrap_or(u64::MAX)).min(MAX_AGE))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const T0: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(wall: u64, mono: u64) -> Now {
        Now { wall: T0 + Duration::from_secs(wall), mono: Duration::from_secs(mono) }
    }

    fn fields(lines: &[(HeaderName, String)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn date(secs: u64) -> String {
        httpdate::fmt_http_date(T0 + Duration::from_secs(secs))
    }

    fn lifetime(lines: &[(HeaderName, String)]) -> Option<u64> {
        let fields = fields(lines);
        explicit_lifetime(&CacheControl::of_response(&fields), &fields, at(1000, 0).wall).map(|l| l.as_secs())
    }

    #[test]
    fn rfc9111_section_4_2_1_s_maxage_wins_over_max_age_and_max_age_over_expires() {
        let cc = |value: &str| (http::header::CACHE_CONTROL, value.to_owned());
        let expires = (EXPIRES, date(1100));
        assert_eq!(lifetime(&[cc("max-age=10, s-maxage=20"), expires.clone()]), Some(20));
        assert_eq!(lifetime(&[cc("max-age=10"), expires.clone()]), Some(10));
        assert_eq!(lifetime(std::slice::from_ref(&expires)), Some(100));
        assert_eq!(lifetime(&[expires, (DATE, date(1050))]), Some(50));
        assert_eq!(lifetime(&[]), None);
    }

    #[test]
    fn rfc9111_section_5_3_an_expires_that_cannot_be_read_is_in_the_past() {
        assert_eq!(lifetime(&[(EXPIRES, "0".to_owned())]), Some(0));
        assert_eq!(lifetime(&[(EXPIRES, date(1100)), (EXPIRES, date(1200))]), Some(0));
        assert_eq!(lifetime(&[(EXPIRES, date(10))]), Some(0));
    }

    #[test]
    fn rfc9111_section_4_2_3_the_age_is_the_larger_of_what_age_and_date_tell() {
        let initial = |lines: &[(HeaderName, String)]| {
            corrected_initial_age(&fields(lines), at(1000, 10), at(1003, 13)).as_secs()
        };
        assert_eq!(initial(&[]), 3, "the delay of the exchange counts");
        assert_eq!(initial(&[(AGE, "7".into())]), 10);
        assert_eq!(initial(&[(DATE, date(983))]), 20);
        assert_eq!(initial(&[(AGE, "30".into()), (DATE, date(983))]), 33);
        assert_eq!(initial(&[(AGE, "-5".into())]), 3, "a bad Age is ignored");
        assert_eq!(initial(&[(AGE, "4, 900".into())]), 7, "the first of several counts");
        assert_eq!(initial(&[(DATE, date(9999))]), 3, "a Date in the future does not make it younger");
    }

    #[test]
    fn rfc9111_section_4_2_2_heuristic_lifetime_is_a_tenth_and_at_most_a_day() {
        let ok = StatusCode::OK;
        let modified = |secs| fields(&[(LAST_MODIFIED, date(secs))]);
        let received = at(10_000_000, 0).wall;
        let lifetime = |status, fields: &HeaderMap| {
            heuristic_lifetime(status, &CacheControl::default(), fields, received)
        };
        assert_eq!(lifetime(ok, &modified(9_999_000)), Some(Duration::from_secs(100)));
        assert_eq!(lifetime(ok, &modified(0)), Some(HEURISTIC_CEILING));
        assert_eq!(lifetime(ok, &HeaderMap::new()), None);
        assert_eq!(lifetime(StatusCode::CREATED, &modified(0)), None);
        let public = CacheControl { public: true, ..CacheControl::default() };
        let made = heuristic_lifetime(StatusCode::CREATED, &public, &modified(0), received);
        assert_eq!(made, Some(HEURISTIC_CEILING), "`public` allows a guess for any status");
    }

    proptest! {
        #[test]
        fn rfc9111_section_4_2_3_age_never_shrinks_when_the_wall_clock_jumps(jump in -4000i64..4000, first in 0u64..1000, step in 0u64..1000) {
            let wall = |n: i64| T0 + Duration::from_secs(u64::try_from(10_000 + n).unwrap());
            let initial = corrected_initial_age(&HeaderMap::new(), at(10_000, first), at(10_000, first));
            let received = Duration::from_secs(first);
            let before = current_age(initial, received, Now { wall: wall(0), mono: received });
            let later = Now { wall: wall(jump), mono: received + Duration::from_secs(step) };
            let after = current_age(initial, received, later);
            prop_assert_eq!(after.0, before.0 + Duration::from_secs(step));
        }
    }
}
