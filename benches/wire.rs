//! What the strict front adds to a request: the scan of its head.
//!
//! Started with a number, it scans that many times and times nothing, so that instructions can be counted: their
//! difference between two numbers, divided by that of the numbers.

use std::hint::black_box;

use criterion::{Criterion, criterion_group};
use plimsoll::wire::{Limits, Piece, Scanner};

/// As a browser asks an API, with twelve fields.
const REQUEST: &[u8] = b"GET /product/1234?language=french&utm_source=newsletter HTTP/1.1\r\n\
    Host: api.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: application/json, text/plain, */*\r\n\
    Accept-Language: fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://shop.example.com/products\r\n\
    Origin: https://shop.example.com\r\n\
    Connection: keep-alive\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Site: same-site\r\n\
    If-None-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n\r\n";

const LIMITS: Limits = Limits { head: 64 * 1024, fields: 100, target: 8 * 1024 };

/// Scans one request after the other, as on one connection. Says how many of them were whole.
fn scan(scanner: &mut Scanner, times: u64) -> u64 {
    (0..times).filter(|_| matches!(scanner.scan(black_box(REQUEST)), Ok(Piece::Head(_)))).count() as u64
}

fn requests(c: &mut Criterion) {
    let mut scanner = Scanner::requests(LIMITS);
    c.bench_function("scan a request of twelve fields", |b| b.iter(|| scan(&mut scanner, 1)));
}

criterion_group!(benches, requests);

fn main() {
    let times = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    match times {
        Some(times) => assert_eq!(scan(&mut Scanner::requests(LIMITS), times), times),
        None => benches(),
    }
}
