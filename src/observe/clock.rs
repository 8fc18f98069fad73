//! The one clock of freshness. Timers of sockets and pools are tokio's own.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};

use crate::semantics::Now;

/// Reads both clocks at once.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Now;

    /// The time now on the monotonic clock alone.
    fn mono(&self) -> Duration {
        self.now().mono
    }
}

/// The clocks of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the clocks are read")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the clocks are read")]
    fn now(&self) -> Now {
        Now { wall: SystemTime::now(), mono: self.mono() }
    }

    fn mono(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that is turned by hand, for tests and demonstrations.
#[derive(Debug)]
pub struct ManualClock {
    wall_millis: AtomicU64,
    mono_millis: AtomicU64,
}

impl ManualClock {
    /// A clock that shows this wall time and stands still.
    pub fn at(wall: SystemTime) -> Self {
        let since_epoch = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { wall_millis: AtomicU64::new(millis(since_epoch)), mono_millis: AtomicU64::new(0) }
    }

    /// Lets time pass, on both clocks.
    pub fn advance(&self, by: Duration) {
        self.wall_millis.fetch_add(millis(by), Ordering::SeqCst);
        self.mono_millis.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an administrator or a time server may.
    pub fn set_wall(&self, wall: SystemTime) {
        let since_epoch = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.wall_millis.store(millis(since_epoch), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Now {
        Now {
            wall: SystemTime::UNIX_EPOCH + Duration::from_millis(self.wall_millis.load(Ordering::SeqCst)),
            mono: Duration::from_millis(self.mono_millis.load(Ordering::SeqCst)),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_turned() {
        let clock = ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(100));
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now().wall, before.wall + Duration::from_secs(5));
        clock.set_wall(SystemTime::UNIX_EPOCH);
        assert_eq!(clock.now().mono, Duration::from_secs(5), "the monotonic clock does not follow a jump");
    }
}
