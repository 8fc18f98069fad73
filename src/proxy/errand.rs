//! What a fetch is for: for whom, under which key, what is held already, and the requests that it makes of that.

use std::sync::Arc;

use http::{
    HeaderMap, HeaderValue, Method, Request,
    header::{ETAG, LAST_MODIFIED},
};

use super::{
    Interim, Problem, Shared,
    exchange::{Asking, Exchange},
    keyed::Sought,
    outgoing,
};
use crate::{
    decision::{Keyed, Stored},
    route::Route,
    semantics::{
        cache_status::Fwd,
        partial::Part,
        validation::{EntityTag, LastModified},
    },
    store::Entry,
    upstream::RequestBody,
};

/// On whose behalf a fetch is made.
pub(super) struct Errand {
    pub(super) sought: Arc<Sought>,
    pub(super) route: Arc<Route>,
    pub(super) asking: Arc<Asking>,
}

/// What is stored already and the request speaks of.
#[derive(Clone)]
pub(super) enum Held {
    /// Nothing.
    Nothing,
    /// The response for this request, which the origin may confirm.
    Selected(Arc<Entry<Stored>>),
    /// Responses for other nominated fields: the origin may name one as the one for these too.
    Offered(Vec<Arc<Entry<Stored>>>),
    /// A part, and the bytes that it lacks.
    Part(Arc<Entry<Stored>>, Part),
}

/// How many responses are offered to the origin at most, and how long their entity tags may be, in bytes: what a head can
/// hold beside the client's own fields.
const MOST_OFFERED: usize = 8;
const LONGEST_OFFERED: usize = 256;

impl Held {
    /// Offers the first few of these.
    pub(super) fn offered<'a>(entries: impl Iterator<Item = &'a Arc<Entry<Stored>>>) -> Self {
        let is_short = |entry: &&Arc<Entry<Stored>>| {
            entry.meta().tag.as_ref().is_some_and(|tag| tag.as_bytes().len() <= LONGEST_OFFERED)
        };
        let entries: Vec<_> = entries.filter(is_short).take(MOST_OFFERED).cloned().collect();
        if entries.is_empty() { Self::Nothing } else { Self::Offered(entries) }
    }

    /// What may be served where the origin fails: a client that wants no stale answer gets none, not even then.
    pub(super) fn stand_in(&self, keyed: &Keyed, fwd: Fwd) -> Option<Arc<Entry<Stored>>> {
        let is_welcome = fwd == Fwd::Stale && !keyed.directives.wants_fresh();
        match self {
            Self::Selected(entry) if is_welcome => Some(Arc::clone(entry)),
            Self::Nothing | Self::Selected(_) | Self::Offered(_) | Self::Part(..) => None,
        }
    }

    /// What the request says of it.
    fn condition(&self) -> Condition {
        match self {
            Self::Nothing => Condition::AsAsked,
            Self::Selected(entry) if !entry.meta().has_validator() => Condition::AsAsked,
            Self::Selected(entry) => Condition::Unless {
                tags: entry.meta().tag.as_ref().and_then(EntityTag::to_value),
                modified: entry.meta().last_modified.as_ref().and_then(LastModified::to_value),
            },
            Self::Offered(entries) => {
                let tags = entries.iter().filter_map(|entry| entry.meta().tag.as_ref());
                let list: Vec<&[u8]> = tags.map(EntityTag::as_bytes).collect();
                Condition::Unless {
                    tags: HeaderValue::from_bytes(&list.join(&b", "[..])).ok(),
                    modified: None,
                }
            }
            Self::Part(entry, missing) => {
                let bytes = missing.range();
                let range = if bytes.end == missing.complete() {
                    format!("bytes={}-", bytes.start)
                } else {
                    format!("bytes={}-{}", bytes.start, bytes.end - 1)
                };
                let if_range = entry.meta().strong_validator();
                HeaderValue::try_from(range).map_or(Condition::AsAsked, |range| Condition::Only {
                    range,
                    if_range: if_range.and_then(|validator| validator.to_value()),
                })
            }
        }
    }

    /// The held response that a 304 with these fields speaks of (RFC 9111 section 4.3.4): the one that was asked about, if
    /// no validator says otherwise; of several, the one that has the very same strong tag.
    pub(super) fn confirmed_by(&self, news: &HeaderMap) -> Option<&Arc<Entry<Stored>>> {
        let tag = |entry: &Arc<Entry<Stored>>| entry.meta().tag.clone();
        match (self, news.get(ETAG)) {
            (Self::Selected(entry), Some(named)) => Some(entry)
                .filter(|entry| tag(entry).is_some_and(|held| held.weakly_equals(named.as_bytes()))),
            (Self::Selected(entry), None) => {
                let held = entry.meta().last_modified.as_ref();
                let is_of_then =
                    news.get(LAST_MODIFIED).is_none_or(|date| held.is_none_or(|held| held.is(date)));
                Some(entry).filter(|entry| entry.meta().has_validator() && is_of_then)
            }
            (Self::Offered(entries), Some(named)) => entries
                .iter()
                .find(|entry| tag(entry).is_some_and(|held| held.strongly_equals(named.as_bytes()))),
            (Self::Nothing | Self::Offered(_) | Self::Part(..), _) => None,
        }
    }
}

/// What a request to the origin says of what is held.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// Nothing: it asks as the client did.
    AsAsked,
    /// The answer is wanted unless it is one of these, or no newer than this.
    Unless {
        /// If-None-Match.
        tags: Option<HeaderValue>,
        /// If-Modified-Since.
        modified: Option<HeaderValue>,
    },
    /// Only these bytes are wanted, if they are still of this.
    Only {
        /// Range.
        range: HeaderValue,
        /// If-Range; without it the answer can only be used whole.
        if_range: Option<HeaderValue>,
    },
}

/// A fetch: its errand, what is held, and the requests that it may take.
pub(super) struct Order {
    pub(super) errand: Errand,
    pub(super) held: Held,
    /// The stored response for this request, whatever its validators are worth.
    pub(super) selected: Option<Arc<Entry<Stored>>>,
    /// A stored response that may be served where the origin fails.
    pub(super) stand_in: Option<Arc<Entry<Stored>>>,
    pub(super) request: Request<RequestBody>,
    /// The request without a word of what is held, for an answer that does not fit it.
    pub(super) unconditional: Option<Request<RequestBody>>,
    /// Where interim responses go to.
    pub(super) interim: Option<Interim>,
}

impl Order {
    /// Builds the requests to the origin: on a declared route from the key, elsewhere from the client's own.
    pub(super) fn new(
        exchange: &Exchange,
        sought: Arc<Sought>,
        held: Held,
        stand_in: Option<Arc<Entry<Stored>>>,
        shared: &Shared,
    ) -> Result<Self, Problem> {
        let build =
            |condition: &Condition| outgoing::to_be_stored(exchange, &sought, &shared.settings, condition);
        let condition = held.condition();
        let selected = match &held {
            Held::Selected(entry) => Some(Arc::clone(entry)),
            Held::Nothing | Held::Offered(_) | Held::Part(..) => None,
        };
        let request = build(&condition)?;
        let unconditional = match condition {
            Condition::AsAsked => None,
            Condition::Unless { .. } | Condition::Only { .. } => Some(build(&Condition::AsAsked)?),
        };
        let (route, asking) = (Arc::clone(&exchange.route), Arc::clone(&exchange.asking));
        let errand = Errand { sought, route, asking };
        let interim = exchange.interim.clone();
        Ok(Self { errand, held, selected, stand_in, request, unconditional, interim })
    }
}

impl Errand {
    /// The method of the client's request.
    pub(super) fn method(&self) -> &Method {
        &self.asking.parts.method
    }

    /// The client's own fields.
    pub(super) fn fields(&self) -> &HeaderMap {
        self.asking.fields()
    }

    /// The method that is sent to the origin: on a declared route the whole representation is fetched.
    pub(super) fn method_sent(&self) -> Method {
        match self.sought.declared {
            Some(_) => self.sought.key.parts().method.to_method(),
            None => self.method().clone(),
        }
    }
}
