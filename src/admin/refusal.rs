//! Everything that the admin place refuses, as a problem (RFC 9457). Unlike a client of the proxy, who asks here is told how to
//! do better.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONNECTION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use utoipa::ToSchema;

use crate::proxy::problem_response;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no Host, or more than one, or it is none.
    Host,
    /// The Host is a name that anybody could let lead here (DNS rebinding).
    ForeignHost,
    /// A browser says that a page of somebody else is behind the request.
    CrossOrigin,
    /// The token is not there, or is not the one.
    Token,
    /// Nothing has this path.
    NoSuchResource,
    /// What has this path does not have this method.
    Method,
    /// The content is not said to be JSON. That browsers send nothing else without asking first is part of the guard.
    ContentType,
    /// The content is too large.
    ContentTooLarge,
    /// The content was not there in time.
    ContentTooSlow,
    /// The content is not a document that this resource takes.
    Document,
    /// A parameter of the query is wrong, or there is none of its name.
    Parameter,
    /// As many follow the events as may.
    TooManyFollowers,
    /// The proxy would refuse the request that is to be explained.
    Explained,
}

impl Refused {
    /// Every refusal.
    pub const ALL: [Self; 13] = [
        Self::Host,
        Self::ForeignHost,
        Self::CrossOrigin,
        Self::Token,
        Self::NoSuchResource,
        Self::Method,
        Self::ContentType,
        Self::ContentTooLarge,
        Self::ContentTooSlow,
        Self::Document,
        Self::Parameter,
        Self::TooManyFollowers,
        Self::Explained,
    ];

    /// The status of the answer.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Document | Self::Parameter => StatusCode::BAD_REQUEST,
            Self::Explained => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::CrossOrigin => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::NoSuchResource => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ContentTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooManyFollowers => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable name, as the last part of `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "bad-host",
            Self::ForeignHost => "foreign-host",
            Self::CrossOrigin => "cross-origin",
            Self::Token => "token-needed",
            Self::NoSuchResource => "no-such-resource",
            Self::Method => "method-not-allowed",
            Self::ContentType => "not-json",
            Self::ContentTooLarge => "content-too-large",
            Self::ContentTooSlow => "content-too-slow",
            Self::Document => "bad-document",
            Self::Parameter => "bad-parameter",
            Self::TooManyFollowers => "too-many-followers",
            Self::Explained => "would-be-refused",
        }
    }

    /// What it means.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Host => "The request must have exactly one Host field",
            Self::ForeignHost => "Without a token only an IP address or localhost is answered as Host",
            Self::CrossOrigin => "A page of another origin sent the request",
            Self::Token => "The request does not show the token",
            Self::NoSuchResource => "There is no such resource",
            Self::Method => "The resource does not have this method",
            Self::ContentType => "The content has to be application/json",
            Self::ContentTooLarge => "The content is too large",
            Self::ContentTooSlow => "The content of the request was not there in time",
            Self::Document => "The content is not a document that the resource takes",
            Self::Parameter => "A parameter cannot be understood",
            Self::TooManyFollowers => "As many follow the events as may",
            Self::Explained => "The proxy would refuse this request",
        }
    }
}

/// A refusal, with what there is to say about this one.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) refused: Refused,
    pub(super) detail: Option<String>,
}

impl Refusal {
    pub(super) fn new(refused: Refused, detail: impl Into<String>) -> Self {
        Self { refused, detail: Some(detail.into()) }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        Self { refused, detail: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { refused, detail } = self;
        let (status, name, title) = (refused.status(), refused.name(), refused.title());
        let mut response = problem_response(status, name, title, detail.as_deref()).map(Body::from);
        let fields = response.headers_mut();
        match refused {
            Refused::Token => {
                let challenge = HeaderValue::from_static("Bearer realm=\"plimsoll admin\"");
                fields.insert(WWW_AUTHENTICATE, challenge);
            }
            // What is left of the content is not worth reading.
            Refused::ContentTooLarge | Refused::ContentTooSlow => {
                fields.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// A problem (RFC 9457): why there is no other answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "`proxy` writes problems; this is how they are described")]
pub(super) struct Problem {
    /// The stable name: `urn:plimsoll:problem:` and what follows.
    #[schema(examples("urn:plimsoll:problem:token-needed"))]
    r#type: String,
    /// What it means.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What there is to say about this one.
    #[schema(nullable = false)]
    detail: Option<String>,
}
