//! Large stored content that is asked for often, brought to where the kernel can send it from.

use std::sync::Arc;

use super::Proxy;
use crate::{
    decision::Stored,
    store::{Entry, StoredBody},
};

impl Proxy {
    /// Counts a hit of this content of an entry. In a task of its own, once: to copy it takes longer than a hit.
    pub(super) fn count_hit(&self, entry: &Arc<Entry<Stored>>, body: &StoredBody) {
        if body.count_hit() {
            let (proxy, entry) = (self.clone(), Arc::clone(entry));
            self.shared.tasks.spawn(async move { proxy.shelve(&entry).await });
        }
    }

    async fn shelve(&self, entry: &Arc<Entry<Stored>>) {
        let (store, body) = (&self.shared.store, entry.body());
        let is_shelved = match self.shelved(&body).await {
            Some(shelved) => store.substitute(entry, entry.with_body(shelved)),
            None => false,
        };
        if !is_shelved {
            body.count_anew();
        }
    }

    /// A copy on the shelf, if there is room for one.
    async fn shelved(&self, body: &StoredBody) -> Option<StoredBody> {
        let mut shelving = self.shared.store.shelving(body)?;
        loop {
            match shelving.step() {
                Ok(true) => return Some(shelving.finish()),
                Ok(false) => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::warn!(%error, "there is no memory to send stored content from: it is copied");
                    return None;
                }
            }
        }
    }
}
