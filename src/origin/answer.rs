//! What a system of the origin answers: a status, content, and what the answer depends on. Systems say the latter on
//! every answer and know nothing of caching; whether it is put into fields is decided in one place, `honest`.

use std::time::SystemTime;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// The highest input that an answer depends on, in the order of the article's five levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Explicit request state alone.
    Permanent,
    /// And time.
    Changing,
    /// And who asks, which the origin reads from Authorization.
    User,
    /// And the session, which the origin reads from Cookie.
    Session,
    /// And chance.
    Random,
}

/// What `honest` needs to know about an answer; it rides in the response's extensions.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) level: Level,
    pub(super) modified: Option<SystemTime>,
    pub(super) tag: Option<Tag>,
}

/// What tells one representation from another.
#[derive(Clone, Debug)]
pub(super) enum Tag {
    /// The content itself, to be hashed only if somebody wants to know.
    Content(Bytes),
    /// A name, for content that is never held whole.
    Name(String),
}

/// One answer, on its way to becoming a response.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    level: Level,
    modified: Option<SystemTime>,
    fields: HeaderMap,
    content: Content,
}

#[derive(Debug)]
enum Content {
    None,
    Whole { media: &'static str, bytes: Bytes },
    Stream { media: &'static str, body: Body, tag: String },
}

/// An answer that ends a handler early. Boxed, so that the `Result` of a handler stays small.
#[derive(Debug)]
pub(super) struct Refusal(Box<Answer>);

/// What every handler returns.
pub(super) type Outcome = Result<Answer, Refusal>;

/// Says what an outcome depends on, whichever it is: a refusal gives away as much about who asked as an answer does.
pub(super) fn at(level: Level, outcome: Outcome) -> Outcome {
    outcome.map(|answer| answer.at(level)).map_err(|refusal| refusal.at(level))
}

impl Answer {
    fn new(status: StatusCode, content: Content) -> Self {
        Self { status, level: Level::Changing, modified: None, fields: HeaderMap::new(), content }
    }

    /// 200 with JSON.
    pub(super) fn json(value: &Value) -> Self {
        Self::whole("application/json", value.to_string())
    }

    /// 200 with content of the given media type.
    pub(super) fn whole(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, Content::Whole { media, bytes: bytes.into() })
    }

    /// 200 with content that is made while it is sent; `tag` names it.
    pub(super) fn stream(media: &'static str, body: Body, tag: String) -> Self {
        Self::new(StatusCode::OK, Content::Stream { media, body, tag })
    }

    /// A status with no content.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self::new(status, Content::None)
    }

    /// The same answer under another status.
    pub(super) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Says what the answer depends on. Without a word it is [`Level::Changing`].
    pub(super) fn at(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Says when what the answer shows last changed.
    pub(super) fn modified(mut self, when: SystemTime) -> Self {
        self.modified = Some(when);
        self
    }

    /// What tells this representation from others: its tag, and when it last changed.
    pub(super) fn validators(&self) -> (Option<Tag>, Option<SystemTime>) {
        let tag = match &self.content {
            Content::None => None,
            Content::Whole { bytes, .. } => Some(Tag::Content(bytes.clone())),
            Content::Stream { tag, .. } => Some(Tag::Name(tag.clone())),
        };
        (tag, self.modified)
    }

    /// Adds a field. A value that no field can hold is left out: every caller passes text of the origin's own.
    pub(super) fn field(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.fields.insert(name, value);
        }
        self
    }
}

impl Refusal {
    /// An error: its message is for the client.
    pub(super) fn new(status: StatusCode, message: &str) -> Self {
        Answer::json(&json!({ "error": message })).status(status).into()
    }

    /// An error that shows where to go instead.
    pub(super) fn with_links(status: StatusCode, message: &str, links: &Value) -> Self {
        Answer::json(&json!({ "error": message, "links": links })).status(status).into()
    }

    /// 404 for a path that names nothing here, with the way to what exists.
    pub(super) fn no_such_resource() -> Self {
        Self::with_links(
            StatusCode::NOT_FOUND,
            "there is nothing here; the home page lists what exists",
            &json!({ "home": "/" }),
        )
    }

    /// 405 with the methods that are allowed (a field value such as `GET, HEAD`).
    pub(super) fn not_allowed(allow: &'static str) -> Self {
        Self::method_not_answered().map(|answer| answer.field(ALLOW, allow))
    }

    /// 405 where the router adds Allow.
    pub(super) fn method_not_answered() -> Self {
        Self::with_links(
            StatusCode::METHOD_NOT_ALLOWED,
            "this resource does not answer this method; see the Allow field",
            &json!({ "home": "/" }),
        )
    }

    /// 401 with the challenge that RFC 9110 section 15.5.2 asks for.
    pub(super) fn unauthorized(challenge: &'static str, message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message).map(|answer| answer.field(WWW_AUTHENTICATE, challenge))
    }

    /// Says what the refusal depends on.
    pub(super) fn at(self, level: Level) -> Self {
        self.map(|answer| answer.at(level))
    }

    fn map(self, change: impl FnOnce(Answer) -> Answer) -> Self {
        change(*self.0).into()
    }
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self(Box::new(answer))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let (tag, modified) = self.validators();
        let (media, body) = match self.content {
            Content::None => (None, Body::empty()),
            Content::Whole { media, bytes } => (Some(media), Body::from(bytes)),
            Content::Stream { media, body, .. } => (Some(media), body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.fields;
        if let Some(media) = media {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
        }
        response.extensions_mut().insert(Stated { level: self.level, modified, tag });
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
