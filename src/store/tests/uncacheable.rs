use std::time::Duration;

use crate::store::{KeyHash, KeySeed, UncacheableMemory};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_reason_is_recalled_until_its_end() {
    let seed = KeySeed::random();
    let memory = UncacheableMemory::new(1024);
    let key = seed.hash(b"a key");
    assert_eq!(memory.recall(key, at(0)), None);
    memory.remember(key, at(10), "too large");
    assert_eq!(memory.recall(key, at(9)), Some("too large"));
    assert_eq!(memory.recall(key, at(10)), None);
    memory.remember(key, at(20), "private");
    assert_eq!(memory.recall(key, at(10)), Some("private"));
    memory.forget(key);
    assert_eq!(memory.recall(key, at(10)), None);
}

#[test]
fn a_newcomer_in_the_same_place_makes_it_forget_and_never_mistake() {
    let memory = UncacheableMemory::new(8);
    let (one, other) = (KeyHash::from_bits(3), KeyHash::from_bits(11));
    memory.remember(one, at(10), 1);
    assert_eq!(memory.recall(other, at(0)), None);
    memory.forget(other);
    assert_eq!(memory.recall(one, at(0)), Some(1));
    memory.remember(other, at(10), 2);
    assert_eq!((memory.recall(one, at(0)), memory.recall(other, at(0))), (None, Some(2)));
}

#[test]
fn the_hash_zero_is_a_key_like_any_other() {
    let memory = UncacheableMemory::new(0);
    let zero = KeyHash::from_bits(0);
    assert_eq!(memory.recall(zero, at(0)), None);
    memory.remember(zero, at(1), 'z');
    assert_eq!(memory.recall(zero, at(0)), Some('z'));
    memory.clear();
    assert_eq!(memory.recall(zero, at(0)), None);
}
