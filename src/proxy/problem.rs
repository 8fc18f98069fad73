//! Every error that the proxy itself makes, as a response (RFC 9457). What the client reads is here and never holds an
//! internal detail; what the log reads is written where the error happens.

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use serde_json::json;

use super::Body;
use crate::{key::TargetError, store::HeadBlock, upstream::UpstreamError, wire::Violation};

/// Why a request has no answer of the origin or the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The target of the request cannot be understood.
    Target(TargetError),
    /// The request has no Host, or more than one.
    Host,
    /// The message broke a rule of the wire.
    Refused(Violation),
    /// There is no room for another connection.
    Busy,
    /// The target is not a resource: CONNECT, or `*`.
    NotAResource,
    /// The request's content broke off.
    Content,
    /// The request's content stood still, or came too slowly.
    ContentTooSlow,
    /// Nothing stored may be used, and the request forbids to ask the origin (RFC 9111 section 5.2.1.7).
    OnlyIfCached,
    /// No connection to the origin, or what came back is not HTTP.
    OriginUnreachable,
    /// The origin's answer makes no sense.
    OriginNonsense,
    /// The origin did not answer in time.
    OriginTimeout,
    /// Too much is asked of the origin already.
    Overloaded,
    /// A fault of the proxy.
    Internal,
}

impl Problem {
    /// One of each kind, but for refused messages, which are called as the rules that they break.
    pub const ALL: [Self; 13] = [
        Self::Target(TargetError::TooLong),
        Self::Target(TargetError::HostMissing),
        Self::Host,
        Self::Content,
        Self::ContentTooSlow,
        Self::Busy,
        Self::NotAResource,
        Self::OnlyIfCached,
        Self::OriginUnreachable,
        Self::OriginNonsense,
        Self::OriginTimeout,
        Self::Overloaded,
        Self::Internal,
    ];

    /// The status of the response.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Target(TargetError::TooLong) => StatusCode::URI_TOO_LONG,
            Self::Target(_) | Self::Host | Self::Content => StatusCode::BAD_REQUEST,
            Self::ContentTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused(violation) => violation.rule().status,
            Self::NotAResource => StatusCode::NOT_IMPLEMENTED,
            Self::OnlyIfCached | Self::OriginTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::OriginUnreachable | Self::OriginNonsense => StatusCode::BAD_GATEWAY,
            Self::Busy | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable name, as the last part of `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target(TargetError::TooLong) => "target-too-long",
            Self::Target(_) => "bad-target",
            Self::Host => "bad-host",
            Self::Refused(violation) => violation.name(),
            Self::Busy => "busy",
            Self::NotAResource => "not-a-resource",
            Self::Content => "bad-content",
            Self::ContentTooSlow => "content-too-slow",
            Self::OnlyIfCached => "only-if-cached",
            Self::OriginUnreachable => "origin-unreachable",
            Self::OriginNonsense => "origin-nonsense",
            Self::OriginTimeout => "origin-timeout",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Target(TargetError::TooLong) => "The target of the request is too long",
            Self::Target(_) => "The target of the request cannot be understood",
            Self::Host => "The request must have exactly one Host field",
            Self::Refused(violation) => violation.rule().meaning,
            Self::Busy => "There are too many connections",
            Self::NotAResource => "The target of the request is not a resource",
            Self::Content => "The content of the request did not arrive",
            Self::ContentTooSlow => "The content of the request was not there in time",
            Self::OnlyIfCached => "Nothing stored may be used, and the request forbids to ask the origin",
            Self::OriginUnreachable => "The origin cannot be reached",
            Self::OriginNonsense => "The origin's answer cannot be understood",
            Self::OriginTimeout => "The origin did not answer in time",
            Self::Overloaded => "Too many requests wait for the origin",
            Self::Internal => "The proxy failed",
        }
    }

    /// The response.
    pub fn into_response(self) -> Response<Body> {
        self.as_response().map(Body::from_bytes)
    }

    /// The response as it is written, to a connection that ends with it.
    pub(super) fn into_last_words(self) -> Vec<u8> {
        let (mut head, content) = self.as_response().into_parts();
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
        let status = format!("HTTP/1.1 {}\r\nconnection: close\r\n", head.status);
        let fields = HeadBlock::from_fields(&head.headers);
        [status.as_bytes(), fields.as_bytes(), b"\r\n", &content].concat()
    }

    fn as_response(self) -> Response<Bytes> {
        let detail = match self {
            Self::Target(error) => Some(error.as_str()),
            _ => None,
        };
        let mut response = problem_response(self.status(), self.name(), self.title(), detail);
        if matches!(self, Self::Busy | Self::Overloaded) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The content type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// How every problem looks, those of the admin place too: a stable name, what it means, and what there is to say about this
/// one.
pub fn problem_response(
    status: StatusCode,
    name: &str,
    title: &str,
    detail: Option<&str>,
) -> Response<Bytes> {
    let mut document = json!({
        "type": format!("urn:plimsoll:problem:{name}"),
        "title": title,
        "status": status.as_u16(),
    });
    if let (Some(detail), Some(members)) = (detail, document.as_object_mut()) {
        members.insert("detail".to_owned(), detail.into());
    }
    let mut response = Response::new(Bytes::from(document.to_string()));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl From<TargetError> for Problem {
    fn from(error: TargetError) -> Self {
        Self::Target(error)
    }
}

impl From<UpstreamError> for Problem {
    fn from(error: UpstreamError) -> Self {
        let problem = match error {
            // There are many of these at a time, and each is counted where it happened.
            UpstreamError::Overload(_) => return Self::Overloaded,
            UpstreamError::Timeout => Self::OriginTimeout,
            UpstreamError::Connect(_) | UpstreamError::Exchange(_) | UpstreamError::ServerError(_) => {
                Self::OriginUnreachable
            }
            UpstreamError::Fault(_) | UpstreamError::Nonsense(_) => Self::OriginNonsense,
            UpstreamError::ClientBody => Self::Content,
            UpstreamError::ClientTooSlow(_) => Self::ContentTooSlow,
        };
        tracing::warn!(problem = problem.name(), %error, "no answer from the origin");
        problem
    }
}
