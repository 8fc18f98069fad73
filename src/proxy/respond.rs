//! From a decision to the response that the client gets: status, fields, the part of the content that was asked for,
//! and Cache-Status.

use std::{ops::Range, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCEPT_RANGES, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, DATE, LAST_MODIFIED, VARY, VIA,
    },
};

use super::{
    Body, Proxy, Ready, ReadyHead, Reply, exchange::Exchange, fill::Filling, forward, head,
    multipart::Ranges, trailers::Announced,
};
use crate::{
    decision::{Reason, Stored, is_endless},
    level::Level,
    semantics::{
        Now,
        cache_status::{CACHE_STATUS, CacheStatus, Fwd, Handling},
        fields::remove_digests,
        freshness::{FreshnessLifetime, Remaining},
        methods,
        multipart::Multipart,
        partial::Extent,
        range::{Selection, asks_for_a_part},
        validation::{client_copy_is_current, is_conditional},
    },
    store::{Entry, HeadBlock, StoredBody, WHOLE},
    upstream::Content,
};

/// Room for Age and Cache-Status with names of the usual lengths, in bytes.
pub(super) const USUAL_OWN_LINES: usize = 128;

/// What was decided about a request, for Cache-Status and the sinks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) handling: Handling,
    pub(super) level: Option<Level>,
    pub(super) reason: Option<Reason>,
}

impl Outcome {
    pub(super) fn of(handling: Handling, level: Option<Level>, reason: Option<Reason>) -> Self {
        let by_method = matches!(handling, Handling::Forwarded { why: Fwd::Method, .. });
        Self { handling, level: level.filter(|_| !by_method), reason }
    }
}

/// Which part of a stored response answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The client's own copy is still good: 304.
    NotModified,
    /// Content, all or some of it.
    Content(Selection),
    /// A part of the representation, as the origin sent it: 206.
    AsReceived,
}

/// Which part of a response answers a request (RFC 9110 section 13.2.2). `length` is that of its whole content, where
/// it is known: a range of a length that is not known yet is ignored.
pub(super) fn part(
    method: &Method,
    request: &HeaderMap,
    stored: &Stored,
    length: Option<u64>,
    now: Now,
) -> Part {
    if stored.status != StatusCode::OK || !methods::is_cacheable(method) {
        return Part::Content(Selection::Whole);
    }
    if is_conditional(request)
        && client_copy_is_current(request, stored.tag.as_ref(), || stored.modified(), now.wall)
    {
        return Part::NotModified;
    }
    Part::Content(match length {
        Some(length) if *method == Method::GET && asks_for_a_part(request) => {
            stored.select(request, length, now)
        }
        _ => Selection::Whole,
    })
}

impl Part {
    /// The bytes of the content that answer.
    pub(super) fn range(&self) -> Range<u64> {
        match self {
            Self::Content(Selection::Part(range)) => range.clone(),
            Self::NotModified | Self::Content(_) | Self::AsReceived => WHOLE,
        }
    }

    /// The status of the answer.
    pub(super) const fn status(&self, stored: &Stored) -> StatusCode {
        match self {
            Self::NotModified => StatusCode::NOT_MODIFIED,
            Self::Content(Selection::Whole) => stored.status,
            Self::Content(Selection::Part(_) | Selection::Parts(_)) | Self::AsReceived => {
                StatusCode::PARTIAL_CONTENT
            }
            Self::Content(Selection::Unsatisfiable) => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }
}

/// Which part of an answer that is being received and stored the client that asked for it gets, where the content of the
/// answer is this much of the representation.
pub(super) fn own_part(
    method: &Method,
    request: &HeaderMap,
    stored: &Stored,
    received: Extent,
    length: Option<u64>,
    now: Now,
) -> Part {
    match received {
        Extent::Whole => match part(method, request, stored, length, now) {
            // The content is read once, from its beginning to its end.
            Part::Content(Selection::Parts(_)) => Part::Content(Selection::Whole),
            part => part,
        },
        Extent::Part(_) => Part::AsReceived,
    }
}

/// The status that the client that asked gets of an answer that is stored. Where it is not the origin's, Cache-Status
/// tells that (RFC 9211 section 2.4).
pub fn own_status(
    method: &Method,
    request: &HeaderMap,
    stored: &Stored,
    length: Option<u64>,
    now: Now,
) -> StatusCode {
    own_part(method, request, stored, stored.extent(), length, now).status(stored)
}

impl Proxy {
    /// The response from the store.
    pub(super) fn respond_stored(
        &self,
        exchange: &Exchange,
        entry: &Arc<Entry<Stored>>,
        outcome: Outcome,
        now: Now,
    ) -> Reply {
        let (body, extent) = (entry.body(), entry.meta().extent());
        let length = extent.complete(body.len());
        let method = &exchange.parts.method;
        let part = part(method, exchange.fields(), entry.meta(), Some(length), now);
        if extent == Extent::Whole && is_all(method, &part, entry.meta()) {
            return self.respond_whole(exchange, entry, outcome, now);
        }
        let mut in_parts = None;
        let content = match &part {
            Part::NotModified | Part::Content(Selection::Unsatisfiable) => Body::empty(),
            Part::Content(Selection::Parts(ranges)) => {
                let multipart = multipart(ranges, length, &entry.head());
                let length = multipart.content_length();
                in_parts = multipart.content_type().map(|content_type| (content_type, length));
                Body::ranges(Ranges::new(multipart, body.clone(), extent.start()))
            }
            Part::Content(Selection::Whole) | Part::AsReceived => Body::stored(body.chunks(0..length)),
            Part::Content(Selection::Part(range)) => {
                let start = extent.start();
                Body::stored(body.chunks(range.start - start..range.end - start))
            }
        };
        let mut response =
            Self::assemble(exchange, &entry.head(), entry.meta(), &part, Some(length), content);
        if let Some((content_type, content_length)) = in_parts {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response.headers_mut().insert(CONTENT_LENGTH, number(content_length));
        }
        state_age(&mut response, entry.meta(), outcome.handling, now);
        self.finish(exchange, response, outcome).into()
    }

    /// The response from the store as most clients get it: all of it, under its head as it is stored.
    fn respond_whole(
        &self,
        exchange: &Exchange,
        entry: &Arc<Entry<Stored>>,
        outcome: Outcome,
        now: Now,
    ) -> Reply {
        let body = entry.body();
        self.count_hit(entry, &body);
        self.respond_ready(exchange, (entry.head(), entry.meta(), body), outcome, now)
    }

    /// The response of this head and content, all of it.
    fn respond_ready(
        &self,
        exchange: &Exchange,
        (head, stored, body): (HeadBlock, &Stored, StoredBody),
        outcome: Outcome,
        now: Now,
    ) -> Reply {
        let mut own = String::with_capacity(USUAL_OWN_LINES);
        if let Some(age) = stated_age(stored, outcome.handling, now) {
            own.extend(["age: ", itoa::Buffer::new().format(age), "\r\n"]);
        }
        self.write_cache_status(exchange, outcome, &mut own);
        let head = ReadyHead::new(head, own);
        let account = self.tell(exchange, StatusCode::OK, outcome);
        Reply::Ready(Box::new(Ready::new(head, body.into_chunks(), account)))
    }

    /// The response that is being received and stored.
    pub(super) fn respond_filling(&self, exchange: &Exchange, filling: Filling, outcome: Outcome) -> Reply {
        let Filling { stored, head, part, length, announced, follower, .. } = filling;
        let now = self.shared.clock.now();
        // Small content is whole by now: it came with its head.
        if is_all(&exchange.parts.method, &part, &stored)
            && (announced.is_none() || length.is_some())
            && let Some(body) = follower.whole()
        {
            return self.respond_ready(exchange, (head, &stored, body), outcome, now);
        }
        let content = match &part {
            Part::NotModified | Part::Content(Selection::Unsatisfiable) => Body::empty(),
            Part::Content(Selection::Whole | Selection::Parts(_)) | Part::AsReceived => {
                Body::filling(follower, length)
            }
            Part::Content(Selection::Part(range)) => Body::filling(follower, Some(range.end - range.start)),
        };
        let mut response = Self::assemble(exchange, &head, &stored, &part, length, content);
        if let Some(announced) = announced.filter(|_| length.is_none()) {
            announced.tell(exchange.fields(), response.headers_mut());
        }
        state_age(&mut response, &stored, outcome.handling, now);
        self.finish(exchange, response, outcome).into()
    }

    /// An answer of the origin that is passed on as it comes.
    pub(super) fn respond_passed(
        &self,
        exchange: &Exchange,
        response: Response<Content>,
        outcome: Outcome,
    ) -> Response<Body> {
        let announced = Announced::by(&response);
        let (parts, content) = response.into_parts();
        let content = self.read_ahead(content, is_endless(&parts.headers));
        let mut response = Response::from_parts(parts, content);
        let version = std::mem::take(response.version_mut());
        let fields = response.headers_mut();
        if let Some(announced) = announced {
            announced.tell(exchange.fields(), fields);
        }
        forward::passed_fields(fields, version, || self.shared.clock.now().wall);
        if !fields.contains_key(CACHE_CONTROL)
            && let Some(value) = Self::stated_for(exchange)
        {
            fields.insert(CACHE_CONTROL, value);
        }
        self.finish(exchange, response, outcome)
    }

    /// The Cache-Control of an answer that is passed on without one, where the route has it stated.
    pub(super) fn stated_for(exchange: &Exchange) -> Option<HeaderValue> {
        let route = &exchange.route;
        let is_unshared = route.level().is_some_and(|level| !level.is_shared());
        if route.declare && is_unshared { head::declared_cache_control(route, head::UNSTORED) } else { None }
    }

    fn assemble(
        exchange: &Exchange,
        head: &HeadBlock,
        stored: &Stored,
        part: &Part,
        length: Option<u64>,
        content: Body,
    ) -> Response<Body> {
        let without_content = exchange.parts.method == Method::HEAD;
        let mut response = Response::new(if without_content { Body::empty() } else { content });
        *response.status_mut() = part.status(stored);
        let fields = response.headers_mut();
        fields.reserve(head.count() + 3);
        for (name, value) in head.fields() {
            let goes = match part {
                Part::NotModified => goes_with_not_modified(&name, stored),
                Part::Content(Selection::Unsatisfiable) => BESIDE_CONTENT.contains(&name),
                Part::Content(_) | Part::AsReceived => true,
            };
            if goes {
                fields.append(name, value);
            }
        }
        match part {
            Part::Content(Selection::Part(_) | Selection::Parts(_)) => remove_digests(fields),
            // It is about this request's range, and no cache must have it for another's.
            Part::Content(Selection::Unsatisfiable) => {
                fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            Part::NotModified | Part::Content(Selection::Whole) | Part::AsReceived => {}
        }
        match (part, length) {
            // The engine states the length of content that it is given whole.
            (Part::Content(Selection::Whole), Some(_)) if !without_content => {}
            (Part::Content(selection), Some(length)) => {
                state_length(fields, stored.status, selection, length);
            }
            (Part::AsReceived, Some(length)) => {
                fields.insert(CONTENT_LENGTH, number(length));
            }
            (Part::NotModified, _) | (_, None) => {}
        }
        response
    }

    /// Adds Cache-Status, and tells the sinks.
    fn finish(&self, exchange: &Exchange, mut response: Response<Body>, outcome: Outcome) -> Response<Body> {
        if let Some(status) = self.cache_status(exchange, outcome) {
            response.headers_mut().append(&CACHE_STATUS, status.to_value());
        }
        response.body_mut().account = Some(self.tell(exchange, response.status(), outcome));
        response
    }

    /// Writes the line of Cache-Status, unless the operator has it off.
    pub(super) fn write_cache_status(&self, exchange: &Exchange, outcome: Outcome, to: &mut String) {
        if let Some(status) = self.cache_status(exchange, outcome) {
            to.push_str("cache-status: ");
            status.write(to);
            to.push_str("\r\n");
        }
    }

    /// Cache-Status, unless the operator has it off.
    fn cache_status<'a>(&self, exchange: &'a Exchange, outcome: Outcome) -> Option<CacheStatus<'a>> {
        let Outcome { handling, level, reason } = outcome;
        let route = exchange.route.name.as_str();
        let status = CacheStatus { handling, level, route, detail: reason.map(Reason::name) };
        self.shared.settings.cache_status.then_some(status)
    }
}

/// Whether this part of a response is what is sent most: all the content of a 200.
fn is_all(method: &Method, part: &Part, stored: &Stored) -> bool {
    *method == Method::GET && *part == Part::Content(Selection::Whole) && stored.status == StatusCode::OK
}

/// The text between these ranges of what has this head.
fn multipart(ranges: &[Range<u64>], length: u64, head: &HeadBlock) -> Multipart {
    let content_type = head.fields().find(|(name, _)| *name == CONTENT_TYPE).map(|(_, value)| value);
    Multipart::new(ranges, length, content_type.as_ref(), fastrand::u128(..))
}

/// What says something about content that is not there.
static ABOUT_CONTENT: [HeaderName; 4] = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE];

/// What a 304 carries: all that a client's stored copy may need, and nothing about content (RFC 9110 section 15.4.5).
fn goes_with_not_modified(name: &HeaderName, stored: &Stored) -> bool {
    !ABOUT_CONTENT.contains(name) && (*name != LAST_MODIFIED || stored.tag.is_none())
}

/// What a 416 of the proxy's own has of the stored head: nothing that is about the content, or lets it be stored.
static BESIDE_CONTENT: [HeaderName; 4] = [ACCEPT_RANGES, DATE, VARY, VIA];

/// A number as a field value, in one exact allocation: the library's own conversion takes two larger ones.
fn number(number: u64) -> HeaderValue {
    HeaderValue::from_str(itoa::Buffer::new().format(number)).unwrap_or_else(|_| HeaderValue::from(number))
}

fn state_length(fields: &mut HeaderMap, status: StatusCode, selection: &Selection, length: u64) {
    if status == StatusCode::NO_CONTENT {
        return;
    }
    if let Some(range) = selection.content_range(length) {
        fields.insert(CONTENT_RANGE, range);
    }
    let length = match selection {
        Selection::Whole => length,
        Selection::Part(part) => part.end - part.start,
        // The text between the parts counts too.
        Selection::Parts(_) => return,
        Selection::Unsatisfiable => 0,
    };
    fields.insert(CONTENT_LENGTH, number(length));
}

/// Age on everything that comes from the store, and on a fresh answer that was already old when it came
/// (RFC 9111 section 5.1).
fn stated_age(stored: &Stored, handling: Handling, now: Now) -> Option<u64> {
    debug_assert!(
        !matches!((handling, stored.remaining(now)), (Handling::Hit { ttl: None }, Remaining::Stale(_)))
            || stored.times.lifetime() == FreshnessLifetime::Forever,
        "a hit without ttl never expires"
    );
    let age = stored.age(now).as_secs();
    (age > 0 || matches!(handling, Handling::Hit { .. })).then_some(age)
}

fn state_age(response: &mut Response<Body>, stored: &Stored, handling: Handling, now: Now) {
    if let Some(age) = stated_age(stored, handling, now) {
        response.headers_mut().insert(AGE, number(age));
    }
}
