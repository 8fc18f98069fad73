//! Parts of a representation that become larger ones, and the whole (RFC 9111 sections 3.3 and 3.4).

use std::{io, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_RANGE, ETAG, LAST_MODIFIED},
};

use super::{Proxy, errand::Errand, fill::Storable, head, renew::News};
use crate::{
    decision::{Stored, updated_fields},
    semantics::{
        fields::remove_digests,
        partial::{Extent, Joined, Part, Piece, join},
        validation::{EntityTag, StrongValidator},
    },
    store::{Budget, Chunks, Entry, SegmentWriter, StoredBody, Variants},
};

/// Held bytes that go before and behind what is received.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) before: Vec<Chunks>,
    pub(super) after: Vec<Chunks>,
}

impl Beside {
    fn of(joined: &Joined, held: &[&Arc<Entry<Stored>>]) -> Self {
        let chunks = |piece: &Piece| {
            let entry = held.get(piece.held)?;
            let start = entry.meta().extent().start();
            Some(entry.body().chunks(piece.range.start - start..piece.range.end - start))
        };
        Self {
            before: joined.before.iter().filter_map(chunks).collect(),
            after: joined.after.iter().filter_map(chunks).collect(),
        }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.before.iter().chain(&self.after).map(Chunks::left).sum()
    }

    /// One body of these bytes and what was received between them.
    ///
    /// # Errors
    /// Held bytes cannot be read.
    pub(super) fn around(self, received: &StoredBody, budget: &Arc<Budget>) -> io::Result<StoredBody> {
        let received = received.chunks(0..received.len());
        let all = || self.before.iter().chain([&received]).chain(&self.after);
        let mut writer = SegmentWriter::new(budget, Some(all().map(Chunks::left).sum()));
        for chunk in all().cloned().flatten() {
            writer.push(&chunk?);
        }
        Ok(writer.finish())
    }
}

/// What a part becomes together with what is held.
pub(super) struct Combined {
    pub(super) stored: Box<Stored>,
    /// The origin's fields, brought up to date.
    pub(super) fields: HeaderMap,
    pub(super) unshared: Vec<HeaderName>,
    pub(super) beside: Beside,
}

impl Proxy {
    /// What a part that a client asked for becomes together with the parts that are held: the largest run of bytes that
    /// they make. `None` where nothing is held that it can be combined with.
    pub(super) fn combine(&self, errand: &Errand, received: &Stored, news: News<'_>) -> Option<Combined> {
        let part = received.extent().part()?;
        let variants = self.shared.store.get_hashed(&errand.sought.key, errand.sought.hash())?;
        let held: Vec<_> =
            Variants::iter(&variants).filter(|entry| entry.meta().combines_with(received)).collect();
        let parts: Vec<Part> = held.iter().filter_map(|entry| entry.meta().extent().part()).collect();
        let joined = join(part, &parts);
        let beside = Beside::of(&joined, &held);
        if beside.is_empty() {
            return None;
        }
        self.combined(errand, held.first()?, &joined, beside, news)
    }

    /// What a held part becomes with the bytes that it lacked. `None` where these are others, or of something else.
    pub(super) fn complete(
        &self,
        errand: &Errand,
        held: &Arc<Entry<Stored>>,
        missing: Part,
        length: u64,
        news: News<'_>,
    ) -> Option<Combined> {
        if self.is_gone(held) {
            return None;
        }
        let stored = held.meta();
        // Without a strong validator there was no If-Range, and without the same one beside them these bytes may be of
        // anything (RFC 9110 section 15.3.7.3).
        let has_validator = match stored.strong_validator()? {
            StrongValidator::Tag(_) => news.fields.contains_key(ETAG),
            StrongValidator::Date(_) => news.fields.contains_key(LAST_MODIFIED),
        };
        let is_same = |name: &HeaderName, known: Option<&[u8]>| {
            news.fields.get(name).is_none_or(|value| known == Some(value.as_bytes()))
        };
        let modified = news.fields.get(LAST_MODIFIED);
        let old = head::undress(&held.head(), &errand.route, stored.times.lifetime());
        let is_of_it = has_validator
            && Part::of_answer(news.fields, length) == Some(missing)
            && is_same(&CONTENT_ENCODING, old.get(CONTENT_ENCODING).map(HeaderValue::as_bytes))
            && is_same(&ETAG, stored.tag.as_ref().map(EntityTag::as_bytes))
            && modified.is_none_or(|value| stored.last_modified.as_ref().is_some_and(|held| held.is(value)));
        if !is_of_it {
            return None;
        }
        let joined = join(missing, &[stored.extent().part()?]);
        let beside = Beside::of(&joined, &[held]);
        self.combined(errand, held, &joined, beside, news)
            .filter(|whole| whole.stored.extent() == Extent::Whole)
    }

    fn combined(
        &self,
        errand: &Errand,
        held: &Entry<Stored>,
        joined: &Joined,
        beside: Beside,
        news: News<'_>,
    ) -> Option<Combined> {
        let old = head::undress(&held.head(), &errand.route, held.meta().times.lifetime());
        let mut fields = updated_fields(&old, news.fields);
        fields.remove(CONTENT_RANGE);
        // They are of one part's content.
        remove_digests(&mut fields);
        let bytes = joined.part.range();
        let length = bytes.end - bytes.start;
        let Storable { mut stored, unshared, .. } =
            self.judged_anew(errand, StatusCode::OK, &fields, length, news)?;
        stored.set_extent(if joined.part.is_whole() { Extent::Whole } else { Extent::Part(joined.part) });
        Some(Combined { stored, fields, unshared, beside })
    }
}
