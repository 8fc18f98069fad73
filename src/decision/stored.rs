//! What is known about a stored response besides its fields and content: all that decides whether it may be used.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::Times;
use crate::{
    key::Codings,
    level::{Carried, EvidenceSet, Level, Profile},
    semantics::{
        Now,
        freshness::{CurrentAge, Remaining},
        partial::{Extent, Part},
        range::{Held, Selection, select},
        validation::{EntityTag, LastModified, StrongValidator},
        vary::Nominations,
    },
};

/// The metadata of a stored response.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its status.
    pub status: StatusCode,
    /// When it was received or last validated, and how long it is of use.
    pub times: Times,
    /// Whether it must be validated before each use (`no-cache`).
    pub always_validate: bool,
    /// Whether it is said not to change while it is fresh, so that a reload need not ask (RFC 8246).
    pub immutable: bool,
    /// Whether it may not be used stale, whatever a request accepts (RFC 9111 section 4.2.4).
    pub forbids_stale: bool,
    /// Its entity tag.
    pub tag: Option<EntityTag>,
    /// Its Last-Modified, as it was sent.
    pub last_modified: Option<LastModified>,
    /// What few have.
    pub(super) rare: Option<Box<Rare>>,
    /// Its content codings; `None` where one of them is not known here.
    pub coding: Option<Codings>,
    /// Which requests it may answer.
    pub nature: Nature,
    /// The evidence that its level rests on.
    pub evidence: EvidenceSet,
}

/// What is known about few stored responses, and takes no memory in all others.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rare {
    /// Which bytes of the representation it holds, where that is not all of them.
    part: Option<Part>,
    /// When its freshness was ended by a purge, in the time of the monotonic clock.
    ended: Option<Duration>,
}

/// Which requests under its key a stored response may answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Nature {
    /// The answer to a hermetic fetch: it depends on nothing but the key and the codings that were offered.
    Hermetic {
        /// The content codings that the fetch offered.
        offered: Codings,
        /// Whether its Vary names Accept-Encoding.
        varies_by_coding: bool,
        /// Fields that its Vary names and the route does not declare: a request that has one is not answered.
        undeclared: Box<[HeaderName]>,
    },
    /// The answer to a request that was forwarded whole: it answers requests whose nominated fields match.
    Nominated {
        /// The fields that its Vary names, with their values.
        fields: Nominations,
        /// Whom it may be shared with.
        sharing: Sharing,
    },
}

/// What a response says about sharing it with requests that carry identity (RFC 9111 section 3.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// It says `public` or `s-maxage`: everybody may have it.
    pub everybody: bool,
    /// It says `must-revalidate`, which suffices for Authorization.
    pub must_revalidate: bool,
}

impl Sharing {
    /// Whether the response to a request that carries this may be stored and shared. Under the profile `safe`, that
    /// is also the condition on which a stored response answers such a request.
    pub const fn allows(self, carried: Carried, profile: Profile) -> bool {
        let other_identity = match profile {
            Profile::Safe => carried.session || carried.user,
            Profile::Rfc9111 => false,
        };
        self.everybody || (!other_identity && (!carried.authorization || self.must_revalidate))
    }
}

/// How the end of an answer's content is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By Content-Length, in bytes.
    Length(u64),
    /// By a last chunk.
    Chunked,
    /// Only by the end of the connection.
    CloseDelimited,
}

impl Stored {
    /// Its level: that of its evidence. What is stored for a while without any is taken to change.
    pub fn level(&self) -> Level {
        self.evidence.level().unwrap_or(Level::Changing)
    }

    /// Which bytes of the representation it holds.
    pub fn extent(&self) -> Extent {
        self.rare.as_ref().and_then(|rare| rare.part).map_or(Extent::Whole, Extent::Part)
    }

    /// Says which bytes of the representation it holds.
    pub fn set_extent(&mut self, extent: Extent) {
        self.set_rare(Rare { part: extent.part(), ended: self.ended_at() });
    }

    fn set_rare(&mut self, rare: Rare) {
        self.rare = if rare == Rare::default() { None } else { Some(Box::new(rare)) };
    }

    fn ended_at(&self) -> Option<Duration> {
        self.rare.as_ref().and_then(|rare| rare.ended)
    }

    /// Whether a purge has ended its freshness.
    pub fn is_ended(&self) -> bool {
        self.ended_at().is_some()
    }

    /// The same response, of which a purge has ended the freshness at this time of the monotonic clock, if that was not
    /// over for as long already. Its lifetime stays as it was stated.
    pub fn ended(&self, at: Duration) -> Option<Self> {
        if self.ended_at().is_some_and(|ended| ended <= at) {
            return None;
        }
        let mut ended = self.clone();
        ended.set_rare(Rare { part: self.extent().part(), ended: Some(at) });
        Some(ended)
    }

    /// Its age now.
    pub fn age(&self, now: Now) -> CurrentAge {
        self.times.age(now)
    }

    /// What is left of its lifetime now.
    pub fn remaining(&self, now: Now) -> Remaining {
        let Some(ended) = self.ended_at() else { return self.times.remaining(now) };
        let since = now.mono.saturating_sub(self.times.received().max(ended));
        match self.times.remaining(now) {
            Remaining::Stale(longer) => Remaining::Stale(longer.max(since)),
            Remaining::Fresh(_) | Remaining::Forever => Remaining::Stale(since),
        }
    }

    /// Whether no request can be answered with it now before the origin was asked whether it still may be.
    pub fn is_validated_each_time(&self, now: Now) -> bool {
        let is_too_stale = || match self.remaining(now) {
            Remaining::Stale(since) => since >= self.times.stale_while_revalidate(),
            Remaining::Fresh(_) | Remaining::Forever => false,
        };
        self.always_validate || is_too_stale()
    }

    /// Whether it may be served now, stale, because the origin failed (RFC 5861 section 4).
    pub fn is_usable_on_error(&self, now: Now) -> bool {
        matches!(self.remaining(now), Remaining::Stale(since) if since < self.times.stale_if_error())
    }

    /// The date that a client's If-Modified-Since is compared with: Last-Modified, else Date.
    pub fn modified(&self) -> SystemTime {
        self.modified_date().unwrap_or_else(|| whole_second(self.times.date()))
    }

    /// Last-Modified, where it can be read.
    fn modified_date(&self) -> Option<SystemTime> {
        self.last_modified.as_ref()?.time(self.times.date())
    }

    /// What a request's Range selects from the whole representation, which is this long.
    pub fn select(&self, request: &HeaderMap, length: u64, now: Now) -> Selection {
        let held = Held { tag: self.tag.as_ref(), modified: self.modified_date(), date: self.times.date() };
        let is_encoded = !self.coding.is_some_and(Codings::is_empty);
        match select(request, length, &held, now.wall) {
            // Its Content-Encoding would be read as that of the parts together, text between them included.
            Selection::Parts(_) if is_encoded => Selection::Whole,
            selection => selection,
        }
    }

    /// What changes with every byte of it, where it says so.
    pub fn strong_validator(&self) -> Option<StrongValidator> {
        StrongValidator::of(self.tag.as_ref(), self.last_modified.as_ref(), self.times.date())
    }

    /// Whether its bytes are all that a request asks for: a part answers only a GET of ranges within it
    /// (RFC 9111 section 3.3).
    pub fn suffices(&self, method: &Method, request: &HeaderMap, now: Now) -> bool {
        let Extent::Part(part) = self.extent() else { return true };
        let selection = self.select(request, part.complete(), now);
        *method == Method::GET
            && match selection {
                Selection::Part(range) => part.covers(&range),
                Selection::Parts(ranges) => ranges.iter().all(|range| part.covers(range)),
                Selection::Whole | Selection::Unsatisfiable => false,
            }
    }

    /// Whether it is a part of the same representation as `other`, with the same fields nominated, so that one response
    /// can be made of both (RFC 9111 section 3.4).
    pub fn combines_with(&self, other: &Self) -> bool {
        let validator = self.strong_validator();
        validator.is_some()
            && validator == other.strong_validator()
            && self.coding == other.coding
            && self.has_nature_of(other)
            && matches!((self.extent(), other.extent()), (Extent::Part(one), Extent::Part(other)) if one.complete() == other.complete())
    }

    /// Whether the origin can be asked to confirm it.
    pub const fn has_validator(&self) -> bool {
        self.tag.is_some() || self.last_modified.is_some()
    }

    /// Whether a request that accepts these codings can use its content.
    pub fn is_acceptable(&self, accepted: Codings) -> bool {
        self.coding.is_some_and(|coding| accepted.is_superset(coding))
    }

    /// Whether a new answer takes this one's place: both would answer the same requests. A part does not take the place
    /// of what holds other bytes of the same representation.
    pub fn is_replaced_by(&self, newer: &Self) -> bool {
        if !self.has_nature_of(newer) {
            return false;
        }
        match (self.extent(), newer.extent()) {
            (_, Extent::Whole) => true,
            (Extent::Whole, Extent::Part(_)) => {
                let validator = self.strong_validator();
                validator.is_none() || validator != newer.strong_validator()
            }
            (Extent::Part(old), Extent::Part(new)) => !self.combines_with(newer) || new.covers(&old.range()),
        }
    }

    fn has_nature_of(&self, newer: &Self) -> bool {
        match (&self.nature, &newer.nature) {
            (
                Nature::Hermetic { offered: old, .. },
                Nature::Hermetic { offered: new, varies_by_coding, .. },
            ) => old == new || (self.coding == newer.coding && (!varies_by_coding || new.is_superset(*old))),
            (Nature::Nominated { fields: old, .. }, Nature::Nominated { fields: new, .. }) => {
                old.are_as_in(new)
            }
            _ => false,
        }
    }

    /// Makes this, judged from an answer that brought no content, speak of the content of `held`, which was fetched with
    /// more codings on offer than the request that confirmed it need have had.
    pub fn keep_content_of(&mut self, held: &Self) {
        self.set_extent(held.extent());
        if let (Nature::Hermetic { offered, .. }, Nature::Hermetic { offered: held, .. }) =
            (&mut self.nature, &held.nature)
        {
            *offered = *held;
        }
    }

    /// The sizes of what this metadata has allocated, for the store's budget.
    pub fn heap_sizes(&self) -> impl Iterator<Item = usize> {
        let (undeclared, nominations) = match &self.nature {
            Nature::Hermetic { undeclared, .. } => (Some(size_of_val::<[HeaderName]>(undeclared)), None),
            Nature::Nominated { fields, .. } => (None, Some(fields.heap_sizes())),
        };
        let tag = self.tag.as_ref().map(|tag| tag.as_bytes().len());
        let modified = self.last_modified.iter().flat_map(LastModified::heap_sizes);
        let rare = self.rare.as_ref().map(|_| size_of::<Rare>());
        tag.into_iter().chain(modified).chain(rare).chain(undeclared).chain(nominations.into_iter().flatten())
    }
}

/// A time as HTTP can state it. A client can only give back whole seconds.
fn whole_second(time: SystemTime) -> SystemTime {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(time, |since| SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}
