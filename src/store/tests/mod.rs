//! Tests of the room, one file for each part.

mod body;
mod entry;
mod fill;
mod fill_steps;
mod flood;
mod memory;
mod purge;
mod purge_model;
mod shelf;
mod sweep;
mod uncacheable;

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use crate::key::{CacheKey, Scheme, Target};

use super::{
    Budget, Ending, Entry, EntryParts, FillError, Follower, HeadBlock, MetaSize, ScopeId, Stamp, Stamped,
    StoredBody,
};

/// A number, and above its lower half since when it is stale: seconds, counted from 1.
impl Ending for u32 {
    fn ended(&self, at: Duration) -> Option<Self> {
        let (before, now) = (self >> 16, u32::try_from(at.as_secs()).unwrap() + 1);
        (before == 0 || before > now).then_some((self & 0xffff) | now << 16)
    }
}

/// A number as it is after a soft purge at this second.
fn stale(number: u32, second: u32) -> u32 {
    number | (second + 1) << 16
}

impl MetaSize for u32 {
    fn heap_sizes(&self) -> impl Iterator<Item = usize> {
        std::iter::empty()
    }
}

/// Bytes that differ from position to position, so that a misplaced chunk shows.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

fn key(name: &str) -> CacheKey {
    let target = Target::new(Scheme::Http, "example.com", &format!("/{name}"), None).unwrap();
    CacheKey::whole(&target, None)
}

fn head(fields: &[(&'static str, &'static str)]) -> HeadBlock {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    HeadBlock::from_fields(fields.iter().map(|(name, value)| (name, value)))
}

/// An entry under `name` whose metadata is a number.
fn entry(budget: &Arc<Budget>, name: &str, number: u32, body: &[u8]) -> Arc<Entry<u32>> {
    Entry::new(
        budget,
        EntryParts {
            key: key(name),
            meta: number,
            head: head(&[("content-type", "text/plain")]),
            body: StoredBody::copy_of(budget, body),
            stamped: Stamped::new(Stamp(0), []),
        },
    )
}

fn scoped(
    budget: &Arc<Budget>,
    name: &str,
    number: u32,
    stamp: Stamp,
    scopes: Vec<ScopeId>,
) -> Arc<Entry<u32>> {
    Entry::new(
        budget,
        EntryParts {
            key: key(name),
            meta: number,
            head: HeadBlock::default(),
            body: StoredBody::empty(budget),
            stamped: Stamped::new(stamp, scopes),
        },
    )
}

/// Whether no invalidation of one of these can reach another.
fn share_no_slot(scopes: &[ScopeId]) -> bool {
    let slots = |scope: &ScopeId| scope.0;
    scopes
        .iter()
        .enumerate()
        .all(|(index, one)| scopes[..index].iter().flat_map(slots).all(|slot| !slots(one).contains(&slot)))
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits on this thread for what `poll` promises to wake it for.
fn block_on<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll_once(follower: &mut Follower) -> Poll<Option<Result<Bytes, FillError>>> {
    follower.poll_next(&mut Context::from_waker(Waker::noop()))
}

/// All that follows, and how it ended.
fn read_whole(follower: &mut Follower) -> (Vec<u8>, Result<(), FillError>) {
    let mut whole = Vec::new();
    loop {
        match block_on(|context| follower.poll_next(context)) {
            Some(Ok(chunk)) => whole.extend_from_slice(&chunk),
            Some(Err(error)) => return (whole, Err(error)),
            None => return (whole, Ok(())),
        }
    }
}

/// The stamp of `entry`, begun at another time.
fn again(entry: &Entry<u32>, stamp: Stamp) -> Stamped {
    Stamped::new(stamp, entry.stamped().scopes())
}

/// `entry` after a validation that began at `stamp`.
fn renewed(entry: &Entry<u32>, meta: u32, stamp: Stamp) -> Arc<Entry<u32>> {
    entry.freshened(meta, &HeadBlock::default(), again(entry, stamp))
}
