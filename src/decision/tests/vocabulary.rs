//! Random requests, answers and routes, from the fields and directives that decide something.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
};

use super::*;
use crate::{
    key::{FieldSpec, StateSpec},
    route::ClientDirectives,
};

pub(super) type Lines = Vec<(&'static str, String)>;

/// Directives and pieces of them, also badly written.
pub(super) const DIRECTIVES: [&str; 26] = [
    "no-store",
    "No-Store",
    "no-store=1",
    "private",
    "PRIVATE",
    "private=\"x-a\"",
    "private=\"\"",
    "public",
    "no-cache",
    "no-cache=\"set-cookie\"",
    "max-age=60",
    "max-age=0",
    "max-age=x",
    "max-age=\"60\"",
    "s-maxage=60",
    "s-maxage=0",
    "must-revalidate",
    "proxy-revalidate",
    "immutable",
    "must-understand",
    "stale-while-revalidate=30",
    "stale-if-error=30",
    "x=\"a, b\"",
    "x=\"a",
    "\"",
    "",
];

pub(super) const OTHERS: [(&str, &str); 24] = [
    ("vary", "accept"),
    ("vary", "Accept-Encoding, origin"),
    ("vary", "*"),
    ("vary", "Cookie"),
    ("vary", "x-api-key"),
    ("vary", "authorization"),
    ("vary", "accept,*"),
    ("vary", "not a field"),
    ("set-cookie", "a=b"),
    ("set-cookie", ""),
    ("expires", "0"),
    ("expires", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ("pragma", "no-cache"),
    ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("age", "5"),
    ("etag", "\"a\""),
    ("content-encoding", "gzip"),
    ("content-encoding", "br, gzip"),
    ("content-encoding", "odd"),
    ("content-type", "text/event-stream"),
    ("content-type", "text/plain"),
    ("content-range", "bytes 0-1/5"),
    ("x-a", "1"),
    ("date", "yesterday"),
];

pub(super) const REQUESTS: [(&str, &str); 22] = [
    ("authorization", "Bearer a"),
    ("x-api-key", "k"),
    ("cookie", "sid=1"),
    ("cookie", "_ga=1"),
    ("origin", "http://b"),
    ("accept", "a/b"),
    ("accept", "c/d"),
    ("accept-encoding", "gzip"),
    ("accept-encoding", "br, gzip"),
    ("accept-encoding", "*"),
    ("accept-encoding", "gzip;q=0"),
    ("x-flag", "1"),
    ("connection", "accept, cookie"),
    ("cache-control", "no-cache"),
    ("cache-control", "max-age=10"),
    ("cache-control", "max-stale"),
    ("cache-control", "max-stale=5"),
    ("cache-control", "min-fresh=20"),
    ("cache-control", "only-if-cached"),
    ("pragma", "no-cache"),
    ("range", "bytes=0-1"),
    ("if-none-match", "\"a\""),
];

pub(super) const IDENTITY: [(&str, &str); 4] =
    [("authorization", "Bearer b"), ("x-api-key", "j"), ("cookie", "sid=2"), ("x-forwarded-user", "u")];

/// Fields of an answer that can only raise its level above 2.
pub(super) const RAISING: [(&str, &str); 6] = [
    ("cache-control", "private"),
    ("set-cookie", "c=d"),
    ("vary", "cookie"),
    ("vary", "authorization"),
    ("vary", "x-amz-security-token"),
    ("vary", "*"),
];

pub(super) fn owned(lines: Vec<(&'static str, &'static str)>) -> Lines {
    lines.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

pub(super) fn any_answer() -> impl Strategy<Value = Lines> {
    let control = vec(vec(select(&DIRECTIVES[..]), 0..5), 0..3);
    (control, vec(select(&OTHERS[..]), 0..5)).prop_map(|(control, others)| {
        let mut lines = owned(others);
        lines.extend(control.into_iter().map(|items| ("cache-control", items.join(", "))));
        lines
    })
}

pub(super) fn any_request() -> impl Strategy<Value = Lines> {
    vec(select(&REQUESTS[..]), 0..5).prop_map(owned)
}

pub(super) fn any_status() -> impl Strategy<Value = u16> {
    prop_oneof![
        4 => Just(200),
        3 => select(&[203, 204, 206, 301, 304, 308, 404, 410][..]),
        2 => select(&[201, 302, 303, 307, 400, 401, 403, 407, 500, 503][..]),
        1 => 200u16..600,
    ]
}

pub(super) fn any_framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        (0..2 * MAX_OBJECT).prop_map(Framing::Length),
        Just(Framing::Length(5)),
        Just(Framing::Chunked),
        Just(Framing::CloseDelimited),
    ]
}

/// Levels 1 and 2, and the origin's word under both profiles; declared fields, forwarded fields and windows.
pub(super) fn any_world() -> impl Strategy<Value = World> {
    let treatments =
        [Treatment::Declared(Level::Permanent), Treatment::Declared(Level::Changing), Treatment::Origin];
    let windows = (any::<bool>(), 0u64..50, 0u64..50);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (select(treatments.to_vec()), windows, switches, any_framing(), 0.0..1.0).prop_map(
        |(treatment, (windows, swr, sie), (letter, declares, forwards, honours), framing, chance)| {
            World::new(treatment).with(|world| {
                let lifetime = &mut world.route.lifetime;
                lifetime.ttl = secs(60);
                lifetime.jitter = 0.1;
                lifetime.min_ttl = windows.then_some(secs(20));
                lifetime.stale_while_revalidate = windows.then_some(secs(swr));
                lifetime.stale_if_error = windows.then_some(secs(sie));
                if letter {
                    world.policy.profile = Profile::Rfc9111;
                }
                if declares {
                    let fields = vec![FieldSpec::new(HeaderName::from_static("accept"))];
                    world.route.state = StateSpec { query: Vec::new(), fields };
                }
                if forwards {
                    world.route.forward = vec![HeaderName::from_static("x-flag")];
                }
                if honours {
                    world.route.client_directives = ClientDirectives::Honour;
                }
                (world.framing, world.chance) = (framing, chance);
            })
        },
    )
}

pub(super) fn any_ignored() -> impl Strategy<Value = Vec<HeaderName>> {
    let names = ["cache-control", "set-cookie", "vary", "expires", "content-type", "content-encoding"];
    subsequence(names.map(HeaderName::from_static).to_vec(), 0..=names.len())
}
