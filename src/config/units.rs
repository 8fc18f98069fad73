//! Durations, sizes and fractions as they are written in a config.

use std::fmt;
use std::time::Duration;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use crate::route::DURATION_UNITS;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// The longest duration that a config may name: a hundred years, so that no sum of clock and duration overflows.
pub const LONGEST_DURATION: Duration = Duration::from_hours(36_500 * 24);

const SIZE_UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Spellings that people try, each with the unit that they mean.
const DURATION_WORDS: [(&str, &str); 23] = [
    ("msec", "ms"),
    ("msecs", "ms"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("m", "m"),
    ("ms", "ms"),
    ("s", "s"),
    ("h", "h"),
    ("d", "d"),
];

impl ByteSize {
    /// Reads "64 KiB", "512 B" or "1GiB".
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        const HELP: &str = "write a whole number and a unit: \"512 B\", \"64 KiB\", \"256 MiB\", \"1 GiB\"";
        let (digits, unit) = split_number(text);
        if digits.is_empty() {
            return Err(Fault::new(Code::BadSize, format!("{} is not a size", quoted(text)), HELP));
        }
        let Some((_, factor)) = SIZE_UNITS.into_iter().find(|(name, _)| *name == unit) else {
            let message = if unit.is_empty() {
                format!("the size {} has no unit", quoted(text))
            } else {
                format!("{} is not a unit of size", quoted(unit))
            };
            let help = match meant_size_unit(unit) {
                Some(meant) => format!("write \"{digits} {meant}\""),
                None => HELP.to_owned(),
            };
            return Err(Fault::new(Code::BadSize, message, help));
        };
        let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        bytes.map(Self).ok_or_else(|| {
            Fault::new(
                Code::BadSize,
                format!("the size {} is too large", quoted(text)),
                "the largest is under 16384 PiB",
            )
        })
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |(_, factor): &(&str, u64)| self.0 > 0 && self.0.is_multiple_of(*factor);
        let (unit, factor) = SIZE_UNITS.into_iter().find(divides).unwrap_or(("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

/// Reads "250ms", "30s", "5m", "12h" or "7d".
pub(crate) fn parse_duration(text: &str) -> Result<Duration, Fault> {
    const HELP: &str = "write a whole number and a unit: \"250ms\", \"30s\", \"5m\", \"12h\", \"7d\"";
    let (digits, unit) = split_number(text);
    if digits.is_empty() {
        return Err(Fault::new(Code::BadDuration, format!("{} is not a duration", quoted(text)), HELP));
    }
    let Some((_, factor)) =
        DURATION_UNITS.into_iter().find(|(name, _)| text.strip_prefix(digits) == Some(*name))
    else {
        let lower = unit.to_ascii_lowercase();
        let (message, help) = match DURATION_WORDS.into_iter().find(|(word, _)| *word == lower) {
            Some((_, meant)) => {
                (format!("{} is not a duration", quoted(text)), format!("write \"{digits}{meant}\""))
            }
            None if unit.is_empty() => (
                format!("the duration {} has no unit", quoted(text)),
                format!("write \"{digits}s\" for seconds"),
            ),
            None => (format!("{} is not a duration", quoted(text)), HELP.to_owned()),
        };
        return Err(Fault::new(Code::BadDuration, message, help));
    };
    let duration = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).map(Duration::from_millis);
    duration.filter(|duration| *duration <= LONGEST_DURATION).ok_or_else(|| {
        Fault::new(
            Code::BadDuration,
            format!("the duration {} is too long", quoted(text)),
            "the longest is \"36500d\", a hundred years",
        )
    })
}

/// Reads "10%" as 0.1.
pub(crate) fn parse_percent(text: &str) -> Result<f64, Fault> {
    let fault = |message: String| Fault::new(Code::BadFraction, message, "write 0.1 or \"10%\"");
    let number = text
        .strip_suffix('%')
        .map(str::trim_end)
        .filter(|n| n.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    let percent = number.and_then(|number| number.parse::<f64>().ok());
    fraction(percent.ok_or_else(|| fault(format!("{} is not a fraction", quoted(text))))? / 100.0)
}

/// Demands a number from 0 to 1.
pub(crate) fn fraction(number: f64) -> Result<f64, Fault> {
    if (0.0..=1.0).contains(&number) {
        return Ok(number);
    }
    Err(Fault::new(
        Code::BadFraction,
        "a fraction is between 0 and 1",
        "write a number from 0.0 to 1.0, or \"0%\" to \"100%\"",
    ))
}

/// The digits at the start, and what follows them without the blanks in between.
fn split_number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits, unit.trim_start_matches(' '))
}

/// The unit that somebody means who writes `mb`, `K` or `kib`.
fn meant_size_unit(unit: &str) -> Option<&'static str> {
    let lower = unit.to_ascii_lowercase();
    if matches!(lower.as_str(), "" | "b" | "byte" | "bytes") {
        return Some("B");
    }
    let stem = lower.strip_suffix("ib").or_else(|| lower.strip_suffix('b')).unwrap_or(&lower);
    SIZE_UNITS
        .into_iter()
        .map(|(name, _)| name)
        .find(|name| name.len() == 3 && name[..1].eq_ignore_ascii_case(stem))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::route::format_duration;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, millis) in
            [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("12h", 43_200_000), ("7d", 604_800_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_duration("36500d"), Ok(LONGEST_DURATION));
    }

    #[test]
    fn what_is_no_duration_says_what_would_be() {
        for (text, help) in [
            ("30", "write \"30s\" for seconds"),
            ("30 s", "write \"30s\""),
            ("30S", "write \"30s\""),
            ("2 minutes", "write \"2m\""),
            ("1h30m", "write a whole number and a unit: \"250ms\", \"30s\", \"5m\", \"12h\", \"7d\""),
            ("36501d", "the longest is \"36500d\", a hundred years"),
            ("99999999999999999999s", "the longest is \"36500d\", a hundred years"),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().help, help, "{text}");
        }
        for text in ["", "s", "-1s", "1.5s", "+1s", "1 week"] {
            assert_eq!(parse_duration(text).unwrap_err().code, Code::BadDuration, "{text}");
        }
    }

    #[test]
    fn sizes_are_a_number_and_a_binary_unit() {
        for (text, bytes) in
            [("512 B", 512), ("64 KiB", 65_536), ("256MiB", 1 << 28), ("1 GiB", 1 << 30), ("0 B", 0)]
        {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_says_what_would_be() {
        for (text, help) in [
            ("64 KB", "write \"64 KiB\""),
            ("64k", "write \"64 KiB\""),
            ("1 gb", "write \"1 GiB\""),
            ("256 mib", "write \"256 MiB\""),
            ("100", "write \"100 B\""),
            ("7 bytes", "write \"7 B\""),
        ] {
            assert_eq!(ByteSize::parse(text).unwrap_err().help, help, "{text}");
        }
        for text in ["", "MiB", "-1 B", "1.5 GiB", "99999999999 TiB", "1 furlong"] {
            assert_eq!(ByteSize::parse(text).unwrap_err().code, Code::BadSize, "{text}");
        }
    }

    #[test]
    fn fractions_are_numbers_or_percentages() {
        assert_eq!(parse_percent("10%"), Ok(0.1));
        assert_eq!(parse_percent("100 %"), Ok(1.0));
        for text in ["", "%", "101%", "-1%", "0.1", "inf%", "ten%"] {
            assert_eq!(parse_percent(text).unwrap_err().code, Code::BadFraction, "{text}");
        }
        assert!(fraction(f64::NAN).is_err() && fraction(1.1).is_err() && fraction(-0.1).is_err());
    }

    proptest! {
        #[test]
        fn durations_round_trip(millis in 0..=u64::try_from(LONGEST_DURATION.as_millis()).unwrap()) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn sizes_round_trip(bytes: u64) {
            prop_assert_eq!(ByteSize::parse(&ByteSize(bytes).to_string()), Ok(ByteSize(bytes)));
        }

        #[test]
        fn no_text_upsets_the_units(text in ".*") {
            let _ = (parse_duration(&text), ByteSize::parse(&text), parse_percent(&text));
        }
    }
}
