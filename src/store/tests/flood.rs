use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use super::{head, key, memory::store_of, pattern};
use crate::store::{
    Entry, EntryParts, Fill, HeadBlock, Inserted, MemoryStore, Scope, Stamped, Store, StoredBody, WHOLE,
};

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

/// `cargo test --release --lib store::tests::flood::measure -- --ignored --nocapture`
#[test]
#[ignore = "a measurement of this process's memory, for a process of its own"]
fn measure_the_memory_of_small_responses() {
    const COUNT: u32 = 200_000;
    let resident = || {
        let pages: u64 =
            fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        pages * 4096
    };
    let store = store_of(4 << 30);
    let head = head(&[
        ("content-type", "application/json"),
        ("content-length", "200"),
        ("cache-control", "public, max-age=60"),
        ("etag", "\"0123456789abcdef\""),
        ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("vary", "accept-encoding"),
        ("server", "an origin"),
    ]);
    let fields: Vec<_> = head.fields().collect();
    let body = pattern(200);
    let before = resident();
    for number in 0..COUNT {
        let clock = store.purge_clock();
        let name = format!("https\0example.com\0/products/{number}");
        let scopes = [Scope::Target(name.as_bytes()), Scope::Host("example.com"), Scope::Route("products")];
        let parts = EntryParts {
            key: key(&name),
            meta: number,
            head: HeadBlock::from_fields(fields.iter().map(|(name, value)| (name, value))),
            body: StoredBody::copy_of(store.budget(), &body),
            stamped: Stamped::new(clock.now(), scopes.map(|scope| clock.scope(scope))),
        };
        assert_eq!(store.insert(Entry::new(store.budget(), parts), &|_| true), Inserted::Stored);
    }
    let each = |bytes: u64| bytes / u64::from(COUNT);
    println!("head block {} B, body 200 B, {} entries", head.len(), COUNT);
    println!(
        "resident per response: {} B, counted: {} B",
        each(resident() - before),
        each(store.resident_bytes())
    );
    let keys: Vec<_> =
        (0..COUNT).map(|number| key(&format!("https\0example.com\0/products/{number}"))).collect();
    for key in &keys {
        assert_eq!(store.get(key).unwrap().newest().body().segments()[0].clone().len(), 200);
    }
    println!("after one read of each: {} B, without the keys of this test", each(resident() - before) - 80);
}
