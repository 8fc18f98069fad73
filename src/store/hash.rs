//! The 64-bit hash under which a key is looked up: `SipHash` with a random seed.
//!
//! The seed keeps clients from choosing paths that collide. A collision still costs only a miss, because the whole key
//! is compared wherever a hash has led to something.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The seeded hash of a canonical key. Meaningful only beside hashes of the same [`KeySeed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(u64);

impl KeyHash {
    /// The bits of the hash.
    pub fn bits(self) -> u64 {
        self.0
    }

    #[cfg(test)]
    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// A random seed, drawn once where the store is made.
#[derive(Clone, Debug)]
pub struct KeySeed {
    state: RandomState,
    /// Tests narrow the hash to force collisions.
    mask: u64,
}

impl KeySeed {
    /// A fresh random seed.
    pub fn random() -> Self {
        Self { state: RandomState::new(), mask: u64::MAX }
    }

    /// A seed whose hashes keep only the bits of `mask`.
    #[cfg(test)]
    pub(super) fn narrowed(mask: u64) -> Self {
        Self { state: RandomState::new(), mask }
    }

    /// The hash of the canonical bytes of a key.
    pub fn hash(&self, canonical: &[u8]) -> KeyHash {
        let mut hasher = self.state.build_hasher();
        hasher.write(canonical);
        KeyHash(hasher.finish() & self.mask)
    }
}

/// Passes a hash through a table that wants to hash its keys again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, value: u64) {
        // The table's internal map of waiters hashes a type's id after the key: the rotation keeps both.
        self.0 = self.0.rotate_left(32) ^ value;
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
}
