//! How long things take, in buckets.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000 * MICRO;
const SECOND: u64 = 1_000 * MILLI;

/// The upper bounds of the buckets, in nanoseconds: from a hit of a few microseconds to an origin at the end of its time.
const BOUNDS: [u64; 20] = [
    10 * MICRO,
    25 * MICRO,
    50 * MICRO,
    100 * MICRO,
    250 * MICRO,
    500 * MICRO,
    MILLI,
    2_500 * MICRO,
    5 * MILLI,
    10 * MILLI,
    25 * MILLI,
    50 * MILLI,
    100 * MILLI,
    250 * MILLI,
    500 * MILLI,
    SECOND,
    2_500 * MILLI,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
];

/// Counts of durations.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// By bound; beyond the last one, those that are longer.
    counts: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    /// Counts one.
    pub(super) fn observe(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let place = BOUNDS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BOUNDS.len());
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

/// The sum of several histograms.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Summed {
    counts: [u64; BOUNDS.len() + 1],
    nanoseconds: u64,
}

impl Summed {
    pub(super) fn add(&mut self, histogram: &Histogram) {
        for (sum, count) in self.counts.iter_mut().zip(&histogram.counts) {
            *sum += count.load(Ordering::Relaxed);
        }
        self.nanoseconds = self.nanoseconds.wrapping_add(histogram.nanoseconds.load(Ordering::Relaxed));
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// In seconds.
    #[expect(clippy::cast_precision_loss, reason = "a sum of seconds needs no more than 53 bits")]
    pub(super) fn sum(&self) -> f64 {
        self.nanoseconds as f64 / SECOND as f64
    }

    /// Each bucket by itself, with its upper bound in seconds, the last one without one: as the library wants them.
    #[expect(clippy::cast_precision_loss, reason = "the bounds are round numbers")]
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / SECOND as f64).chain([f64::INFINITY]);
        bounds.zip(self.counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [1, 10, 11, 1_000, 60_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let mut summed = Summed::default();
        summed.add(&histogram);
        summed.add(&Histogram::default());
        let filled: Vec<_> = summed.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.000_01, 2), (0.000_025, 1), (0.001, 1), (f64::INFINITY, 1)]);
        assert_eq!(summed.count(), 5);
        assert!((summed.sum() - 60.001_022).abs() < 1e-9);
    }

    #[test]
    fn bounds_rise() {
        assert!(BOUNDS.is_sorted());
    }
}
