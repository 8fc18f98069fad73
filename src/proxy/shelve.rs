//! Large stored content that is asked for often, brought to where the kernel can send it from.

use std::{io, sync::Arc};

use super::Proxy;
use crate::{
    decision::Stored,
    store::{Entry, Shelving, StoredBody},
};

impl Proxy {
    /// Counts a hit of this content of an entry. To copy it takes longer than a hit, so that has a task of its own, once.
    pub(super) fn count_hit(&self, entry: &Arc<Entry<Stored>>, body: &StoredBody) {
        if !body.count_hit() {
            return;
        }
        let Some(shelving) = self.shared.store.shelving(body) else { return body.count_anew() };
        let (shared, entry) = (Arc::clone(&self.shared), Arc::clone(entry));
        self.shared.tasks.spawn(async move {
            let is_shelved = match shelved(shelving).await {
                Ok(body) => shared.store.substitute(&entry, entry.with_body(body)),
                Err(error) => {
                    tracing::debug!(%error, "no memory to send stored content from: it is copied for each client");
                    false
                }
            };
            if !is_shelved {
                entry.body().count_anew();
            }
        });
    }
}

/// Copies a body step by step, while others have their turns.
async fn shelved(mut shelving: Shelving) -> io::Result<StoredBody> {
    while !shelving.step()? {
        tokio::task::yield_now().await;
    }
    Ok(shelving.finish())
}
