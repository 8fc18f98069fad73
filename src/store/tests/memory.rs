use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use proptest::prelude::*;

use super::{again, entry, head, key, pattern, renewed, scoped, share_no_slot};
use crate::store::{
    Inserted, KeySeed, MemoryStore, Scope, Store, StoreLimits, StoredBody, Variants,
    weight::{weight, weight_unit},
};

pub(super) fn store_of(capacity: u64) -> MemoryStore<u32> {
    MemoryStore::new(StoreLimits { purge_slots: 4096, ..StoreLimits::of_capacity(capacity) })
}

#[allow(clippy::needless_pass_by_value)] // As `get` gives it.
fn numbers(found: Option<Variants<u32>>) -> Vec<u32> {
    found.iter().flat_map(|variants| variants.iter().map(|entry| *entry.meta())).collect()
}

fn put(store: &MemoryStore<u32>, name: &str, number: u32) -> Inserted {
    store.insert(entry(store.budget(), name, number, b"body"), &|other| *other.meta() == number)
}

#[test]
fn what_is_stored_is_found_under_its_key_only() {
    let store = store_of(1 << 20);
    assert_eq!(put(&store, "a", 1), Inserted::Stored);
    let found = store.get(&key("a")).unwrap();
    assert_eq!((found.key(), found.len(), *found.newest().meta()), (key("a").as_bytes(), 1, 1));
    assert!(store.get(&key("b")).is_none());
    store.discard(&entry(store.budget(), "a", 1, b"body"));
    assert!(store.get(&key("a")).is_some(), "another one, however alike, stays");
    store.discard(found.newest());
    assert!(store.get(&key("a")).is_none());
}

#[test]
fn a_collision_of_hashes_is_a_miss_and_never_anothers_answer() {
    let store = MemoryStore::with_seed(StoreLimits::of_capacity(1 << 20), KeySeed::narrowed(0));
    assert_eq!(put(&store, "a", 1), Inserted::Stored);
    assert!(store.get(&key("b")).is_none());
    store.discard(&entry(store.budget(), "b", 1, b"body"));
    let a = Arc::clone(store.get(&key("a")).unwrap().newest());
    assert_eq!(put(&store, "b", 2), Inserted::Stored);
    assert!(store.get(&key("a")).is_none());
    assert_eq!(numbers(store.get(&key("b"))), [2]);
    let fresh = renewed(&a, 3, store.purge_clock().now());
    assert_eq!(store.replace(&a, fresh), Inserted::Gone);
    assert_eq!(numbers(store.get(&key("b"))), [2]);
}

#[test]
fn a_variant_takes_the_place_of_the_same_and_keeps_the_others() {
    let store = store_of(1 << 20);
    for number in [1, 2, 3, 2] {
        assert_eq!(put(&store, "a", number), Inserted::Stored);
    }
    assert_eq!(numbers(store.get(&key("a"))), [2, 3, 1]);
}

#[test]
fn the_oldest_variant_leaves_when_there_are_too_many() {
    let store = MemoryStore::new(StoreLimits { max_variants: 3, ..StoreLimits::of_capacity(1 << 20) });
    for number in 1..=5 {
        assert_eq!(put(&store, "a", number), Inserted::Stored);
    }
    assert_eq!(numbers(store.get(&key("a"))), [5, 4, 3]);
}

#[test]
fn a_freshened_entry_takes_the_place_of_the_old_one() {
    let store = store_of(1 << 20);
    for number in [1, 2] {
        assert_eq!(put(&store, "a", number), Inserted::Stored);
    }
    let found = store.get(&key("a")).unwrap();
    let old = found.iter().find(|entry| *entry.meta() == 1).unwrap();
    let new = || old.freshened(10, &head(&[("age", "0")]), again(old, store.purge_clock().now()));
    assert_eq!(store.replace(old, new()), Inserted::Stored);
    assert_eq!(numbers(store.get(&key("a"))), [10, 2]);
    assert_eq!(store.replace(old, new()), Inserted::Gone);
    assert_eq!(numbers(store.get(&key("a"))), [10, 2]);
}

#[test]
fn what_is_the_same_in_another_place_keeps_its_turn_and_brings_nothing_back() {
    let store = store_of(1 << 20);
    let scope = store.purge_clock().scope(Scope::Target(b"a"));
    for number in [1, 2, 3] {
        let one = scoped(store.budget(), "a", number, store.purge_clock().now(), vec![scope]);
        assert_eq!(store.insert(one, &|_| false), Inserted::Stored);
    }
    let found = store.get(&key("a")).unwrap();
    let old = found.iter().find(|entry| *entry.meta() == 2).unwrap();
    let moved = || old.with_body(StoredBody::copy_of(store.budget(), b"moved"));
    assert!(store.substitute(old, moved()));
    let found = store.get(&key("a")).unwrap();
    assert_eq!(numbers(Some(found.clone())), [3, 2, 1]);
    assert_eq!(found.iter().map(|entry| entry.body().len()).collect::<Vec<_>>(), [0, 5, 0]);
    assert!(!store.substitute(old, moved()), "it is not there any more");
    let now = found.iter().find(|entry| *entry.meta() == 2).unwrap();
    store.purge_clock().invalidate(&[scope]);
    store.substitute(now, now.with_body(StoredBody::empty(store.budget())));
    assert_eq!(numbers(store.get(&key("a"))), [0; 0]);
}

#[test]
fn what_alone_is_larger_than_the_capacity_is_refused_by_name() {
    let store = store_of(10_000);
    let large = entry(store.budget(), "a", 1, &pattern(20_000));
    assert_eq!(store.insert(large, &|_| true), Inserted::TooLarge);
    assert!(store.get(&key("a")).is_none());
    assert_eq!(store.resident_bytes(), 0);
}

#[test]
fn variants_of_one_key_together_stay_within_the_capacity() {
    let store = store_of(100_000);
    for number in 0..8 {
        let large = entry(store.budget(), "a", number, &pattern(30_000));
        assert_eq!(store.insert(large, &|_| false), Inserted::Stored);
    }
    assert_eq!(numbers(store.get(&key("a"))), [7, 6, 5]);
}

#[test]
fn a_fetch_that_began_before_an_invalidation_is_not_stored() {
    let store = store_of(1 << 20);
    let scope = store.purge_clock().scope(Scope::Target(b"a"));
    let before = store.purge_clock().now();
    store.purge_clock().invalidate(&[scope]);
    let late = scoped(store.budget(), "a", 1, before, vec![scope]);
    assert_eq!(store.insert(late, &|_| true), Inserted::Invalidated);
    let after = scoped(store.budget(), "a", 2, store.purge_clock().now(), vec![scope]);
    assert_eq!(store.insert(Arc::clone(&after), &|_| true), Inserted::Stored);
    let stale = renewed(&after, 3, before);
    assert_eq!(store.replace(&after, stale), Inserted::Invalidated);
    assert_eq!(numbers(store.get(&key("a"))), [2]);
}

#[test]
fn an_invalidated_variant_leaves_and_the_others_stay() {
    let store = store_of(1 << 20);
    let clock = store.purge_clock();
    let scopes = ["x", "y", "z"].map(|tag| clock.scope(Scope::Tag(tag)));
    for (number, scope) in (1..).zip(scopes) {
        let variant = scoped(store.budget(), "a", number, clock.now(), vec![scope]);
        assert_eq!(store.insert(variant, &|_| false), Inserted::Stored);
    }
    clock.invalidate(&[scopes[2]]);
    assert_eq!(numbers(store.get(&key("a"))), [2, 1]);
    clock.invalidate(&scopes[..2]);
    assert!(store.get(&key("a")).is_none());
}

#[test]
fn nothing_is_counted_when_everything_is_dropped() {
    let store = store_of(1 << 20);
    let budget = Arc::clone(store.budget());
    for number in 0..500 {
        assert_eq!(put(&store, &format!("key-{number}"), number), Inserted::Stored);
    }
    let held = store.get(&key("key-499")).unwrap();
    assert!(budget.resident() > 0);
    drop(store);
    assert_eq!(budget.resident(), held.resident_bytes());
    drop(held);
    assert_eq!(budget.resident(), 0);
}

#[test]
fn weights_of_large_capacities_fit_their_32_bits_and_never_vanish() {
    for capacity in [0, 1, 1 << 20, u64::from(u32::MAX), 1 << 32, 3 << 40, u64::MAX] {
        let unit = weight_unit(capacity);
        assert!(u32::try_from(capacity >> unit).is_ok());
        assert_eq!(unit == 0, u32::try_from(capacity).is_ok());
        assert!(u64::from(weight(capacity, unit)) >= capacity >> unit);
        assert_eq!(weight(1, unit), 1);
    }
}

#[test]
fn a_validation_of_what_was_invalidated_meanwhile_is_not_stored() {
    let store = store_of(1 << 20);
    let clock = store.purge_clock();
    let scope = clock.scope(Scope::Host("a"));
    let old = scoped(store.budget(), "a", 1, clock.now(), vec![scope]);
    assert_eq!(store.insert(Arc::clone(&old), &|_| true), Inserted::Stored);
    clock.invalidate(&[scope]);
    // It began after the invalidation, but what it confirmed is what was to go.
    let new = renewed(&old, 2, clock.now());
    assert_eq!(store.replace(&old, new), Inserted::Invalidated);
    assert!(store.get(&key("a")).is_none());
}

#[test]
fn concurrent_changes_of_one_key_lose_nothing() {
    let store = MemoryStore::new(StoreLimits { max_variants: 1000, ..StoreLimits::of_capacity(8 << 20) });
    thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..100 {
                    assert_eq!(put(store, "a", thread * 100 + number), Inserted::Stored);
                }
            });
        }
    });
    let mut found = numbers(store.get(&key("a")));
    found.sort_unstable();
    assert_eq!(found, (0..400).collect::<Vec<_>>());
}

#[test]
fn no_look_up_finds_what_was_invalidated_before_it_began() {
    let store = store_of(1 << 20);
    let scope = store.purge_clock().scope(Scope::Path(b"/"));
    // The numbers of entries whose time was over when this was raised.
    let over = AtomicU64::new(0);
    let next = AtomicU64::new(1);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                for _ in 0..5_000 {
                    let stamp = store.purge_clock().now();
                    let number = u32::try_from(next.fetch_add(1, Ordering::AcqRel)).unwrap();
                    let _ = store.insert(scoped(store.budget(), "a", number, stamp, vec![scope]), &|_| true);
                }
            });
        }
        threads.spawn(|| {
            for _ in 0..5_000 {
                // Whoever has a number by now has taken its stamp before.
                let taken = next.load(Ordering::Acquire);
                store.purge_clock().invalidate(&[scope]);
                over.fetch_max(taken, Ordering::Release);
            }
        });
        threads.spawn(|| {
            for _ in 0..20_000 {
                let over = over.load(Ordering::Acquire);
                for number in numbers(store.get(&key("a"))) {
                    assert!(u64::from(number) >= over, "{number} found, all below {over} were invalidated");
                }
            }
        });
    });
}

#[derive(Clone, Debug)]
enum Step {
    Insert { key: usize, variant: u32, scope: usize },
    Invalidate(usize),
    Discard(usize),
    Get(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..4, 0u32..3, 0usize..4).prop_map(|(key, variant, scope)| Step::Insert { key, variant, scope }),
        2 => (0usize..4).prop_map(Step::Invalidate),
        1 => (0usize..4).prop_map(Step::Discard),
        3 => (0usize..4).prop_map(Step::Get),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_store_answers_like_a_plain_map(
        steps in prop::collection::vec(step(), 1..80),
        slots in prop_oneof![Just(2u32), Just(1 << 16)],
        mask in prop_oneof![Just(0u64), Just(1), Just(u64::MAX)],
    ) {
        let limits = StoreLimits { purge_slots: slots, ..StoreLimits::of_capacity(1 << 20) };
        let store = MemoryStore::with_seed(limits, KeySeed::narrowed(mask));
        let names = ["k0", "k1", "k2", "k3"];
        let scopes = names.map(|name| store.purge_clock().scope(Scope::Tag(name)));
        let exact = mask == u64::MAX && share_no_slot(&scopes);
        // What a map that forgets nothing holds: (variant, scope), the newest first.
        let mut plain: HashMap<usize, Vec<(u32, usize)>> = HashMap::new();
        for step in steps {
            match step {
                Step::Insert { key, variant, scope } => {
                    let stamp = store.purge_clock().now();
                    let new = scoped(store.budget(), names[key], variant, stamp, vec![scopes[scope]]);
                    prop_assert_eq!(store.insert(new, &|other| *other.meta() == variant), Inserted::Stored);
                    let held = plain.entry(key).or_default();
                    held.retain(|(other, _)| *other != variant);
                    held.insert(0, (variant, scope));
                }
                Step::Invalidate(scope) => {
                    store.purge_clock().invalidate(&[scopes[scope]]);
                    for held in plain.values_mut() {
                        held.retain(|(_, of)| *of != scope);
                    }
                }
                Step::Discard(key) => {
                    if let Some(found) = store.get(&super::key(names[key])) {
                        store.discard(found.newest());
                        let gone = *found.newest().meta();
                        plain.entry(key).or_default().retain(|(variant, _)| *variant != gone);
                    }
                }
                Step::Get(key) => {
                    let found = store.get(&super::key(names[key]));
                    prop_assert!(found.as_ref().is_none_or(|found| found.key() == super::key(names[key]).as_bytes()));
                    let found = numbers(found);
                    let held: Vec<_> = plain.get(&key).into_iter().flatten().map(|(variant, _)| *variant).collect();
                    // Collisions only ever lose: what is found is among what is held.
                    prop_assert!(found.iter().all(|variant| held.contains(variant)), "{found:?} of {held:?}");
                    prop_assert!(!exact || found == held, "{found:?}, not {held:?}");
                }
            }
        }
    }
}
