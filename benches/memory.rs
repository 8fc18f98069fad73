//! The memory that small stored responses take, by the system's count and by the store's own. A program of its own,
//! since it reads the resident memory of its process.

#![expect(clippy::expect_used, reason = "a measurement that cannot be set up has nothing to say")]

use std::{
    fs,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use plimsoll::{
    decision::{
        Answered, Asked, Classified, Content, Framing, Keyed, Policy, Stored, Verdict, classify, judge,
    },
    key::{Scheme, Target},
    level::{Identity, Profile},
    route::{Pattern, Route, Treatment},
    semantics::Now,
    store::{
        Entry, EntryParts, HeadBlock, Inserted, MemoryStore, Scope, SegmentWriter, Stamped, Store as _,
        StoreLimits,
    },
};

/// How many responses are stored.
const COUNT: u32 = 200_000;

/// What each of them has for content.
const CONTENT: &[u8] = &[b'x'; 200];

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("a Linux system");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
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

/// What the proxy knows when it asks for a response and stores it.
struct World {
    request: HeaderMap,
    answer: HeaderMap,
    route: Route,
    policy: Policy,
    now: Now,
}

impl World {
    fn new() -> Self {
        let pattern = Pattern::parse("/{*rest}").expect("a valid pattern");
        let policy = Policy {
            identity: Identity::default(),
            profile: Profile::Safe,
            max_object: 1 << 24,
            targeted: Vec::new(),
        };
        Self {
            request: HeaderMap::new(),
            answer: head(),
            route: Route::new("products".to_owned(), pattern, Treatment::Origin),
            policy,
            now: Now { wall: SystemTime::UNIX_EPOCH + Duration::from_hours(475_000), mono: Duration::ZERO },
        }
    }

    /// The request with this number.
    fn keyed(&self, number: u32) -> Keyed {
        let path = format!("/products/{number}");
        let target = Target::new(Scheme::Https, "example.com", &path, None).expect("a valid target");
        let (method, content) = (&Method::GET, Content::None);
        let asked = Asked { method, target: &target, fields: &self.request, content };
        let Classified::Keyed(keyed) = classify(&asked, &self.route, &self.policy) else {
            panic!("a request that is looked up")
        };
        keyed
    }

    /// The answer to it, as it is stored.
    fn entry(&self, keyed: Keyed, store: &MemoryStore<Stored>) -> EntryParts<Stored> {
        let answered = Answered {
            status: StatusCode::OK,
            fields: &self.answer,
            framing: Framing::Length(CONTENT.len() as u64),
            asked: self.now,
            received: self.now,
            with_content: true,
            chance: 0.0,
        };
        let verdict = judge(&answered, &self.request, &keyed, &self.route, &self.policy).verdict;
        let Verdict::Store { stored, .. } = verdict else { panic!("an answer that is stored") };
        let key = keyed.key;
        let clock = store.purge_clock();
        let scopes = [
            Scope::Target(key.target_identity()),
            Scope::Path(key.path_identity()),
            Scope::Route(&self.route.name),
        ];
        let scopes = scopes.map(|scope| clock.scope(scope));
        let mut content = SegmentWriter::new(store.budget(), Some(CONTENT.len() as u64));
        content.push(CONTENT);
        let head = HeadBlock::from_fields(&self.answer);
        // The client that asked reads the same head and content.
        let (_read, body) = (head.clone(), content.finish());
        let _reading: Vec<_> = body.chunks(0..body.len()).collect();
        EntryParts { key, meta: *stored, head, body, stamped: Stamped::new(clock.now(), scopes) }
    }
}

fn main() {
    let store = MemoryStore::new(StoreLimits::of_capacity(4 << 30));
    let world = World::new();
    let (before, mut payload) = (resident(), 0);
    for number in 0..COUNT {
        let parts = world.entry(world.keyed(number), &store);
        payload += (parts.key.as_bytes().len() + parts.head.len() + CONTENT.len()) as u64;
        assert_eq!(store.insert(Entry::new(store.budget(), parts), &|_| true), Inserted::Stored);
    }
    let report = |what: &str, bytes: u64| {
        let (all, beyond) = (bytes / u64::from(COUNT), bytes.saturating_sub(payload) / u64::from(COUNT));
        println!("{what}: {all} B each, {beyond} B beyond key, fields and content");
    };
    println!("{COUNT} responses: key, fields and content are {} B each", payload / u64::from(COUNT));
    report("resident", resident().saturating_sub(before));
    report("counted", store.resident_bytes());
    for number in 0..COUNT {
        assert!(store.get(&world.keyed(number).key).is_some(), "nothing was evicted");
    }
    report("resident after each was read once", resident().saturating_sub(before));
}
