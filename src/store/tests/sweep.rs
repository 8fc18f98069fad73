//! Memory after a purge, and what is counted.

use super::{entry, key, memory::store_of, pattern, scoped, stale};
use crate::store::{End, Evictions, Inserted, MemoryStore, Prefix, Reach, Scope, Store};
use std::{sync::Arc, time::Duration};

fn put(store: &MemoryStore<u32>, name: &str, number: u32) {
    let tag = store.purge_clock().scope(Scope::Tag(if number.is_multiple_of(2) { "even" } else { "odd" }));
    let entry = scoped(store.budget(), name, number, store.purge_clock().now(), vec![tag]);
    assert_eq!(store.insert(entry, &|_| false), Inserted::Stored);
}

fn purge(store: &MemoryStore<u32>, reach: Reach<'_>, end: End) {
    store.purge_clock().purge(&[reach], end);
}

#[test]
fn a_sweep_gives_back_what_nobody_asks_for() {
    let store = store_of(8 << 20);
    for number in 0..3000 {
        put(&store, &format!("k{number}"), number);
    }
    let full = store.resident_bytes();
    store.sweep();
    assert_eq!(store.resident_bytes(), full, "nothing was purged");
    purge(&store, Reach::Scope(Scope::Tag("even")), End::Gone);
    assert_eq!(store.resident_bytes(), full, "nobody has looked");
    store.sweep();
    assert!(store.resident_bytes() <= full / 2 + full / 100);
    assert_eq!(store.evictions(), Evictions { purged: 1500, ..Evictions::default() });
    assert!(store.get(&key("k1")).is_some() && store.get(&key("k2")).is_none());
    purge(&store, Reach::Everything, End::Gone);
    store.sweep();
    assert_eq!((store.resident_bytes(), store.len()), (0, 0));
    assert_eq!(store.evictions().purged, 3000);
}

#[test]
fn a_sweep_keeps_what_is_stale_and_the_variants_that_were_not_meant() {
    let store = store_of(1 << 20);
    for number in 1..=4 {
        put(&store, "a", number);
    }
    purge(&store, Reach::Scope(Scope::Tag("even")), End::Gone);
    purge(&store, Reach::Prefix(Prefix { origin: None, path: "/a" }), End::Stale(Duration::from_secs(7)));
    store.sweep();
    let numbers: Vec<u32> = store.get(&key("a")).unwrap().iter().map(|entry| *entry.meta()).collect();
    assert_eq!(numbers, [stale(3, 7), stale(1, 7)]);
    assert_eq!(store.evictions().purged, 2);
}

#[test]
fn what_is_softly_purged_shares_its_body_with_what_it_was() {
    for (name, body) in [("small", &b"body"[..]), ("large", &pattern(50_000)[..])] {
        let store = store_of(1 << 20);
        let before = entry(store.budget(), name, 1, body);
        assert_eq!(store.insert(Arc::clone(&before), &|_| true), Inserted::Stored);
        let alone = store.resident_bytes();
        purge(&store, Reach::Everything, End::Stale(Duration::from_secs(3)));
        let after = Arc::clone(store.get(&key(name)).unwrap().newest());
        assert_eq!(*after.meta(), stale(1, 3));
        assert_eq!(after.head().as_bytes().as_ptr(), before.head().as_bytes().as_ptr());
        let bytes = |entry: &crate::store::Entry<u32>| {
            entry.body().chunks(0..entry.body().len()).next().map(|chunk| chunk.unwrap().as_ptr())
        };
        assert_eq!(bytes(&after), bytes(&before));
        drop(before);
        assert_eq!(store.resident_bytes(), alone);
        // Once is enough: it stays what it is until something else happens.
        let again = store.get(&key(name)).unwrap();
        assert!(Arc::ptr_eq(again.newest(), &after));
        purge(&store, Reach::Everything, End::Stale(Duration::from_secs(9)));
        let again = store.get(&key(name)).unwrap();
        assert!(Arc::ptr_eq(again.newest(), &after), "it has been stale for longer");
    }
}

#[test]
fn a_validation_that_began_after_a_soft_purge_makes_it_fresh_and_one_before_does_not() {
    let store = store_of(1 << 20);
    put(&store, "a", 2);
    let early = store.purge_clock().now();
    purge(&store, Reach::Scope(Scope::Tag("even")), End::Stale(Duration::from_secs(3)));
    let held = Arc::clone(store.get(&key("a")).unwrap().newest());
    assert_eq!(store.replace(&held, super::renewed(&held, 4, early)), Inserted::Invalidated);
    assert_eq!(*store.get(&key("a")).unwrap().newest().meta(), stale(2, 3));
    let late = store.purge_clock().now();
    assert_eq!(store.replace(&held, super::renewed(&held, 4, late)), Inserted::Stored);
    assert_eq!(*store.get(&key("a")).unwrap().newest().meta(), 4);
    // And one of what is gone brings nothing back.
    let held = Arc::clone(store.get(&key("a")).unwrap().newest());
    purge(&store, Reach::Scope(Scope::Tag("even")), End::Gone);
    let late = store.purge_clock().now();
    assert_eq!(store.replace(&held, super::renewed(&held, 6, late)), Inserted::Invalidated);
    assert!(store.get(&key("a")).is_none());
}

#[test]
fn a_fill_that_began_before_a_soft_purge_is_not_stored() {
    let store = store_of(1 << 20);
    let early = store.purge_clock().now();
    purge(&store, Reach::Prefix(Prefix { origin: None, path: "/a" }), End::Stale(Duration::ZERO));
    let entry = scoped(store.budget(), "a", 1, early, Vec::new());
    assert_eq!(store.insert(entry, &|_| true), Inserted::Invalidated);
}

#[test]
fn evictions_are_counted_by_their_cause() {
    let store = store_of(60_000);
    for number in 0..3 {
        let large = entry(store.budget(), &format!("k{number}"), number, &pattern(30_000));
        assert_eq!(store.insert(large, &|_| true), Inserted::Stored);
    }
    assert!(store.has_room(1000));
    let capacity = store.evictions().capacity;
    assert!(capacity >= 1);
    assert_eq!(store.evictions(), Evictions { capacity, ..Evictions::default() });
    put(&store, "a", 1);
    store.discard(store.get(&key("a")).unwrap().newest());
    let gone = store.evictions();
    assert_eq!((gone.discarded, gone.purged), (1, 0));
    // What is replaced has not left.
    let again = || entry(store.budget(), "b", 1, b"body");
    assert_eq!(store.insert(again(), &|_| true), Inserted::Stored);
    assert_eq!(store.insert(again(), &|_| true), Inserted::Stored);
    assert_eq!(store.evictions(), gone);
}
