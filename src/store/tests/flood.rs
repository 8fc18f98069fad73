use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use super::{head, key, memory::store_of, pattern};
use crate::store::{Entry, EntryParts, Fill, HeadBlock, Inserted, MemoryStore, Stamped, Store, WHOLE};

/// Stores `count` responses as the proxy would, in a fill each; the most that was ever resident.
fn flood(store: &MemoryStore<u32>, count: u32, head: &HeadBlock, body: &[u8]) -> u64 {
    let (mut most, mut refused) = (0, 0);
    for number in 0..count {
        if !store.has_room(0) {
            refused += 1;
            continue;
        }
        let (mut writer, leader) = Fill::start(store.budget(), None, WHOLE);
        body.chunks(16 * 1024).for_each(|frame| writer.push(frame));
        let parts = EntryParts {
            key: key(&format!("https://example.com/{number}")),
            meta: number,
            head: HeadBlock::from_fields(head.fields().collect::<Vec<_>>().iter().map(|(n, v)| (n, v))),
            body: writer.finish().unwrap(),
            stamped: Stamped::new(store.purge_clock().now(), []),
        };
        assert_eq!(store.insert(Entry::new(store.budget(), parts), &|_| true), Inserted::Stored);
        drop(leader);
        most = most.max(store.resident_bytes());
    }
    assert!(refused <= count / 2, "{refused} of {count} refused");
    most
}

fn assert_flood_fits(capacity: u64, count: u32, head: &HeadBlock, body: &[u8]) {
    let store = store_of(capacity);
    let most = flood(&store, count, head, body);
    assert!(most <= capacity * 12 / 10, "{most} resident, {capacity} allowed");
    // It is not kept small by storing nothing.
    assert!(store.resident_bytes() >= capacity / 2, "{} resident of {capacity}", store.resident_bytes());
}

#[test]
fn a_flood_of_tiny_bodies_with_large_heads_fits() {
    let value: &'static str = String::leak("v".repeat(600));
    let head = head(&[("x-one", value), ("x-two", value), ("x-three", value)]);
    assert_flood_fits(8 << 20, 80 * 1024 / 3, &head, b"{}");
}

#[test]
fn a_flood_of_tiny_responses_fits() {
    assert_flood_fits(4 << 20, 40 * 1024 * 1024 / 900, &head(&[("age", "1")]), b"{}");
}

#[test]
fn a_flood_of_large_bodies_fits() {
    assert_flood_fits(64 << 20, 640, &head(&[("age", "1")]), &pattern(1 << 20));
    assert_flood_fits(64 << 20, 160, &head(&[("age", "1")]), &pattern(4 << 20));
}

#[test]
fn a_flood_from_several_threads_fits() {
    let store = store_of(32 << 20);
    let most = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let one = flood(&store, 200, &head(&[("age", "1")]), &pattern(512 << 10));
                most.fetch_max(one, Ordering::Relaxed);
            });
        }
    });
    let most = most.into_inner();
    assert!(most <= (32 << 20) * 12 / 10, "{most} resident");
}
