//! The times of a stored response, in half the memory that std's types take: there are many of them.

use std::time::{Duration, SystemTime};

use crate::semantics::{
    Now,
    freshness::{CurrentAge, FreshnessLifetime, Remaining, current_age, remaining},
};

/// When a stored response was received, and what may be done with it for how long. In microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    initial_age: Micros,
    received: Micros,
    date: Micros,
    lifetime: Micros,
    stale_while_revalidate: Micros,
    stale_if_error: Micros,
}

impl Times {
    /// Of a response that was received or last validated at this time of the monotonic clock, and had this age then. `date`
    /// is that of its making on the wall clock.
    pub(super) fn new(
        initial_age: CurrentAge,
        received: Duration,
        date: SystemTime,
        lifetime: FreshnessLifetime,
    ) -> Self {
        Self {
            initial_age: Micros::of(initial_age.0),
            received: Micros::of(received),
            // Only a broken clock shows a time before 1970.
            date: Micros::of(date.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
            lifetime: match lifetime {
                FreshnessLifetime::Finite(lifetime) => Micros::of(lifetime),
                FreshnessLifetime::Forever => Micros::FOREVER,
            },
            stale_while_revalidate: Micros(0),
            stale_if_error: Micros(0),
        }
    }

    /// With windows after the lifetime.
    pub(super) fn with_windows(self, stale_while_revalidate: Duration, stale_if_error: Duration) -> Self {
        Self {
            stale_while_revalidate: Micros::of(stale_while_revalidate),
            stale_if_error: Micros::of(stale_if_error),
            ..self
        }
    }

    /// When that was, on the wall clock: its Date, or when it was received where it has none.
    pub fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.date.duration()
    }

    /// When it was received or last validated, in the time of the monotonic clock.
    pub fn received(&self) -> Duration {
        self.received.duration()
    }

    /// How long it is fresh.
    pub fn lifetime(&self) -> FreshnessLifetime {
        if self.lifetime == Micros::FOREVER {
            FreshnessLifetime::Forever
        } else {
            FreshnessLifetime::Finite(self.lifetime.duration())
        }
    }

    /// For how long after its lifetime it is served while it is refreshed.
    pub fn stale_while_revalidate(&self) -> Duration {
        self.stale_while_revalidate.duration()
    }

    /// For how long after its lifetime it is served where the origin fails.
    pub fn stale_if_error(&self) -> Duration {
        self.stale_if_error.duration()
    }

    /// Its age now.
    pub fn age(&self, now: Now) -> CurrentAge {
        current_age(CurrentAge(self.initial_age.duration()), self.received.duration(), now)
    }

    /// What is left of its lifetime now.
    pub fn remaining(&self, now: Now) -> Remaining {
        remaining(self.lifetime(), self.age(now))
    }
}

/// A span of time, up to half a million years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Micros(u64);

impl Micros {
    /// More than any finite one.
    const FOREVER: Self = Self(u64::MAX);

    fn of(span: Duration) -> Self {
        Self(u64::try_from(span.as_micros()).unwrap_or(u64::MAX).min(u64::MAX - 1))
    }

    const fn duration(self) -> Duration {
        Duration::from_micros(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_lifetime_is_not_for_ever() {
        let times = |lifetime| {
            Times::new(CurrentAge(Duration::ZERO), Duration::ZERO, SystemTime::UNIX_EPOCH, lifetime)
        };
        let longest = times(FreshnessLifetime::Finite(Duration::MAX)).lifetime();
        assert!(
            matches!(longest, FreshnessLifetime::Finite(lifetime) if lifetime > Duration::from_secs(1 << 43))
        );
        assert_eq!(times(FreshnessLifetime::Forever).lifetime(), FreshnessLifetime::Forever);
    }

    #[test]
    fn the_last_date_of_http_is_kept() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let times = Times::new(CurrentAge(Duration::ZERO), Duration::ZERO, last, FreshnessLifetime::Forever);
        assert_eq!(times.date(), last);
    }
}
