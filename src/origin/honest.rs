//! What `--honest` adds: Cache-Control, Vary, `ETag` and Last-Modified that say what each answer depends on, and the
//! conditional answers that follow from them (RFC 9110 section 13, RFC 9111 section 5.2).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::SystemTime;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};

use super::answer::{Answer, Level, Refusal, Stated, Tag};
use super::clock::unix_seconds;
use super::world::World;

/// What of a request a conditional answer depends on.
#[derive(Debug)]
pub(super) struct Asked {
    method: Method,
    fields: HeaderMap,
}

enum Condition {
    Holds,
    NotModified,
    Failed,
}

impl Asked {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        Self { method: request.method().clone(), fields: request.headers().clone() }
    }

    fn is_safe(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// Adds the truth about caching to a response, or turns it into the conditional answer that the request allows.
pub(super) fn complete(
    asked: &Asked,
    stated: Option<Stated>,
    now: SystemTime,
    mut response: Response,
) -> Response {
    let stated = stated.unwrap_or(Stated { level: Level::Changing, modified: None, tag: None });
    let fields = response.headers_mut();
    if let Some(named) = nominated(stated.level) {
        fields.insert(VARY, HeaderValue::from_static(named));
    }
    let shown = asked.is_safe() && response.status() == StatusCode::OK;
    let control = if shown {
        control_of_success(stated.level)
    } else {
        control_of_the_rest(stated.level, asked, response.status())
    };
    // What a system says by itself it knows better.
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(control));
    // A validator is of use only where somebody may keep what it validates.
    if !shown || stated.level >= Level::Session {
        return response;
    }
    let tag = stated.tag.map(|tag| entity_tag(&tag));
    // Until its second is over something may change again under the same date, and a date from the future is none.
    let modified = stated.modified.filter(|when| unix_seconds(*when) < unix_seconds(now));
    if let Some(value) = tag.as_deref().and_then(|tag| HeaderValue::from_str(tag).ok()) {
        response.headers_mut().insert(ETAG, value);
    }
    if let Some(value) = modified.and_then(|when| HeaderValue::from_str(&httpdate::fmt_http_date(when)).ok())
    {
        response.headers_mut().insert(LAST_MODIFIED, value);
    }
    match evaluate(&asked.fields, tag.as_deref(), modified) {
        Condition::Holds => response,
        Condition::NotModified => not_modified(response),
        Condition::Failed => failed(asked),
    }
}

/// Whether the preconditions of a request that would change what is there hold; an origin that gives no validators has none
/// to compare, and permits everything. The caller keeps `current` from changing until it has made its own change.
pub(super) fn permit(world: &World, fields: &HeaderMap, current: Option<&Answer>) -> Result<(), Refusal> {
    if !world.honest {
        return Ok(());
    }
    let (tag, modified) = current.map(Answer::validators).unwrap_or_default();
    let tag = tag.map(|tag| entity_tag(&tag));
    let holds = match any_matches(fields, &IF_MATCH, tag.as_deref(), strongly) {
        Some(matched) => matched && current.is_some(),
        None => date(fields, &IF_UNMODIFIED_SINCE)
            .is_none_or(|since| modified.is_none_or(|when| unix_seconds(when) <= unix_seconds(since))),
    };
    let rules_out =
        any_matches(fields, &IF_NONE_MATCH, tag.as_deref(), weakly) == Some(true) && current.is_some();
    if holds && !rules_out { Ok(()) } else { Err(precondition_failed()) }
}

fn nominated(level: Level) -> Option<&'static str> {
    match level {
        Level::Permanent | Level::Changing | Level::Random => None,
        Level::User => Some("Authorization"),
        Level::Session => Some("Cookie"),
    }
}

fn control_of_success(level: Level) -> &'static str {
    match level {
        Level::Permanent => "public, max-age=31536000, immutable",
        Level::Changing => "public, max-age=10",
        Level::User => "private, max-age=10",
        Level::Session => "private, no-store",
        Level::Random => "no-store",
    }
}

/// Errors, and answers to unsafe methods. Only "not here" and "gone" are worth remembering, and those not for long:
/// a year may close and a product may be put back.
fn control_of_the_rest(level: Level, asked: &Asked, status: StatusCode) -> &'static str {
    let absent = status == StatusCode::NOT_FOUND || status == StatusCode::GONE;
    match level {
        Level::Permanent | Level::Changing if asked.is_safe() && absent => "public, max-age=5",
        Level::Permanent | Level::Changing | Level::Random => "no-store",
        Level::User | Level::Session => "private, no-store",
    }
}

/// A strong entity tag: the same content has the same tag in every instance of one build.
fn entity_tag(tag: &Tag) -> String {
    match tag {
        Tag::Content(bytes) => {
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            format!("\"{:016x}\"", hasher.finish())
        }
        Tag::Name(name) => format!("\"{name}\""),
    }
}

/// The order of evaluation of RFC 9110 section 13.2.2, for a GET or HEAD of something that is there.
fn evaluate(fields: &HeaderMap, tag: Option<&str>, modified: Option<SystemTime>) -> Condition {
    if let Some(matched) = any_matches(fields, &IF_MATCH, tag, strongly) {
        if !matched {
            return Condition::Failed;
        }
    } else if let (Some(since), Some(modified)) = (date(fields, &IF_UNMODIFIED_SINCE), modified)
        && unix_seconds(modified) > unix_seconds(since)
    {
        return Condition::Failed;
    }
    if let Some(matched) = any_matches(fields, &IF_NONE_MATCH, tag, weakly) {
        if matched {
            return Condition::NotModified;
        }
    } else if let (Some(since), Some(modified)) = (date(fields, &IF_MODIFIED_SINCE), modified)
        && unix_seconds(modified) <= unix_seconds(since)
    {
        return Condition::NotModified;
    }
    Condition::Holds
}

/// Whether a member of the list field is `*` or matches the tag; `None` if the request has no such field.
fn any_matches(
    fields: &HeaderMap,
    name: &HeaderName,
    tag: Option<&str>,
    same: fn(&str, &str) -> bool,
) -> Option<bool> {
    if !fields.contains_key(name) {
        return None;
    }
    let lines = fields.get_all(name).iter().filter_map(|line| line.to_str().ok());
    // The origin's own tags hold no comma, so a split at commas can break apart only tags that match none of them.
    let mut members = lines.flat_map(|line| line.split(',')).map(str::trim);
    Some(members.any(|member| member == "*" || tag.is_some_and(|tag| same(member, tag))))
}

fn strongly(member: &str, tag: &str) -> bool {
    member == tag
}

fn weakly(member: &str, tag: &str) -> bool {
    member.strip_prefix("W/").unwrap_or(member) == tag
}

fn date(fields: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(fields.get(name)?.to_str().ok()?).ok()
}

fn not_modified(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_LENGTH);
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

fn failed(asked: &Asked) -> Response {
    let mut response = precondition_failed().into_response();
    response.extensions_mut().remove::<Stated>();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if asked.method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

fn precondition_failed() -> Refusal {
    let message = "what is here now is not what the conditions of the request ask for";
    Refusal::new(StatusCode::PRECONDITION_FAILED, message)
}
