//! The content of an answer on its way into the store: copied once, read by whoever follows, and stored only when it
//! came whole.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::{
    Proxy,
    fetch::{Fetched, Order, deliver},
    respond::{self, Part},
};
use crate::{
    decision::{Bypass, Framing, Stored},
    semantics::range::Selection,
    store::{
        Entry, EntryParts, Fill, FillWriter, Follower, HeadBlock, MetaSize, Scope, ScopeId, Stamp, Stamped,
        WHOLE,
    },
};

/// A response that is being received.
pub(super) struct Filling {
    pub(super) stored: Arc<Stored>,
    pub(super) head: HeadBlock,
    pub(super) part: Part,
    /// The length of the whole content, where it was announced.
    pub(super) length: Option<u64>,
    pub(super) follower: Follower,
}

/// An answer that is to be stored, before its content is there.
pub(super) struct Receiving {
    pub(super) stored: Arc<Stored>,
    /// The head for the client that asked.
    pub(super) whole: HeadBlock,
    /// The head for everybody else.
    pub(super) head: HeadBlock,
    pub(super) framing: Framing,
    pub(super) stamp: Stamp,
}

impl MetaSize for Stored {
    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }
}

impl Proxy {
    /// Tells the client that asked, and receives the content, which is stored if it comes whole.
    pub(super) async fn fill(
        &self,
        order: Order,
        receiving: Receiving,
        body: Incoming,
        not_for_client: Option<Bypass>,
        reply: oneshot::Sender<Fetched>,
    ) {
        let shared = &self.shared;
        let length = match receiving.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::CloseDelimited => None,
        };
        let part = respond::part(&order.method, &order.fields, &receiving.stored, length, shared.clock.now());
        let range = match &part {
            Part::Content(Selection::Part(range)) => range.clone(),
            _ => WHOLE,
        };
        let (writer, follower) = Fill::start(shared.store.budget(), length, range);
        let fetched = if let Some(bypass) = not_for_client {
            Fetched::NotForClient(bypass)
        } else {
            let (stored, head) = (Arc::clone(&receiving.stored), receiving.whole.clone());
            Fetched::Filling(Filling { stored, head, part, length, follower })
        };
        deliver(reply, fetched);
        let Some(writer) = self.copy(writer, body, length).await else { return };
        let sealed = writer.seal();
        if let Some(body) = sealed.body().cloned() {
            let Receiving { stored, head, stamp, .. } = receiving;
            let entry = Entry::new(
                shared.store.budget(),
                EntryParts {
                    key: order.keyed.key.clone(),
                    meta: Arc::unwrap_or_clone(stored),
                    head,
                    body,
                    stamped: Stamped::new(stamp, self.scopes(&order)),
                },
            );
            let newer = Arc::clone(&entry);
            let inserted = shared.store.insert(entry, &|older| older.meta().is_replaced_by(newer.meta()));
            tracing::trace!(route = order.route.name, key = %order.keyed.key, ?inserted, "stored");
        }
        sealed.complete();
    }

    /// Copies the content into the fill. `None` where it did not come whole; its followers have been told.
    async fn copy(&self, mut writer: FillWriter, body: Incoming, length: Option<u64>) -> Option<FillWriter> {
        let shared = &self.shared;
        let mut body = self.guarded(body);
        loop {
            if std::future::poll_fn(|context| writer.poll_ready(context)).await.is_err() {
                return None;
            }
            match body.frame().await {
                Some(Ok(frame)) => {
                    let Some(data) = frame.data_ref() else { continue };
                    let so_far = writer.bytes_so_far() + data.len() as u64;
                    let is_held = !writer.is_outgrown();
                    let fits = || shared.store.has_room(data.len() as u64);
                    if is_held && (so_far > shared.settings.policy.max_object || !fits()) {
                        writer.outgrow();
                    }
                    writer.push(data);
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "an answer of the origin was cut short");
                    writer.abort("the origin's answer was cut short");
                    return None;
                }
                None => break,
            }
        }
        if length.is_some_and(|length| length != writer.bytes_so_far()) {
            writer.abort("the origin's answer is not as long as it said");
            return None;
        }
        Some(writer)
    }

    /// Whether nothing has invalidated an answer since its fetch began.
    pub(super) fn is_current(&self, order: &Order, stamp: Stamp) -> bool {
        self.shared.store.purge_clock().is_current(&Stamped::new(stamp, self.scopes(order)))
    }

    /// What invalidates an answer: on a declared route any change of its path, elsewhere of its target.
    fn scopes(&self, order: &Order) -> Vec<ScopeId> {
        let purges = self.shared.store.purge_clock();
        let key = &order.keyed.key;
        let parts = key.parts();
        let changed = match order.keyed.declared {
            Some(_) => Scope::Path(key.path_identity()),
            None => Scope::Target(key.target_identity()),
        };
        let tags = order.route.tags_for(parts.path);
        let named = [changed, Scope::Host(parts.authority), Scope::Route(&order.route.name)];
        named
            .into_iter()
            .chain(tags.iter().map(|tag| Scope::Tag(tag)))
            .map(|scope| purges.scope(scope))
            .collect()
    }
}
