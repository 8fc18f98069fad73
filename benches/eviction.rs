//! Which order of eviction is better for a full cache: hit ratios by requests and by bytes of a trace of real requests,
//! for each policy that the table of the store has.
//!
//! The trace comes from standard input: `ids` are big-endian 32-bit numbers of objects, all of one size; `sizes` are
//! lines of a time, an object and its bytes.

use std::{
    collections::HashMap,
    io::{Read as _, stdin},
    process::ExitCode,
};

use moka::{policy::EvictionPolicy, sync::Cache};

/// What an object takes beside its content, as the store counts it.
const OVERHEAD: u32 = 1000;
/// The content of an object in a trace that does not know it.
const USUAL: u32 = 15_000;
/// The shares of all bytes of the trace's objects that a cache has room for, in hundredths.
const SHARES: [u64; 5] = [1, 3, 10, 25, 50];

/// A request for an object of this many bytes.
#[derive(Clone, Copy)]
struct Request {
    object: u64,
    bytes: u32,
}

/// What became of a trace.
#[derive(Default)]
struct Tally {
    hits: u64,
    hit_bytes: u64,
    /// Objects that were offered to the cache, and were not in it right after that.
    turned_away: u64,
    misses: u64,
}

fn replay(requests: &[Request], capacity: u64, policy: EvictionPolicy) -> Tally {
    let weigh = |_: &u64, bytes: &u32| bytes.saturating_add(OVERHEAD);
    let cache = Cache::builder().max_capacity(capacity).weigher(weigh).eviction_policy(policy).build();
    let mut tally = Tally::default();
    for request in requests {
        if cache.get(&request.object).is_some() {
            tally.hits += 1;
            tally.hit_bytes += u64::from(request.bytes);
        } else {
            tally.misses += 1;
            cache.insert(request.object, request.bytes);
            // As the store does it: what is admitted is known at once.
            cache.run_pending_tasks();
            tally.turned_away += u64::from(!cache.contains_key(&request.object));
        }
    }
    tally
}

fn read(kind: &str) -> Option<Vec<Request>> {
    let mut input = Vec::new();
    stdin().lock().read_to_end(&mut input).ok()?;
    match kind {
        "ids" => {
            let (ids, rest) = input.as_chunks::<4>();
            let request = |id: &[u8; 4]| Request { object: u64::from(u32::from_be_bytes(*id)), bytes: USUAL };
            rest.is_empty().then(|| ids.iter().map(request).collect())
        }
        "sizes" => String::from_utf8(input).ok()?.lines().map(line).collect(),
        _ => None,
    }
}

fn line(line: &str) -> Option<Request> {
    let mut words = line.split_whitespace().skip(1);
    Some(Request { object: words.next()?.parse().ok()?, bytes: words.next()?.parse().ok()? })
}

/// A share with one decimal.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = (1000 * part + whole / 2) / whole.max(1);
    format!("{}.{} %", thousandths / 10, thousandths % 10)
}

fn main() -> ExitCode {
    let kind = std::env::args().skip(1).find(|word| !word.starts_with("--")).unwrap_or_default();
    let Some(requests) = read(&kind).filter(|requests| !requests.is_empty()) else {
        eprintln!("say `ids` or `sizes`, and give a trace of that kind to standard input");
        return ExitCode::FAILURE;
    };
    let sizes: HashMap<u64, u32> = requests.iter().map(|request| (request.object, request.bytes)).collect();
    let all: u64 = sizes.values().map(|bytes| u64::from(*bytes) + u64::from(OVERHEAD)).sum();
    let asked: u64 = requests.iter().map(|request| u64::from(request.bytes)).sum();
    println!("{} requests for {} objects of {all} bytes in all", requests.len(), sizes.len());
    println!("| room for | policy | hits | hits by bytes | not admitted |\n|---|---|---|---|---|");
    for share in SHARES {
        for (name, policy) in [("LRU", EvictionPolicy::lru()), ("TinyLFU", EvictionPolicy::tiny_lfu())] {
            let tally = replay(&requests, all * share / 100, policy);
            println!(
                "| {share} % | {name} | {} | {} | {} |",
                percent(tally.hits, requests.len() as u64),
                percent(tally.hit_bytes, asked),
                percent(tally.turned_away, tally.misses),
            );
        }
    }
    ExitCode::SUCCESS
}
