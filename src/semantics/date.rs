//! Dates of HTTP (RFC 9110 section 5.6.7): the three formats that a recipient must read, and nothing else.
//!
//! A day name must be one, and need not be that of the date: the grammar does not compare the two, and the rest of the
//! date says all that counts. To refuse the date would make a fresh response stale for a slip that changes nothing.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH_LENGTHS: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const DAY: i64 = 24 * 60 * 60;
/// As many days as there can be in fifty years, in seconds.
const FIFTY_YEARS: i64 = 18_263 * DAY;
/// The mean year of the calendar, in seconds.
const MEAN_YEAR: i64 = 31_556_952;
/// Days from the first of January of the year 1 to that of 1970.
const EPOCH: i64 = 719_162;
/// The first second that has no date of four digits, counted from 1970.
const YEAR_10000: u64 = 253_402_300_800;

/// The time that a date names. `now` says which century a year of two digits is in.
///
/// Case counts, as section 5.6.7 says; white space around the date does not.
pub fn parse_date(text: &str, now: SystemTime) -> Option<SystemTime> {
    let text = text.trim_matches([' ', '\t']).as_bytes();
    let seconds = imf_fixdate(text).or_else(|| rfc850_date(text, now)).or_else(|| asctime_date(text))?;
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
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

/// `Sun, 06 Nov 1994 08:49:37 GMT`, in seconds from 1970 as all below.
fn imf_fixdate(text: &[u8]) -> Option<i64> {
    let mut rest = Rest(text);
    rest.one_of(&DAYS)?;
    rest.literal(", ")?;
    let day = rest.number(2)?;
    rest.literal(" ")?;
    let month = rest.one_of(&MONTHS)?;
    rest.literal(" ")?;
    let year = rest.number(4)?;
    rest.literal(" ")?;
    let time = rest.time_of_day()?;
    rest.literal(" GMT")?;
    rest.end()?;
    Some(midnight(year, month, day)? + time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`. It is in the last year that has these digits and is no more than 50 years ahead.
fn rfc850_date(text: &[u8], now: SystemTime) -> Option<i64> {
    let mut rest = Rest(text);
    rest.one_of(&LONG_DAYS)?;
    rest.literal(", ")?;
    let day = rest.number(2)?;
    rest.literal("-")?;
    let month = rest.one_of(&MONTHS)?;
    rest.literal("-")?;
    let year_of_century = rest.number(2)?;
    rest.literal(" ")?;
    let time = rest.time_of_day()?;
    rest.literal(" GMT")?;
    rest.end()?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let latest = i64::try_from(now).unwrap_or(i64::MAX).saturating_add(FIFTY_YEARS);
    // The mean year may be one too early around New Year.
    let last_year = (1970 + latest / MEAN_YEAR + 1).min(9999);
    let centuries = (0..=last_year / 100).rev().map(|century| century * 100);
    centuries
        .filter_map(|century| midnight(century + year_of_century, month, day))
        .map(|midnight| midnight + time)
        .find(|seconds| *seconds <= latest)
}

/// `Sun Nov  6 08:49:37 1994`.
fn asctime_date(text: &[u8]) -> Option<i64> {
    let mut rest = Rest(text);
    rest.one_of(&DAYS)?;
    rest.literal(" ")?;
    let month = rest.one_of(&MONTHS)?;
    rest.literal(" ")?;
    let day = if rest.literal(" ").is_some() { rest.number(1)? } else { rest.number(2)? };
    rest.literal(" ")?;
    let time = rest.time_of_day()?;
    rest.literal(" ")?;
    let year = rest.number(4)?;
    rest.end()?;
    Some(midnight(year, month, day)? + time)
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn literal(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected.as_bytes())?;
        Some(())
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Which of these words stands here.
    fn one_of(&mut self, words: &[&str]) -> Option<usize> {
        words.iter().position(|word| self.literal(word).is_some())
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number
            .iter()
            .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    }

    /// Seconds since midnight. A leap second, at the end of a day, is the first of the next.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.literal(":")?;
        let minute = self.number(2)?;
        self.literal(":")?;
        let second = self.number(2)?;
        let is_time = hour < 24 && minute < 60 && second < 60;
        let is_leap_second = (hour, minute, second) == (23, 59, 60);
        (is_time || is_leap_second).then_some((hour * 60 + minute) * 60 + second)
    }
}

/// The beginning of a day that exists. Months count from 0.
fn midnight(year: i64, month: usize, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: usize| MONTH_LENGTHS[month] + i64::from(is_leap && month == 1);
    if !(1..=length(month)).contains(&day) {
        return None;
    }
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let days = before * 365 + leap_days + (0..month).map(length).sum::<i64>() + day - 1;
    Some((days - EPOCH) * DAY)
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

    fn read(text: &str) -> Option<SystemTime> {
        parse_date(text, at(NOW))
    }

    fn imf(text: &str) -> SystemTime {
        read(text).unwrap()
    }

    #[test]
    fn the_three_formats_name_the_same_time() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun Nov 06 08:49:37 1994",
            " \tSun, 06 Nov 1994 08:49:37 GMT ",
        ] {
            assert_eq!(read(text), Some(at(784_111_777)), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_date() {
        for text in [
            "",
            "0",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 NOV 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 gmt",
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
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_name_says_nothing_that_the_date_does_not() {
        assert_eq!(read("Mon, 06 Nov 1994 08:49:37 GMT"), Some(at(784_111_777)));
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_fifty_years_ahead() {
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
        assert!(parse_date("Thursday, 06-Nov-69 08:49:37 GMT", at(0)).unwrap() < at(0));
    }

    #[test]
    fn the_ends_of_the_calendar_are_dates() {
        assert!(imf("Mon, 01 Jan 0001 00:00:00 GMT") < imf("Thu, 31 Dec 1969 23:59:59 GMT"));
        assert!(read("Sat, 01 Jan 0000 00:00:00 GMT").is_some());
        assert_eq!(imf("Fri, 31 Dec 9999 23:59:59 GMT"), at(YEAR_10000 - 1));
        assert_eq!(imf("Sat, 31 Dec 2016 23:59:60 GMT"), imf("Sun, 01 Jan 2017 00:00:00 GMT"));
    }

    #[test]
    fn no_date_is_made_where_there_is_none() {
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
        fn what_looks_like_a_date_is_one_only_where_another_reader_agrees(
            day in 0u32..40, month in 0usize..12, year in 1970u32..10_000, hour in 0u32..30, minute in 0u32..70, second in 0u32..70,
        ) {
            // The other reader compares day names: one of the seven must do.
            let texts = DAYS.map(|name| format!("{name}, {day:02} {} {year} {hour:02}:{minute:02}:{second:02} GMT", MONTHS[month]));
            let other = texts.iter().find_map(|text| httpdate::parse_http_date(text).ok());
            prop_assume!((hour, minute, second) != (23, 59, 60));
            prop_assert_eq!(read(&texts[0]), other);
        }

        #[test]
        fn a_date_that_is_formatted_is_read_again(seconds in 0..YEAR_10000) {
            let date = format_date(at(seconds)).unwrap();
            prop_assert_eq!(read(date.to_str().unwrap()), Some(at(seconds)));
        }

        #[test]
        fn two_digits_are_never_more_than_fifty_years_ahead(now in 0u64..200_000_000_000, day in 1u32..29, year in 0u32..100) {
            let text = format!("Monday, {day:02}-Jun-{year:02} 12:00:00 GMT");
            let found = parse_date(&text, at(now)).unwrap();
            let fifty = Duration::from_secs(FIFTY_YEARS.unsigned_abs());
            prop_assert!(found <= at(now) + fifty);
            let century = Duration::from_secs(36_525 * 86_400);
            prop_assert!(found + century > at(now) + fifty, "a century later would do as well");
        }
    }
}
