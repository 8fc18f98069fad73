//! How many of many are told: all as long as they are few, then one of so many, as many as the last second asked for.

use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(1);

/// Chooses what is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampler {
    /// How many may be kept in a window.
    most: u64,
    one_in: u64,
    began: Duration,
    /// How many there were in this window.
    seen: u64,
    /// How many of them were kept at this rate.
    kept: u64,
}

impl Sampler {
    pub(super) fn new(per_second: u64) -> Self {
        Self { most: per_second.max(1), one_in: 1, began: Duration::ZERO, seen: 0, kept: 0 }
    }

    /// One of how many is kept now.
    pub(super) const fn one_in(&self) -> u64 {
        self.one_in
    }

    /// Whether this one is kept, at this time of the monotonic clock.
    pub(super) fn keep(&mut self, now: Duration) -> bool {
        if now.saturating_sub(self.began) >= WINDOW {
            // After a second in which nothing came, the count of the last busy one says nothing.
            let is_next = now.saturating_sub(self.began) < 2 * WINDOW;
            let expected = if is_next { self.seen } else { 0 };
            *self =
                Self { one_in: expected.div_ceil(self.most).max(1), began: now, seen: 0, kept: 0, ..*self };
        }
        if self.kept >= self.most && self.seen.is_multiple_of(self.one_in) {
            // More than the last second let expect: half as many from here on.
            self.one_in = self.one_in.saturating_mul(2);
            self.kept = 0;
        }
        let is_kept = self.seen.is_multiple_of(self.one_in);
        self.seen += 1;
        self.kept += u64::from(is_kept);
        is_kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sampler: &mut Sampler, second: u64, count: u64) -> u64 {
        (0..count).filter(|_| sampler.keep(Duration::from_secs(second))).count() as u64
    }

    #[test]
    fn few_are_all_kept() {
        let mut sampler = Sampler::new(100);
        for second in 0..5 {
            assert_eq!(kept(&mut sampler, second, 100), 100);
        }
        assert_eq!(sampler.one_in(), 1);
    }

    #[test]
    fn a_steady_load_is_kept_at_the_rate_that_it_needs() {
        let mut sampler = Sampler::new(100);
        kept(&mut sampler, 0, 5_000);
        assert_eq!(kept(&mut sampler, 1, 5_000), 100);
        assert_eq!(sampler.one_in(), 50);
        assert_eq!(kept(&mut sampler, 2, 5_000), 100);
    }

    #[test]
    fn a_burst_is_thinned_out_before_its_second_is_over() {
        let mut sampler = Sampler::new(100);
        let burst = kept(&mut sampler, 0, 100_000);
        assert!(burst < 100 * 12, "{burst}");
    }

    #[test]
    fn after_a_pause_all_are_kept_again() {
        let mut sampler = Sampler::new(100);
        kept(&mut sampler, 0, 100_000);
        assert_eq!(kept(&mut sampler, 60, 10), 10);
    }
}
