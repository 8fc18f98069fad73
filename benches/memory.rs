//! The memory that small stored responses take, by the system's count and by the store's own. A program of its own,
//! since it reads the resident memory of its process.

#![expect(clippy::expect_used, reason = "a measurement that cannot be set up has nothing to say")]

use std::fs;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use plimsoll::{
    key::{CacheKey, Scheme, Target},
    store::{
        Entry, EntryParts, HeadBlock, Inserted, MemoryStore, MetaSize, Scope, Stamped, Store as _,
        StoreLimits, StoredBody,
    },
};

/// How many responses are stored.
const COUNT: u32 = 200_000;

/// Metadata that holds nothing outside of itself.
struct Nothing;

impl MetaSize for Nothing {
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("a Linux system");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}

/// The key of a response and its path.
fn key(number: u32) -> (CacheKey, Target) {
    let path = format!("/products/{number}");
    let target = Target::new(Scheme::Https, "example.com", &path, None).expect("a valid target");
    (CacheKey::whole(&target, None), target)
}

/// Eight fields, as an API sends them.
fn head() -> HeaderMap {
    let lines = [
        ("content-type", "application/json"),
        ("content-length", "200"),
        ("cache-control", "public, max-age=60"),
        ("etag", "\"0123456789abcdef\""),
        ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("vary", "accept-encoding"),
        ("server", "an origin"),
    ];
    lines
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn main() {
    let store = MemoryStore::new(StoreLimits::of_capacity(4 << 30));
    let (fields, content) = (head(), Bytes::from(vec![b'x'; 200]));
    let before = resident();
    for number in 0..COUNT {
        let (key, target) = key(number);
        let clock = store.purge_clock();
        let path = plimsoll::key::target_identity(&target);
        let scopes = [Scope::Target(&path), Scope::Host("example.com"), Scope::Route("products")];
        let parts = EntryParts {
            key,
            meta: Nothing,
            head: HeadBlock::from_fields(&fields),
            body: StoredBody::copy_of(store.budget(), &content),
            stamped: Stamped::new(clock.now(), scopes.map(|scope| clock.scope(scope))),
        };
        assert_eq!(store.insert(Entry::new(store.budget(), parts), &|_| true), Inserted::Stored);
    }
    let each = |bytes: u64| bytes / u64::from(COUNT);
    println!("{COUNT} responses: head {} B, body {} B", HeadBlock::from_fields(&fields).len(), content.len());
    println!("resident: {} B each", each(resident().saturating_sub(before)));
    println!("counted:  {} B each", each(store.resident_bytes()));
    for number in 0..COUNT {
        assert!(store.get(&key(number).0).is_some(), "nothing was evicted");
    }
    println!("resident after each was read once: {} B each", each(resident().saturating_sub(before)));
}
