//! What one instance of the origin remembers. Instances share nothing, so that a session of one is unknown to the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::Options;
use super::clock::{Clock, from_unix};
use super::ledger::Ledger;
use super::picture::Picture;
use super::product::Catalogue;
use super::sessions::Sessions;
use super::signing::Seal;

/// The state behind every handler.
#[derive(Debug)]
pub(super) struct World {
    pub(super) honest: bool,
    pub(super) clock: Clock,
    pub(super) seed: u64,
    pub(super) drift: Duration,
    pub(super) redraw: Duration,
    /// When this instance began, for what changes only with a new version of the origin.
    pub(super) began: SystemTime,
    pub(super) catalogue: Mutex<Catalogue>,
    pub(super) picture: Mutex<Picture>,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) ledger: Mutex<Ledger>,
    /// Signs and reads Bearer tokens.
    pub(super) tokens: Seal,
    /// Signs and reads the state that clients carry for the origin.
    pub(super) states: Seal,
    pub(super) chance: Mutex<fastrand::Rng>,
}

impl World {
    pub(super) fn new(options: &Options) -> Self {
        let chance = options.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let began = options.clock.now();
        Self {
            honest: options.honest,
            clock: options.clock.clone(),
            seed: options.seed.unwrap_or_default(),
            drift: options.drift,
            redraw: options.redraw,
            began,
            catalogue: Mutex::new(Catalogue::new(began)),
            picture: Mutex::default(),
            sessions: Mutex::default(),
            ledger: Mutex::new(Ledger::new()),
            tokens: Seal::new(&options.token_key),
            states: Seal::derived(&options.token_key, "registration"),
            chance: Mutex::new(chance),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }
}

/// Locks state that stays usable whatever happened to the thread that held it: no update leaves it half done.
pub(super) fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number that depends on nothing but its inputs (the finaliser of `SplitMix64` over each), for what drifts with time
/// and must be the same in every instance with the same seed.
pub(super) fn mix(seed: u64, inputs: &[u64]) -> u64 {
    inputs.iter().fold(seed, |state, input| {
        let mut z = (state ^ input).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// As [`mix`], below `bound` (which is not zero).
pub(super) fn mix_below(seed: u64, inputs: &[u64], bound: u32) -> u32 {
    let below = mix(seed, inputs).checked_rem(u64::from(bound)).unwrap_or(0);
    u32::try_from(below).unwrap_or(0)
}

/// When the fixtures that never change were written: the last day of 2013, in UTC.
pub(super) fn fixtures_written() -> SystemTime {
    from_unix(1_388_448_000)
}
