//! The content of an answer on its way into the store: copied once, read by whoever follows, and stored only when it
//! came whole.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use http::{HeaderMap, HeaderName, StatusCode};
use http_body::Body as _;
use tokio::{sync::oneshot, time::Instant};

use super::{
    Problem, Proxy,
    audience::Audience,
    errand::Errand,
    fetch::{Arrived, Fetched, ends_what_is_held},
    flight::Common,
    head,
    parts::Beside,
    respond::{self, Part},
    trailers::Announced,
    unshared::Unshared,
};
use crate::{
    decision::{Bypass, Framing, Stored},
    semantics::partial::Extent,
    store::{
        Chunks, Ending, Entry, EntryParts, Fill, FillWriter, Follower, HeadBlock, MetaSize, Stamped,
        StoredBody, Variants,
    },
    upstream,
};

/// A response that is being received.
pub(super) struct Filling {
    /// The status that the origin gave.
    pub(super) status: StatusCode,
    pub(super) stored: Arc<Stored>,
    pub(super) head: HeadBlock,
    pub(super) part: Part,
    /// The length of the whole content, where it was announced.
    pub(super) length: Option<u64>,
    /// What the origin said about its trailers.
    pub(super) announced: Option<Announced>,
    pub(super) follower: Follower,
}

/// An answer that may be stored.
pub(super) struct Storable {
    pub(super) stored: Box<Stored>,
    /// Its fields, where they are not those that arrived.
    pub(super) fields: Option<HeaderMap>,
    /// Fields that nobody gets.
    pub(super) strip: Vec<HeaderName>,
    /// Fields that only the client that asked gets.
    pub(super) unshared: Vec<HeaderName>,
}

/// An answer that is to be stored, before its content is there.
pub(super) struct Receiving {
    status: StatusCode,
    stored: Arc<Stored>,
    /// Which bytes the content of the answer is, for the client that asked.
    extent: Extent,
    /// The head for that client.
    own: HeadBlock,
    /// The head for everybody else.
    head: HeadBlock,
    framing: Framing,
    stamped: Stamped,
    /// Held bytes that go with what is received: also to the client where it gets the whole.
    beside: Beside,
    /// What the answer said about its trailers.
    trailers: Option<Announced>,
}

impl Receiving {
    pub(super) fn new(
        errand: &Errand,
        arrived: &Arrived,
        storable: Storable,
        stamped: Stamped,
        extent: Extent,
        beside: Beside,
    ) -> Self {
        let Storable { stored, fields, mut strip, unshared } = storable;
        let (version, received) = (arrived.response.version(), arrived.received.wall);
        let dress = |fields: &HeaderMap, strip: &[HeaderName]| {
            head::dress(fields.clone(), strip, &errand.route, stored.times.lifetime(), version, received)
        };
        let arrived_fields = arrived.response.headers();
        let mut own = dress(
            if extent == Extent::Whole { fields.as_ref() } else { None }.unwrap_or(arrived_fields),
            &strip,
        );
        let own_head = HeadBlock::from_fields(&own);
        let head = match fields.filter(|_| extent != Extent::Whole) {
            Some(fields) => {
                strip.extend(unshared);
                HeadBlock::from_fields(&dress(&fields, &strip))
            }
            None if unshared.is_empty() => own_head.clone(),
            None => {
                for name in &unshared {
                    own.remove(name);
                }
                HeadBlock::from_fields(&own)
            }
        };
        let (status, framing) = (arrived.response.status(), arrived.framing);
        Self {
            status,
            stored: Arc::from(stored),
            extent,
            own: own_head,
            head,
            framing,
            stamped,
            beside,
            trailers: Announced::by(&arrived.response),
        }
    }
}

impl MetaSize for Stored {
    fn heap_sizes(&self) -> impl Iterator<Item = usize> {
        self.heap_sizes()
    }
}

impl Ending for Stored {
    fn ended(&self, at: Duration) -> Option<Self> {
        self.ended(at)
    }
}

impl Proxy {
    /// Receives content in a task of its own, for a client that has its head.
    pub(super) async fn spawn_fill(
        &self,
        errand: Errand,
        receiving: Receiving,
        body: upstream::Content,
    ) -> Result<Filling, Problem> {
        let (reply, fetched) = oneshot::channel();
        let proxy = self.clone();
        let audience = Audience::of(reply, None, Arc::clone(&self.shared));
        self.shared.tasks.spawn(async move { proxy.fill(&errand, receiving, body, None, audience).await });
        match fetched.await {
            Ok(Fetched::Filling(filling)) => Ok(filling),
            _ => Err(Problem::Internal),
        }
    }

    /// Tells the client that asked, and receives the content, which is stored if it comes whole.
    pub(super) async fn fill(
        &self,
        errand: &Errand,
        receiving: Receiving,
        body: upstream::Content,
        not_for_client: Option<Bypass>,
        audience: Audience,
    ) {
        let Receiving { status, stored, extent, own, head, framing, stamped, beside, trailers } = receiving;
        // Held bytes go to the client where it gets the whole; a part is only stored together with them.
        let (in_passing, in_store) = match extent {
            Extent::Whole => (beside, Beside::default()),
            Extent::Part(_) => (Beside::default(), beside),
        };
        let announced = match framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::CloseDelimited => None,
        };
        let length = announced.map(|length| length + in_passing.len());
        let now = self.shared.clock.now();
        let part = respond::own_part(errand.method(), errand.fields(), &stored, extent, length, now);
        let (writer, follower) = Fill::start(self.shared.store.budget(), length, part.range());
        let fetched = if let Some(bypass) = not_for_client {
            Fetched::NotForClient(bypass)
        } else {
            Fetched::Filling(Filling {
                status,
                stored: Arc::clone(&stored),
                head: own,
                part,
                length,
                announced: trailers.clone(),
                follower,
            })
        };
        let common = || Common {
            stored: Arc::clone(&stored),
            head: head.clone(),
            length,
            announced: trailers,
            fill: Arc::clone(writer.fill()),
            stamped: stamped.clone(),
        };
        if stored.is_validated_each_time(now) {
            self.shared.remember_unshared(errand.sought.hash(), Unshared::Everybodys);
        }
        // The flight is over when the answer is stored, or cannot be.
        let mut flight = audience.filling(fetched, common);
        let outgrown = |is_too_large| {
            drop(flight.take());
            if is_too_large {
                self.proved_too_large(errand, &stored, extent);
            }
        };
        let Some(writer) = self.copy(writer, body, announced, in_passing, outgrown).await else { return };
        let sealed = writer.seal();
        if let Some(body) = sealed.body().cloned() {
            let (meta, body) = self.put_together(Arc::unwrap_or_clone(stored), extent, body, in_store);
            let key = errand.sought.key.clone();
            let budget = self.shared.store.budget();
            self.keep(errand, Entry::new(budget, EntryParts { key, meta, head, body, stamped }));
        }
        sealed.complete();
    }

    /// Who follows an answer that proves too large is cut off in the middle of it: for a while nobody waits for the like. And
    /// what it would have replaced is not what the origin says any more.
    fn proved_too_large(&self, errand: &Errand, answer: &Stored, extent: Extent) {
        let shared = &self.shared;
        let sought = &errand.sought;
        shared.remember_unshared(sought.hash(), Unshared::Everybodys);
        if extent != Extent::Whole || !ends_what_is_held(errand, answer.status) {
            return;
        }
        let held = shared.store.get_hashed(&sought.key, sought.hash());
        for held in held.iter().flat_map(Variants::iter) {
            if held.meta().is_replaced_by(answer) {
                shared.store.discard(held);
            }
        }
    }

    /// What is stored of a part: all that it makes together with the bytes beside it, if there is room.
    fn put_together(
        &self,
        mut stored: Stored,
        received: Extent,
        body: StoredBody,
        beside: Beside,
    ) -> (Stored, StoredBody) {
        let store = &self.shared.store;
        if received == Extent::Whole || beside.is_empty() {
            return (stored, body);
        }
        if !store.has_room(body.len() + beside.len()) {
            stored.set_extent(received);
            return (stored, body);
        }
        match beside.around(&body, store.budget()) {
            Ok(body) => (stored, body),
            Err(error) => {
                tracing::warn!(%error, "stored content could not be read");
                stored.set_extent(received);
                (stored, body)
            }
        }
    }

    /// Puts an entry into the store, in the place of those that it replaces.
    fn keep(&self, errand: &Errand, entry: Arc<Entry<Stored>>) {
        let newer = Arc::clone(&entry);
        let inserted = self.shared.store.insert(entry, &|older| older.meta().is_replaced_by(newer.meta()));
        // Without the key: it has what the client sent.
        tracing::trace!(route = errand.route.name, ?inserted, "stored");
    }

    /// Copies the content into the fill, between what is held beside it. `None` where it did not come whole; its
    /// followers have been told.
    async fn copy(
        &self,
        writer: FillWriter,
        body: upstream::Content,
        announced: Option<u64>,
        beside: Beside,
        outgrown: impl FnMut(bool),
    ) -> Option<FillWriter> {
        let writer = push_all(writer, beside.before)?;
        let start = writer.bytes_so_far();
        let writer = self.pour(writer, body, outgrown).await?;
        if announced.is_some_and(|announced| announced != writer.bytes_so_far() - start) {
            writer.abort("the origin's answer is not as long as it said");
            return None;
        }
        push_all(writer, beside.after)
    }

    /// Copies the content into the fill as it comes, and no faster than there is room for it. `None` where it did not come
    /// whole, or nobody reads it any more; who follows has been told. `outgrown` hears when it proves to be nothing to store,
    /// and whether it is too large to be.
    pub(super) async fn pour(
        &self,
        mut writer: FillWriter,
        mut body: upstream::Content,
        mut outgrown: impl FnMut(bool),
    ) -> Option<FillWriter> {
        let shared = &self.shared;
        let mut deserted = pin!(deserted_for(Arc::clone(writer.fill()), shared.settings.fill_timeout));
        loop {
            poll_fn(|context| writer.poll_ready(context)).await.ok()?;
            let next = poll_fn(|context| match writer.poll_abandoned(context) {
                Poll::Ready(gone) => Poll::Ready(Err(gone)),
                Poll::Pending => Pin::new(&mut body).poll_frame(context).map(Ok),
            });
            let next = tokio::select! {
                biased;
                next = next => next.ok()?,
                () = &mut deserted => {
                    writer.abort("nobody waits for it any more");
                    return None;
                }
            };
            match next {
                Some(Ok(frame)) => {
                    let Some(data) = frame.data_ref() else {
                        if let Ok(trailers) = frame.into_trailers() {
                            writer.set_trailers(trailers);
                        }
                        continue;
                    };
                    let so_far = writer.bytes_so_far() + data.len() as u64;
                    let is_held = !writer.is_outgrown();
                    let is_too_large = so_far > shared.settings.policy.max_object;
                    if is_held && (is_too_large || !shared.store.has_room(data.len() as u64)) {
                        writer.outgrow();
                        outgrown(is_too_large);
                    }
                    writer.push(data);
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "an answer of the origin was cut short");
                    writer.abort("the origin's answer was cut short");
                    return None;
                }
                None => return Some(writer),
            }
        }
    }
}

/// Waits until nobody has followed for this long.
async fn deserted_for(fill: Arc<Fill>, limit: Duration) {
    let mut sleep = pin!(tokio::time::sleep(limit));
    let mut known = None;
    poll_fn(|context| {
        let desertions = ready!(fill.poll_deserted(context));
        if known.replace(desertions) != Some(desertions) {
            sleep.as_mut().reset(Instant::now() + limit);
        }
        sleep.as_mut().poll(context)
    })
    .await;
}

/// Copies what is held into the fill. `None` where it cannot be read; its followers have been told.
fn push_all(mut writer: FillWriter, chunks: Vec<Chunks>) -> Option<FillWriter> {
    for chunk in chunks.into_iter().flatten() {
        match chunk {
            Ok(chunk) => writer.push(&chunk),
            Err(error) => {
                tracing::warn!(%error, "stored content could not be read");
                writer.abort("what is stored of it could not be read");
                return None;
            }
        }
    }
    Some(writer)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::store::Budget;

    #[tokio::test(start_paused = true)]
    async fn a_fill_is_deserted_when_nobody_has_followed_for_the_whole_of_the_limit() {
        const LIMIT: Duration = Duration::from_secs(60);
        let (writer, leader) = Fill::start(&Budget::new(1 << 20), None, 0..u64::MAX);
        let begin = Instant::now();
        let deserted = tokio::spawn(deserted_for(Arc::clone(writer.fill()), LIMIT));
        drop(leader);
        tokio::task::yield_now().await;
        advance(Duration::from_secs(50)).await;
        drop(writer.fill().follow(0..u64::MAX));
        deserted.await.expect("it ends");
        let expected = Duration::from_secs(50) + LIMIT;
        let elapsed = begin.elapsed();
        // Timers have milliseconds.
        assert!((expected..expected + Duration::from_millis(2)).contains(&elapsed), "{elapsed:?}");
    }
}
