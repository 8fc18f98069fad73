//! Who waits for what becomes of a fetch, what each of them is told, and what is remembered of it.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use tokio::sync::oneshot;

use super::{
    Shared,
    fetch::Fetched,
    flight::{Common, Landing, Lead},
    unshared::Unshared,
};
use crate::decision::{Reason, Refusal};

/// Who waits for what becomes of a fetch: the client that caused it, and those who follow its lead.
pub(super) struct Audience {
    /// Where the client waits; none where nobody does from the start.
    reply: Option<oneshot::Sender<Fetched>>,
    lead: Option<Lead>,
    shared: Arc<Shared>,
}

impl Audience {
    /// A client, and those who follow its lead, if it has one.
    pub(super) const fn of(reply: oneshot::Sender<Fetched>, lead: Option<Lead>, shared: Arc<Shared>) -> Self {
        Self { reply: Some(reply), lead, shared }
    }

    /// Nobody, but for those who come to follow this lead.
    pub(super) const fn none_yet(lead: Lead, shared: Arc<Shared>) -> Self {
        Self { reply: None, lead: Some(lead), shared }
    }

    /// Waits until nobody has waited for this long any more. A fetch that nobody ever waited for is not deserted.
    pub(super) async fn deserted_for(&mut self, limit: Duration) {
        match &mut self.reply {
            Some(reply) => reply.closed().await,
            None => std::future::pending().await,
        }
        loop {
            if let Some(lead) = &self.lead {
                lead.deserted().await;
            }
            tokio::time::sleep(limit).await;
            if self.lead.as_ref().is_none_or(Lead::is_deserted) {
                return;
            }
        }
    }

    /// Tells them of a fetch that brings nothing to store. The client may be gone: then the answer is dropped, and with
    /// it its connection.
    pub(super) fn deliver(self, fetched: Fetched) {
        if let Some(lead) = self.lead {
            let landing = match &fetched {
                Fetched::Passed { response, reason, .. } => {
                    self.shared.not_shared(&lead, response.status(), *reason)
                }
                Fetched::Failed(problem) => Landing::Failed(*problem),
                // Each of the others has to ask the origin itself, now and the next time.
                Fetched::Renewed { entry, is_stored: true, .. }
                    if entry.meta().is_validated_each_time(self.shared.clock.now()) =>
                {
                    self.shared.remember_unshared(lead.hash(), Unshared::Everybodys);
                    Landing::NotShared
                }
                Fetched::Filling(_) | Fetched::Renewed { .. } | Fetched::NotForClient(_) => Landing::News,
            };
            lead.end(landing);
        }
        tell(self.reply, fetched);
    }

    /// Tells them of an answer that is being received. The flight goes on until what is returned is dropped.
    pub(super) fn filling(self, fetched: Fetched, common: impl FnOnce() -> Common) -> Option<Lead> {
        if let Some(lead) = &self.lead {
            lead.land(common());
        }
        tell(self.reply, fetched);
        self.lead
    }
}

/// Tells the client, if there is one and it has not left.
fn tell(reply: Option<oneshot::Sender<Fetched>>, fetched: Fetched) {
    if let Some(reply) = reply {
        let _ = reply.send(fetched);
    }
}

impl Shared {
    /// What it means for others that an answer is only passed on: that each asks for itself, and for a while nobody waits
    /// for a key like that. Of an answer that was not stored for a passing reason nothing follows.
    fn not_shared(&self, lead: &Lead, status: StatusCode, reason: Reason) -> Landing {
        if matches!(reason, Reason::Refusal(Refusal::Invalidated | Refusal::OverBudget)) {
            return Landing::News;
        }
        if status.is_server_error() {
            return Landing::NotShared;
        }
        self.remember_unshared(lead.hash(), lead.whose());
        match lead.whose() {
            Unshared::Everybodys => Landing::NotShared,
            // It says nothing of what the others would be told: those look again.
            Unshared::Identified => Landing::News,
        }
    }
}
