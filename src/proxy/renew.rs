//! Stored responses that an answer without content brings up to date: a 304, or the answer to HEAD
//! (RFC 9111 sections 3.2, 4.3.4 and 4.3.5).

use std::sync::Arc;

use http::{
    HeaderMap, Response, StatusCode, Version,
    header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED},
};

use super::{
    Proxy,
    errand::{Errand, Held, Order},
    fill::Storable,
    head,
};
use crate::{
    decision::{Answered, Framing, Stored, Verdict, is_candidate, judge, updated_fields},
    semantics::{Now, validation::EntityTag},
    store::{Entry, HeadBlock, Inserted, Stamp, Stamped, Standing, Variants},
};

/// An answer without content, and when it was asked for.
#[derive(Clone, Copy)]
pub(super) struct News<'a> {
    pub(super) fields: &'a HeaderMap,
    pub(super) version: Version,
    pub(super) asked: Now,
    pub(super) received: Now,
    pub(super) stamp: Stamp,
}

impl<'a> News<'a> {
    pub(super) fn of<B>(response: &'a Response<B>, asked: Now, received: Now, stamp: Stamp) -> Self {
        Self { fields: response.headers(), version: response.version(), asked, received, stamp }
    }
}

impl Proxy {
    /// Takes a 304 as the word that what is held is still good: its fields are brought up to date, its content is kept.
    /// `None` where it speaks of something else, or where what is held may no longer be. Says whether it is stored as it
    /// is now.
    pub(super) fn confirm(&self, order: &Order, news: News<'_>) -> Option<(Arc<Entry<Stored>>, bool)> {
        let held = order.held.confirmed_by(news.fields)?;
        let store = &self.shared.store;
        let Some(entry) = self.renewed(&order.errand, held, news) else {
            // What may not be stored for who asks may still be stored for all others: it is good for this one answer.
            if order.errand.sought.carried.any() {
                return Some((Arc::clone(held), false));
            }
            store.discard(held);
            return None;
        };
        // Where it cannot be stored (evicted or invalidated meanwhile), it still answers this client.
        let _: Inserted = match order.held {
            // What was made for other fields stays theirs, and shares its content with this.
            // Like any validation it brings nothing back that was to go.
            Held::Offered(_) if self.is_gone(held) => Inserted::Invalidated,
            Held::Offered(_) => {
                let newer = Arc::clone(&entry);
                store.insert(Arc::clone(&entry), &|older| older.meta().is_replaced_by(newer.meta()))
            }
            Held::Nothing | Held::Selected(_) | Held::Part(..) => store.replace(held, Arc::clone(&entry)),
        };
        Some((entry, true))
    }

    /// Whether a purge or a write has ended what is held, since it was looked up.
    pub(super) fn is_gone(&self, held: &Entry<Stored>) -> bool {
        held.standing(self.shared.store.purge_clock()).0 == Standing::Gone
    }

    /// Takes a 200 to HEAD as what GET would say now: stored responses that this request could have been answered with
    /// are brought up to date if it speaks of them, and dropped if it does not. The newest that is left.
    pub(super) fn update_by_head(&self, errand: &Errand, news: News<'_>) -> Option<Arc<Entry<Stored>>> {
        let shared = &self.shared;
        let variants = shared.store.get_hashed(&errand.sought.key, errand.sought.hash())?;
        let policy = &shared.settings.policy;
        let mut newest = None;
        // What is replaced becomes the newest of its key: the oldest first keeps their order.
        let newest_first: Vec<_> = Variants::iter(&variants).collect();
        for held in newest_first.into_iter().rev() {
            if !is_candidate(&errand.sought, errand.fields(), held.meta(), policy) {
                continue;
            }
            let speaks_of_it = speaks_of(news.fields, held);
            match self.renewed(errand, held, news).filter(|_| speaks_of_it) {
                Some(entry) => {
                    let _: Inserted = shared.store.replace(held, Arc::clone(&entry));
                    newest = Some(entry);
                }
                None => shared.store.discard(held),
            }
        }
        newest.filter(|entry| entry.meta().suffices(errand.method(), errand.fields(), news.received))
    }

    /// `held` with its fields brought up to date. `None` where, by its new fields, it may not be stored.
    fn renewed(&self, errand: &Errand, held: &Entry<Stored>, news: News<'_>) -> Option<Arc<Entry<Stored>>> {
        let fields = updated_fields(
            &head::undress(&held.head(), &errand.route, held.meta().times.lifetime()),
            news.fields,
        );
        let judged = self.judged_anew(errand, held.meta().status, &fields, held.body().len(), news)?;
        let Storable { mut stored, mut strip, unshared, .. } = judged;
        stored.keep_content_of(held.meta());
        strip.extend(unshared);
        let stamped = Stamped::new(news.stamp, self.scopes(errand, &fields));
        let received = news.received.wall;
        let fields =
            head::dress(fields, &strip, &errand.route, stored.times.lifetime(), news.version, received);
        Some(held.freshened(*stored, &HeadBlock::from_fields(&fields), stamped))
    }
}

impl Proxy {
    /// What may be stored of content that is held, under fields that are news. `None` where nothing may.
    pub(super) fn judged_anew(
        &self,
        errand: &Errand,
        status: StatusCode,
        fields: &HeaderMap,
        length: u64,
        news: News<'_>,
    ) -> Option<Storable> {
        let answer = Answered {
            status,
            fields,
            framing: Framing::Length(length),
            asked: news.asked,
            received: news.received,
            with_content: true,
            chance: fastrand::f64(),
        };
        let policy = &self.shared.settings.policy;
        let judgement = judge(&answer, errand.fields(), &errand.sought, &errand.route, policy);
        match judgement.verdict {
            Verdict::Store { stored, strip, unshared, not_for_client: None } => {
                Some(Storable { stored, fields: None, strip, unshared })
            }
            Verdict::Store { .. } | Verdict::Refuse(_) | Verdict::Discard(_) => None,
        }
    }
}

/// Whether a 200 to HEAD can be about a stored response: that is a 200 too, each validator that the answer has is that
/// one's, and so is the length (RFC 9111 section 4.3.5).
fn speaks_of(news: &HeaderMap, held: &Entry<Stored>) -> bool {
    let stored = held.meta();
    let tag = stored.tag.as_ref().map(EntityTag::as_bytes);
    let modified = stored.last_modified.as_ref();
    let length = stored.extent().complete(held.body().len());
    stored.status == StatusCode::OK
        && news.get(ETAG).is_none_or(|value| Some(value.as_bytes()) == tag)
        && news.get(LAST_MODIFIED).is_none_or(|value| modified.is_some_and(|held| held.is(value)))
        && news.get(CONTENT_LENGTH).is_none_or(|value| value.as_bytes() == length.to_string().as_bytes())
}
