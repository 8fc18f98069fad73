//! Durations as an operator writes and reads them.

use std::time::Duration;

/// The units of a duration, the largest first, each with its milliseconds.
pub const DURATION_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The duration as a config writes it, in the largest unit that gives a whole number; below 1ms it is cut.
pub fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let is_whole = |(_, factor): &(&str, u64)| millis > 0 && millis.is_multiple_of(*factor);
    // Zero is written in the unit that is the most usual.
    let (unit, factor) = DURATION_UNITS.into_iter().find(is_whole).unwrap_or(("s", 1_000));
    format!("{}{unit}", millis / factor)
}
