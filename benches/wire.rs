//! What the strict front adds to a request: the scan of its head.

#[path = "support/head.rs"]
mod head;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use head::{LIMITS, REQUEST};
use plimsoll::wire::Scanner;

fn requests(c: &mut Criterion) {
    // One after the other, as on one connection.
    let mut scanner = Scanner::requests(LIMITS);
    c.bench_function("scan a request of twelve fields", |b| b.iter(|| scanner.scan(black_box(REQUEST))));
}

criterion_group!(benches, requests);
criterion_main!(benches);
