//! The readers of a fill, and where they wait.

use std::{
    ops::Range,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::HeaderMap;

use super::{
    body::{StoredBody, cut},
    fill::{Data, Fill, FillError, State},
};

/// One reader of a fill, at its own pace: it slows down neither the writer nor other followers.
#[derive(Debug)]
pub struct Follower {
    fill: Arc<Fill>,
    at: u64,
    end: u64,
    leader: bool,
    place: Option<Place>,
}

impl Follower {
    pub(super) fn new(fill: Arc<Fill>, range: Range<u64>, leader: bool) -> Self {
        let Range { start, end } = range;
        Self { fill, at: start, end: end.max(start), leader, place: None }
    }

    /// The fill that is followed.
    pub fn fill(&self) -> &Arc<Fill> {
        &self.fill
    }

    /// What came behind the content, once it is read to its end.
    pub fn trailers(&self) -> Option<HeaderMap> {
        self.fill.lock().trailers.clone()
    }

    /// All the content, where it is whole already and nothing came behind it.
    pub fn whole(&self) -> Option<StoredBody> {
        let state = self.fill.lock();
        match &state.data {
            Data::Whole(body) if state.end == Some(Ok(())) && state.trailers.is_none() => Some(body.clone()),
            _ => None,
        }
    }

    /// The next bytes of the range, as they arrive; none after its last; an error, again and again, where the fill
    /// ended before that.
    ///
    /// The chunks are slices of memory that is counted only as long as the fill or the body lives: hold on to the
    /// follower while they are being sent.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, FillError>>> {
        let fill = Arc::clone(&self.fill);
        let mut state = fill.lock();
        if self.at >= self.end {
            let writers = self.retire(&mut state);
            drop(state);
            writers.into_iter().for_each(wake);
            return Poll::Ready(None);
        }
        match state.read(self.at, self.leader) {
            Read::Chunk(chunk) => {
                let chunk = cut(chunk, self.end - self.at);
                self.at += chunk.len() as u64;
                let writer = self.moved(&mut state);
                drop(state);
                wake(writer);
                Poll::Ready(Some(Ok(chunk)))
            }
            Read::End => Poll::Ready(None),
            Read::Failed(error) => Poll::Ready(Some(Err(error))),
            Read::Wait => {
                let writer = if self.leader { state.writer_may_go_on() } else { None };
                let (place, replaced) = state.parking.park(self.place, context.waker());
                self.place = Some(place);
                drop(state);
                // Dropping the last waker of a task drops the task, and a follower with it, which needs the lock.
                drop(replaced);
                wake(writer);
                Poll::Pending
            }
        }
    }

    /// Tells the writer of an outgrown fill where its leader is; returns it where it can go on.
    fn moved(&self, state: &mut State) -> Option<Waker> {
        if !self.leader {
            return None;
        }
        state.leader = Some(self.at);
        state.writer_may_go_on()
    }

    /// A leader that wants nothing more is gone as far as an outgrown fill is concerned.
    fn retire(&self, state: &mut State) -> [Option<Waker>; 2] {
        if !self.leader {
            return [None, None];
        }
        state.leader = None;
        if let Data::Outgrown(queue) = &mut state.data {
            queue.clear();
        }
        [state.writer.take(), state.busy_writer.take()]
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.fill.lock();
        state.followers -= 1;
        let parked = self.place.and_then(|place| state.parking.give_up(place));
        let mut writers = self.retire(&mut state);
        if state.followers == 0 {
            state.desertions += 1;
            writers[1] = writers[1].take().or(state.busy_writer.take());
        }
        drop(state);
        drop(parked);
        writers.into_iter().for_each(wake);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

enum Read {
    Chunk(Bytes),
    Wait,
    End,
    Failed(FillError),
}

impl State {
    fn read(&mut self, at: u64, leader: bool) -> Read {
        let chunk = match &mut self.data {
            Data::Growing(segments) => segments.chunk_at(at),
            Data::Whole(body) => body.chunk_at(at),
            Data::Outgrown(_) if !leader => return Read::Failed(FillError::Outgrown),
            Data::Outgrown(queue) => queue.pop(at),
        };
        match (chunk, self.end) {
            (Some(chunk), _) => Read::Chunk(chunk),
            (None, None) => Read::Wait,
            (None, Some(Ok(()))) => Read::End,
            (None, Some(Err(error))) => Read::Failed(error),
        }
    }

    fn writer_may_go_on(&mut self) -> Option<Waker> {
        match &self.data {
            Data::Outgrown(queue) if queue.has_room() => self.writer.take(),
            _ => None,
        }
    }
}

/// Where followers wait. All of them leave at once, and every departure begins a new round, so that a place says by
/// itself whether it is still taken.
#[derive(Debug, Default)]
pub(super) struct Parking {
    round: u64,
    places: Vec<Option<Waker>>,
}

/// A place in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    round: u64,
    index: usize,
}

impl Parking {
    /// Waits at `place` if that is still one, or else at a new one. Also returns who waited there before.
    fn park(&mut self, place: Option<Place>, waker: &Waker) -> (Place, Option<Waker>) {
        if let Some(place) = place.filter(|place| place.round == self.round)
            && let Some(taken) = self.places.get_mut(place.index)
        {
            let known = taken.as_ref().is_some_and(|known| known.will_wake(waker));
            let replaced = if known { None } else { taken.replace(waker.clone()) };
            return (place, replaced);
        }
        self.places.push(Some(waker.clone()));
        (Place { round: self.round, index: self.places.len() - 1 }, None)
    }

    fn give_up(&mut self, place: Place) -> Option<Waker> {
        if place.round != self.round {
            return None;
        }
        let waker = self.places.get_mut(place.index)?.take();
        // Followers that come and go while nothing arrives must not leave a longer and longer list behind.
        while self.places.last().is_some_and(Option::is_none) {
            self.places.pop();
        }
        waker
    }

    /// Everybody leaves.
    pub(super) fn leave(&mut self) -> Vec<Option<Waker>> {
        self.round += 1;
        std::mem::take(&mut self.places)
    }
}
