//! Ten thousand purges under load. The origin's answers say which version they are; who asks after a purge must not see a
//! version from before it.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use super::*;
use crate::support::{Wire, within};

const KEYS: usize = 8;
const PURGES: u64 = 10_000;

/// What the origin has for each key, and what is purged at the least.
#[derive(Default)]
struct Versions {
    at_origin: [AtomicU64; KEYS],
    purged: [AtomicU64; KEYS],
    asked: AtomicUsize,
    hits: AtomicUsize,
}

/// The keys that the purge of this number reaches, and how.
fn purge_of(number: u64) -> (std::ops::Range<usize>, Purge) {
    let key = usize::try_from(number).expect("a small number") % KEYS;
    let one = key..key + 1;
    match number % 97 {
        0 => (0..KEYS, Purge::All),
        1 => (0..KEYS, route("k")),
        2 => (0..KEYS, host("api.example")),
        3 => (0..KEYS, prefix("/k/")),
        _ => match number % 5 {
            0 => (one, url(&format!("http://api.example/k/{key}"))),
            1 => (one, tag(&format!("key:{key}"))),
            2 => (one, tag(&format!("of-origin-{key}"))),
            3 => (one, prefix(&format!("/k/{key}"))),
            _ => (one, prefix(&format!("http://api.example/k/{key}"))),
        },
    }
}

/// Asks for one key after another over one connection, for each of them some times, until all is purged.
async fn read_on(address: SocketAddr, versions: Arc<Versions>, first: usize, stop: Arc<AtomicU64>) {
    let mut wire = Wire::connect(address).await;
    for number in 0.. {
        if stop.load(SeqCst) == PURGES {
            return;
        }
        let key = (first + number / 4) % KEYS;
        let least = versions.purged[key].load(SeqCst);
        wire.send(format!("GET /k/{key} HTTP/1.1\r\nhost: api.example\r\n\r\n")).await;
        let head = wire.head().await;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let body = wire.take(length.parse().expect("a number")).await;
        let version: u64 = std::str::from_utf8(&body).expect("text").parse().expect("a version");
        assert!(version >= least, "key {key}: {version} was served, all below {least} was purged\n{head}");
        versions.asked.fetch_add(1, SeqCst);
        versions.hits.fetch_add(usize::from(head.contains("plimsoll; hit")), SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_ten_thousand_purges_nothing_was_served_that_was_purged_before_it_was_asked_for() {
    let versions = Arc::<Versions>::default();
    let known = Arc::clone(&versions);
    let origin = scripted(move |_, seen| {
        let key: usize = seen.line[7..8].parse().expect("a key");
        let version = known.at_origin[key].load(SeqCst).to_string();
        ok(&format!("cache-control: max-age=3600\r\nsurrogate-key: of-origin-{key}\r\n"), &version)
    })
    .await;
    let proxy = proxy()
        .route("name = 'k'\npath = '/k/{id}'\nlevel = 'changing'\ntags = ['key:{id}']")
        .start(origin.address, &clock())
        .await;
    let stop = Arc::new(AtomicU64::new(0));
    let readers: Vec<_> = (0..4)
        .map(|reader| {
            tokio::spawn(read_on(proxy.address, Arc::clone(&versions), 2 * reader, Arc::clone(&stop)))
        })
        .collect();
    for number in 0..PURGES {
        let (keys, what) = purge_of(number);
        let now: Vec<u64> =
            keys.clone().map(|key| versions.at_origin[key].fetch_add(1, SeqCst) + 1).collect();
        proxy.purge(what, if number % 3 == 0 { Soft } else { Hard });
        for (key, version) in keys.zip(now) {
            versions.purged[key].store(version, SeqCst);
        }
        stop.store(number + 1, SeqCst);
        // There are as many requests as purges, and the two never wait for each other for long.
        let enough = usize::try_from(number).expect("a small number");
        while versions.asked.load(SeqCst) < enough
            && !readers.iter().any(tokio::task::JoinHandle::is_finished)
        {
            tokio::task::yield_now().await;
        }
    }
    for reader in readers {
        within(reader).await.expect("nothing that was purged");
    }
    let (asked, hits) = (versions.asked.load(SeqCst), versions.hits.load(SeqCst));
    assert!(asked >= 9_000 && hits >= 100, "{hits} hits of {asked} requests are no load");
    assert_eq!(proxy.purged().len(), 10_000);
}
