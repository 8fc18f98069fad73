//! A response that is still being received: one writer, and any number of followers who read as it grows.
//!
//! The fill runs in a task of its own and owns the [`FillWriter`]; every client, the leader's included, holds a
//! [`Follower`]. A fill ends exactly once: whole, or with an error that every follower hears, never with a clean end
//! where bytes are missing. A writer that is dropped, by a panic too, ends it with an error.
//!
//! Nothing here knows a runtime: followers and the writer wait with plain wakers, which are taken under the lock and
//! woken outside of it.

use std::{
    collections::VecDeque,
    error::Error,
    fmt,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;

use super::{
    body::{SegmentWriter, StoredBody},
    budget::{Budget, Charge, allocation},
    follower::{Follower, Parking},
};

/// The range of a follower who wants everything.
pub const WHOLE: Range<u64> = 0..u64::MAX;

/// How many bytes an outgrown fill holds for its leader before its writer has to wait.
const WINDOW: u64 = 64 * 1024;

/// Why a fill ended without its whole body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillError {
    /// The writer gave up, for this reason: the origin's connection broke, a limit was passed.
    Aborted(&'static str),
    /// The writer was dropped before the end, as by a panic.
    WriterLost,
    /// The body became too large to hold, and only the leader goes on reading.
    Outgrown,
}

impl fmt::Display for FillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aborted(reason) => write!(f, "the response was not received whole: {reason}"),
            Self::WriterLost => f.write_str("the response was not received whole: its reader was lost"),
            Self::Outgrown => f.write_str("the response is too large to be shared while it is received"),
        }
    }
}

impl Error for FillError {}

/// Nobody is left to read an outgrown fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaderGone;

impl fmt::Display for LeaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the response any more")
    }
}

impl Error for LeaderGone {}

/// The shared state of one response in progress.
#[derive(Debug)]
pub struct Fill {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) data: Data,
    pub(super) end: Option<Result<(), FillError>>,
    /// The trailer section, for who follows to the end. It is not stored.
    pub(super) trailers: Option<HeaderMap>,
    pub(super) parking: Parking,
    /// The writer of an outgrown fill, waiting for its leader to read.
    pub(super) writer: Option<Waker>,
    /// The writer, waiting for the origin: it wants to hear that who reads has left.
    pub(super) busy_writer: Option<Waker>,
    pub(super) followers: usize,
    /// How often the last follower has left.
    pub(super) desertions: u64,
    /// Where the leader reads; none when it left.
    pub(super) leader: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Data {
    /// Everything since the start is held.
    Growing(SegmentWriter),
    /// The body is complete.
    Whole(StoredBody),
    /// Only what the leader has not read yet is held.
    Outgrown(Queue),
}

impl Fill {
    /// Starts a fill: the writer, and the leader, who reads `range`. `expected` is the announced length, if any.
    pub fn start(budget: &Arc<Budget>, expected: Option<u64>, range: Range<u64>) -> (FillWriter, Follower) {
        Self::with(Data::Growing(SegmentWriter::new(budget, expected)), range)
    }

    /// Starts a fill that is outgrown from the start, because it will not be stored: it only brings its bytes to its
    /// leader, and holds `window` of them where there is room for that.
    pub fn pass_on(budget: &Arc<Budget>, window: u64) -> (FillWriter, Follower) {
        Self::with(Data::Outgrown(Queue::empty(budget, window)), WHOLE)
    }

    fn with(data: Data, range: Range<u64>) -> (FillWriter, Follower) {
        let state = State {
            data,
            end: None,
            trailers: None,
            parking: Parking::default(),
            writer: None,
            busy_writer: None,
            followers: 1,
            desertions: 0,
            leader: Some(range.start),
        };
        let is_outgrown = matches!(state.data, Data::Outgrown(_));
        let fill = Arc::new(Self { state: Mutex::new(state) });
        let writer = FillWriter { fill: Arc::clone(&fill), so_far: 0, is_outgrown, done: false };
        (writer, Follower::new(fill, range, true))
    }

    /// A further follower of `range`, who catches up from what is held. None where no answer can come of it: the
    /// fill has failed or was outgrown.
    pub fn follow(self: &Arc<Self>, range: Range<u64>) -> Option<Follower> {
        let mut state = self.lock();
        if matches!(state.end, Some(Err(_))) || matches!(state.data, Data::Outgrown(_)) {
            return None;
        }
        state.followers += 1;
        drop(state);
        Some(Follower::new(Arc::clone(self), range, false))
    }

    /// How many follow, the leader included.
    pub fn follower_count(&self) -> usize {
        self.lock().followers
    }

    /// Ready when nobody follows any more, with how often that has come about. Whether it is or not, the task is woken when
    /// the last who follows leaves. Only the task of the writer may ask.
    pub fn poll_deserted(&self, context: &mut Context<'_>) -> Poll<u64> {
        let mut state = self.lock();
        let replaced = state.keep_posted(context);
        let polled = if state.followers == 0 { Poll::Ready(state.desertions) } else { Poll::Pending };
        drop(state);
        drop(replaced);
        polled
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<Result<(), FillError>> {
        self.lock().end
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state under the lock and wakes all followers outside of it.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        let parked = state.parking.leave();
        drop(state);
        parked.into_iter().flatten().for_each(Waker::wake);
        result
    }
}

impl State {
    /// Has the writer woken when who reads has left. Returns whom to drop outside of the lock.
    fn keep_posted(&mut self, context: &Context<'_>) -> Option<Waker> {
        let known = self.busy_writer.as_ref().is_some_and(|known| known.will_wake(context.waker()));
        if known { None } else { self.busy_writer.replace(context.waker().clone()) }
    }
}

/// The one who receives the response. Dropped before the end, it ends the fill with [`FillError::WriterLost`].
#[derive(Debug)]
pub struct FillWriter {
    fill: Arc<Fill>,
    so_far: u64,
    is_outgrown: bool,
    done: bool,
}

impl FillWriter {
    /// The state that further followers join.
    pub fn fill(&self) -> &Arc<Fill> {
        &self.fill
    }

    /// Copies a frame to the end of the body and wakes the followers. Never waits; an outgrown fill asks
    /// [`poll_ready`](Self::poll_ready) before each frame.
    pub fn push(&mut self, frame: &[u8]) {
        if !frame.is_empty() {
            self.so_far += frame.len() as u64;
            self.fill.change(|state| match &mut state.data {
                Data::Growing(segments) => segments.push(frame),
                Data::Outgrown(queue) if state.leader.is_some() => queue.push(Bytes::copy_from_slice(frame)),
                Data::Outgrown(queue) => queue.end += frame.len() as u64,
                // The body is sealed only by consuming the writer.
                Data::Whole(_) => {}
            });
        }
    }

    /// What came behind the content.
    pub fn set_trailers(&mut self, trailers: HeaderMap) {
        self.fill.lock().trailers = Some(trailers);
    }

    /// How many bytes were received so far.
    pub const fn bytes_so_far(&self) -> u64 {
        self.so_far
    }

    /// Whether the body was outgrown.
    pub const fn is_outgrown(&self) -> bool {
        self.is_outgrown
    }

    /// The body is too large to hold: from now on only what the leader has not read yet is kept, and everybody else
    /// hears [`FillError::Outgrown`].
    pub fn outgrow(&mut self) {
        self.is_outgrown = true;
        self.fill.change(|state| {
            if let Data::Growing(segments) = &mut state.data {
                let queue = Queue::take_over(segments, state.leader);
                state.data = Data::Outgrown(queue);
            }
        });
    }

    /// Whether the next frame may be pushed. Always, until the fill is outgrown; then as long as no more waits for the
    /// leader than there is room for. [`LeaderGone`] where nobody will ever read them.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), LeaderGone>> {
        if !self.is_outgrown {
            return Poll::Ready(Ok(()));
        }
        let mut state = self.fill.lock();
        let Data::Outgrown(queue) = &state.data else { return Poll::Ready(Ok(())) };
        if state.leader.is_none() {
            Poll::Ready(Err(LeaderGone))
        } else if queue.has_room() {
            Poll::Ready(Ok(()))
        } else {
            let replaced = state.writer.replace(context.waker().clone());
            drop(state);
            drop(replaced);
            Poll::Pending
        }
    }

    /// Waits until nobody will ever read what comes next: the leader of an outgrown fill has left.
    pub fn poll_abandoned(&mut self, context: &mut Context<'_>) -> Poll<LeaderGone> {
        if !self.is_outgrown {
            return Poll::Pending;
        }
        let mut state = self.fill.lock();
        if state.leader.is_none() {
            return Poll::Ready(LeaderGone);
        }
        let replaced = state.keep_posted(context);
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Everything was received: makes the body exact, but lets nobody see the end yet, so that it can be stored before
    /// a client who read it whole asks again.
    pub fn seal(self) -> SealedFill {
        let body = self.fill.change(|state| {
            if let Data::Growing(segments) = &mut state.data {
                state.data = Data::Whole(segments.take().finish());
            }
            match &state.data {
                Data::Whole(body) => Some(body.clone()),
                Data::Growing(_) | Data::Outgrown(_) => None,
            }
        });
        SealedFill { writer: self, body }
    }

    /// [`seal`](Self::seal) and [`complete`](SealedFill::complete) at once.
    pub fn finish(self) -> Option<StoredBody> {
        self.seal().complete()
    }

    /// Ends the fill with an error. Followers read what was received, then hear why there is no more.
    pub fn abort(mut self, reason: &'static str) {
        self.end(Err(FillError::Aborted(reason)));
    }

    fn end(&mut self, end: Result<(), FillError>) {
        if !std::mem::replace(&mut self.done, true) {
            self.fill.change(|state| state.end = Some(end));
        }
    }
}

impl Drop for FillWriter {
    fn drop(&mut self) {
        self.end(Err(FillError::WriterLost));
    }
}

/// A fill whose body is complete and whose end is not visible yet. Dropped, it ends the fill with an error.
#[derive(Debug)]
pub struct SealedFill {
    writer: FillWriter,
    body: Option<StoredBody>,
}

impl SealedFill {
    /// The whole body; none where it was outgrown.
    pub fn body(&self) -> Option<&StoredBody> {
        self.body.as_ref()
    }

    /// Lets the followers see the end.
    pub fn complete(mut self) -> Option<StoredBody> {
        self.writer.end(Ok(()));
        self.body.take()
    }
}

/// What the leader of an outgrown fill has not read yet.
#[derive(Debug)]
pub(super) struct Queue {
    chunks: VecDeque<Bytes>,
    /// The position of the first held byte.
    start: u64,
    /// The position after the last received byte.
    end: u64,
    charge: Charge,
    /// How many bytes it may hold where there is room for them.
    window: u64,
}

impl Queue {
    fn empty(budget: &Arc<Budget>, window: u64) -> Self {
        Self { chunks: VecDeque::new(), start: 0, end: 0, charge: budget.charge(0), window }
    }

    fn take_over(segments: &mut SegmentWriter, leader: Option<u64>) -> Self {
        let end = segments.len();
        let start = leader.unwrap_or(end).min(end);
        let mut at = start;
        let mut chunks = VecDeque::new();
        while let Some(chunk) = segments.chunk_at(at) {
            at += chunk.len() as u64;
            chunks.push_back(chunk);
        }
        let charge = segments.take().into_charge();
        let mut queue = Self { chunks, start, end, charge, window: WINDOW };
        queue.count();
        queue
    }

    fn push(&mut self, chunk: Bytes) {
        self.end += chunk.len() as u64;
        self.chunks.push_back(chunk);
        self.count();
    }

    /// From `at` on, and everything before it is released.
    pub(super) fn pop(&mut self, at: u64) -> Option<Bytes> {
        let mut found = None;
        while let Some(mut chunk) = self.chunks.pop_front() {
            let skip = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
            self.start += chunk.len() as u64;
            if skip < chunk.len() {
                found = Some(chunk.split_off(skip));
                break;
            }
        }
        self.count();
        found
    }

    /// Whether more may be held: a little always, and the whole window where there is room for it.
    pub(super) fn has_room(&self) -> bool {
        let held = self.charge.bytes();
        held < WINDOW || (held < self.window && self.charge.budget().has_spare())
    }

    pub(super) fn clear(&mut self) {
        self.chunks = VecDeque::new();
        self.start = self.end;
        self.count();
    }

    fn count(&mut self) {
        let each = allocation(size_of::<Bytes>()) * self.chunks.len() as u64;
        self.charge.set(self.end - self.start + each);
    }
}
