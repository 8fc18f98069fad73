//! The origin's one clock. Products drift, the picture is redrawn, tokens and sessions end, and the books of a year
//! close by it, so a test that turns it by hand sees all of that without waiting.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first second of the year 9999: an HTTP date cannot say more, so the clock stops there.
const END_OF_TIME: u64 = 253_370_764_800;

/// Where the origin reads the time. Cheap to clone; clones read the same time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

/// Turns the clock that [`Clock::by_hand`] made. Clones turn the same clock.
#[derive(Clone, Debug)]
pub struct Hand(Arc<AtomicU64>);

impl Clock {
    /// The system's wall clock.
    pub fn system() -> Self {
        Self(Arc::new(system_now))
    }

    /// A clock that reads `now`, for a caller that already has a clock of its own.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock that stands at `start` until its [`Hand`] turns it.
    pub fn by_hand(start: SystemTime) -> (Self, Hand) {
        let millis = Arc::new(AtomicU64::new(millis_since_epoch(start)));
        let hand = Hand(Arc::clone(&millis));
        (Self::new(move || UNIX_EPOCH + Duration::from_millis(millis.load(Ordering::SeqCst))), hand)
    }

    /// The time, never before 1970 nor after what an HTTP date can say.
    pub fn now(&self) -> SystemTime {
        let now = (self.0)();
        now.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(END_OF_TIME))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl Hand {
    /// Turns the clock on by `step`.
    pub fn advance(&self, step: Duration) {
        let millis = u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
        let _ =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |was| Some(was.saturating_add(millis)));
    }

    /// Sets the clock to `time`, back as well as on.
    pub fn set(&self, time: SystemTime) {
        self.0.store(millis_since_epoch(time), Ordering::SeqCst);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the origin's only reading of the system's time; all else asks Clock"
)]
fn system_now() -> SystemTime {
    SystemTime::now()
}

fn millis_since_epoch(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Whole seconds since 1970.
pub(super) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The time that is `seconds` after 1970.
pub(super) fn from_unix(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Which step of length `every` the time is in, and when that step began. A length under a second counts as "never":
/// everything stays in the step that began in 1970.
pub(super) fn step(now: SystemTime, every: Duration) -> (u64, SystemTime) {
    let steps = unix_seconds(now).checked_div(every.as_secs()).unwrap_or(0);
    (steps, from_unix(steps.saturating_mul(every.as_secs())))
}

/// The year of the Gregorian calendar, in UTC, that the time is in.
pub(super) fn year(now: SystemTime) -> u64 {
    let days = unix_seconds(now) / 86_400;
    let mut year = 1970 + days / 366;
    while new_year(year + 1) <= now {
        year += 1;
    }
    year
}

/// When the year (1970 or later) began, in UTC.
pub(super) fn new_year(year: u64) -> SystemTime {
    let before = year.saturating_sub(1);
    let leap_days = before / 4 - before / 100 + before / 400;
    let days = before * 365 + leap_days;
    // Days from the first of January of year 1 to that of 1970.
    from_unix(days.saturating_sub(719_162).saturating_mul(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_begins_and_ends_in_utc() {
        for (seconds, expected) in [
            (0, 1970),
            (31_535_999, 1970),
            (31_536_000, 1971),
            (951_782_400, 2000),
            (1_388_534_399, 2013),
            (1_388_534_400, 2014),
            (1_735_689_599, 2024),
            (1_735_689_600, 2025),
        ] {
            assert_eq!(year(from_unix(seconds)), expected, "{seconds}");
        }
        assert_eq!(unix_seconds(new_year(2014)), 1_388_534_400);
    }

    #[test]
    fn a_clock_moves_only_by_its_hand() {
        let (clock, hand) = Clock::by_hand(from_unix(100));
        assert_eq!(unix_seconds(clock.now()), 100);
        hand.advance(Duration::from_secs(5));
        assert_eq!(unix_seconds(clock.clone().now()), 105);
        hand.set(from_unix(7));
        assert_eq!(unix_seconds(clock.now()), 7);
    }

    #[test]
    fn a_clock_never_leaves_what_an_http_date_can_say() {
        let clock = Clock::new(|| from_unix(u64::from(u32::MAX) * 1000));
        assert!(httpdate::fmt_http_date(clock.now()).contains("9999"));
        let clock = Clock::new(|| UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(clock.now(), UNIX_EPOCH);
    }

    #[test]
    fn a_step_of_no_length_never_ends() {
        assert_eq!(step(from_unix(95), Duration::from_secs(10)), (9, from_unix(90)));
        assert_eq!(step(from_unix(95), Duration::ZERO), (0, UNIX_EPOCH));
    }
}
