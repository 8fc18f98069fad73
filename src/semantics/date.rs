//! Dates of HTTP (RFC 9110 section 5.6.7): the three formats that a recipient must read, and nothing else.
//!
//! A library reads them. What it does not know is added here: which century a year of two digits is in depends on now, a
//! leap second is a second, and a day name must be one, yet need not be that of the date. The grammar does not compare the
//! two, and to refuse the date would make a fresh response stale for a slip that changes nothing.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The names of the days: in IMF-fixdate and asctime their first three letters.
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// The length of `Sun, 06 Nov 1994 08:49:37 GMT`.
const IMF_FIXDATE: usize = 29;
/// As many days as there can be in fifty years.
const FIFTY_YEARS: Duration = Duration::from_hours(18_263 * 24);
/// The mean year of the calendar, in seconds.
const MEAN_YEAR: u64 = 31_556_952;
/// The first second that has no date of four digits, counted from 1970.
const YEAR_10000: u64 = 253_402_300_800;

/// The time that a date names, from 1970 on. `now` says which century a year of two digits is in.
///
/// Case counts in section 5.6.7, but a cache is to read it in any (RFC 9111 section 4.2); white space around the date does
/// not count.
pub fn parse_date(text: &str, now: SystemTime) -> Option<SystemTime> {
    let text = text.trim_matches([' ', '\t']);
    // Nearly all dates are IMF-fixdate without a slip, and only that is as long as this.
    let usual = (text.len() == IMF_FIXDATE).then(|| httpdate::parse_http_date(text).ok()).flatten();
    usual.or_else(|| read(&in_usual_case(text), now))
}

/// The words of a date in the case that the three formats give them.
fn in_usual_case(text: &str) -> String {
    let mut inside = false;
    let usual = text.chars().map(|c| {
        let letter = if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        inside = c.is_ascii_alphabetic();
        letter
    });
    usual.collect::<String>().replace(" Gmt", " GMT")
}

fn read(text: &str, now: SystemTime) -> Option<SystemTime> {
    if let Some(before) = text.strip_suffix(" GMT").and_then(|text| text.strip_suffix("23:59:60")) {
        let last = read(&format!("{before}23:59:59 GMT"), now)?;
        return last.checked_add(Duration::from_secs(1));
    }
    let long = DAYS.iter().find_map(|day| text.strip_prefix(day));
    match long {
        Some(rest) => rfc850_date(rest, now),
        None => httpdate::parse_http_date(text)
            .ok()
            .or_else(|| DAYS.iter().find_map(|day| text.strip_prefix(day.get(..3)?)).and_then(on_some_day)),
    }
}

/// The date that the library reads behind a day name, whichever that has to be.
fn on_some_day(rest: &str) -> Option<SystemTime> {
    DAYS.iter().find_map(|day| httpdate::parse_http_date(&[day.get(..3)?, rest].concat()).ok())
}

/// `, 06-Nov-94 08:49:37 GMT`. It is in the last year that has these digits and is no more than 50 years ahead.
fn rfc850_date(rest: &str, now: SystemTime) -> Option<SystemTime> {
    let mut parts = rest.strip_prefix(", ")?.splitn(3, '-');
    let (day, month, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let (year, time) = rest.split_once(' ')?;
    let is_short = year.len() == 2 && year.bytes().all(|byte| byte.is_ascii_digit());
    let latest = now.checked_add(FIFTY_YEARS)?;
    let years = latest.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() / MEAN_YEAR;
    // One more, since the mean year may be one too early around New Year.
    let last_century = ((1970 + years + 1) / 100).min(99);
    let in_century = |century: u64| on_some_day(&format!(", {day} {month} {century}{year} {time}"));
    is_short.then(|| (19..=last_century).rev().filter_map(in_century).find(|date| *date <= latest))?
}

/// The value of a field that is a date, where it can be read.
pub fn date_field(fields: &HeaderMap, name: &HeaderName, now: SystemTime) -> Option<SystemTime> {
    fields.get(name)?.to_str().ok().and_then(|text| parse_date(text, now))
}

/// The date of a time, to be sent. `None` before 1970 and after 9999, where only a broken clock can be.
pub fn format_date(time: SystemTime) -> Option<HeaderValue> {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let has_date = since_1970.as_secs() < YEAR_10000;
    has_date.then(|| HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Some time in November 2026.
    const NOW: u64 = 1_795_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn date(text: &str) -> Option<SystemTime> {
        parse_date(text, at(NOW))
    }

    fn imf(text: &str) -> SystemTime {
        date(text).unwrap()
    }

    #[test]
    fn rfc9110_section_5_6_7_the_three_formats_name_the_same_time() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
            " \tSun, 06 Nov 1994 08:49:37 GMT ",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nOV 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 gmt",
            "sunday, 06-NOV-94 08:49:37 gMT",
            "sun nov  6 08:49:37 1994",
        ] {
            assert_eq!(date(text), Some(at(784_111_777)), "{text}");
        }
    }

    #[test]
    fn rfc9110_section_5_6_7_nothing_else_is_a_date() {
        for text in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 GMT+1",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun,  06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:60 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 2100 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 1994 GMT",
            "Day, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_name_says_nothing_that_the_date_does_not() {
        assert_eq!(date("Mon, 06 Nov 1994 08:49:37 GMT"), Some(at(784_111_777)));
    }

    #[test]
    fn rfc9110_section_5_6_7_a_year_of_two_digits_is_at_most_fifty_years_ahead() {
        assert_eq!(imf("Tuesday, 24-Nov-26 00:00:00 GMT"), imf("Tue, 24 Nov 2026 00:00:00 GMT"));
        assert_eq!(imf("Thursday, 18-Aug-50 02:01:18 GMT"), imf("Thu, 18 Aug 2050 02:01:18 GMT"));
        assert_eq!(imf("Wednesday, 01-Jan-76 00:00:00 GMT"), imf("Wed, 01 Jan 2076 00:00:00 GMT"));
        assert_eq!(imf("Friday, 31-Dec-76 00:00:00 GMT"), imf("Fri, 31 Dec 1976 00:00:00 GMT"));
        assert_eq!(imf("Tuesday, 29-Feb-00 00:00:00 GMT"), imf("Tue, 29 Feb 2000 00:00:00 GMT"));
        let late = imf("Wed, 01 Jun 2095 00:00:00 GMT");
        let read = parse_date("Monday, 06-Nov-45 08:49:37 GMT", late);
        assert_eq!(read, Some(imf("Mon, 06 Nov 2045 08:49:37 GMT")), "more than fifty years ahead otherwise");
        let read = parse_date("Monday, 06-Nov-44 08:49:37 GMT", late);
        assert_eq!(read, Some(imf("Sun, 06 Nov 2144 08:49:37 GMT")));
    }

    #[test]
    fn rfc9110_section_5_6_7_the_ends_of_the_calendar_are_dates() {
        assert_eq!(imf("Thu, 01 Jan 1970 00:00:00 GMT"), at(0));
        assert_eq!(date("Wed, 31 Dec 1969 23:59:59 GMT"), None);
        assert_eq!(imf("Fri, 31 Dec 9999 23:59:59 GMT"), at(YEAR_10000 - 1));
        assert_eq!(imf("Sat, 31 Dec 2016 23:59:60 GMT"), imf("Sun, 01 Jan 2017 00:00:00 GMT"));
        assert_eq!(imf("Saturday, 31-Dec-16 23:59:60 GMT"), imf("Sun, 01 Jan 2017 00:00:00 GMT"));
    }

    #[test]
    fn rfc9110_section_5_6_7_no_date_is_made_where_there_is_none() {
        assert_eq!(format_date(at(784_111_777)).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert!(format_date(at(YEAR_10000 - 1)).is_some());
        assert_eq!(format_date(at(YEAR_10000)), None);
        assert_eq!(format_date(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)), None);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_read_without_a_panic(text in "\\PC{0,32}", now in any::<i64>()) {
            let distance = Duration::from_secs(now.unsigned_abs() / 4);
            let now = if now < 0 { at(0).checked_sub(distance) } else { at(0).checked_add(distance) };
            let _ = parse_date(&text, now.unwrap());
        }

        #[test]
        fn rfc9110_section_5_6_7_a_date_that_is_formatted_is_read_again(seconds in 0..YEAR_10000) {
            let sent = format_date(at(seconds)).unwrap();
            prop_assert_eq!(date(sent.to_str().unwrap()), Some(at(seconds)));
        }

        #[test]
        fn rfc9110_section_5_6_7_two_digits_are_never_more_than_fifty_years_ahead(now in NOW..200_000_000_000, day in 1u32..29, year in 0u32..100) {
            let text = format!("Monday, {day:02}-Jun-{year:02} 12:00:00 GMT");
            let found = parse_date(&text, at(now)).unwrap();
            prop_assert!(found <= at(now) + FIFTY_YEARS);
            let century = Duration::from_secs(36_525 * 86_400);
            prop_assert!(found + century > at(now) + FIFTY_YEARS, "a century later would do as well");
        }
    }
}
