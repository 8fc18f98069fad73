//! How handlers read a request: a path segment, a number, one query parameter, content within bounds. Whatever a client
//! sends, the outcome is a value or says what was wrong.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::answer::Refusal;

/// No JSON that this API takes is longer.
const MAX_JSON: usize = 64 * 1024;
/// No form is.
const MAX_FORM: usize = 16 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// What was wrong with a request, said in no format yet: most systems make a [`Refusal`] of it, which is JSON.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Unreadable {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

impl From<Unreadable> for Refusal {
    fn from(wrong: Unreadable) -> Self {
        Self::new(wrong.status, &wrong.message)
    }
}

/// The one parameter of a path, percent-decoded.
#[derive(Debug)]
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let found: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        let Path(segment) = found
            .map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the path is not percent-encoded UTF-8"))?;
        Ok(Self(segment))
    }
}

/// A path segment that numbers a resource: digits alone and no leading zero, so that a resource has one name.
pub(super) fn number(segment: &str) -> Result<u32, Refusal> {
    let digits = segment.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && !segment.starts_with('0');
    let parsed = if canonical { segment.parse().ok() } else { None };
    parsed.ok_or_else(Refusal::no_such_resource)
}

/// Whether the text can be shown in one line: 1 to `most` characters, with no control characters or others that XML
/// cannot hold.
pub(super) fn is_line(text: &str, most: usize) -> bool {
    let shown = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    !text.trim().is_empty() && text.chars().count() <= most && text.chars().all(shown)
}

/// The parameters of a query or a form, decoded.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(uri: &Uri) -> Result<Self, Unreadable> {
        match Query::try_from_uri(uri) {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(_) => {
                Err(Unreadable::new(StatusCode::BAD_REQUEST, "the query is not a list of name=value pairs"))
            }
        }
    }

    /// The value of a parameter, if it is there. Twice is an error: which one is meant would be a guess.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Unreadable> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            let message = format!("the request says {name} more than once");
            return Err(Unreadable::new(StatusCode::BAD_REQUEST, message));
        }
        Ok(first)
    }
}

/// The content of a request, read as an HTML form sends it.
pub(super) async fn form(request: Request) -> Result<Parameters, Unreadable> {
    if media_type(request.headers()) != FORM {
        let message = format!("this resource takes a form: send Content-Type: {FORM}");
        return Err(Unreadable::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let mut within_bounds = Request::new(Body::from(content(request, MAX_FORM).await?));
    *within_bounds.method_mut() = Method::POST;
    within_bounds.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
    let Form(pairs) = Form::from_request(within_bounds, &()).await.map_err(|_| {
        Unreadable::new(StatusCode::BAD_REQUEST, "the content is not a list of name=value pairs")
    })?;
    Ok(Parameters(pairs))
}

/// The content of a request, read as a JSON object.
pub(super) async fn json<T: DeserializeOwned>(request: Request) -> Result<T, Unreadable> {
    let media = media_type(request.headers());
    if media != "application/json" && !media.ends_with("+json") {
        let message = "this resource takes JSON: send Content-Type: application/json";
        return Err(Unreadable::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let bytes = content(request, MAX_JSON).await?;
    // An object first: an array would pass for a structure, member by member.
    let object = serde_json::from_slice::<Map<String, Value>>(&bytes);
    object.and_then(|object| T::deserialize(Value::Object(object))).map_err(|error| {
        let message = format!("the content is not the JSON that this resource takes: {error}");
        Unreadable::new(StatusCode::BAD_REQUEST, message)
    })
}

/// The content of a request, of at most `limit` bytes.
pub(super) async fn content(request: Request, limit: usize) -> Result<Bytes, Unreadable> {
    let too_long = || {
        let message = format!("this resource takes at most {limit} bytes");
        Unreadable::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    match Limited::new(request.into_body(), limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_long()),
        Err(_) => Err(Unreadable::new(StatusCode::BAD_REQUEST, "the content of the request broke off")),
    }
}

/// The media type without its parameters, in lower case; empty if the request names none.
pub(super) fn media_type(fields: &HeaderMap) -> String {
    let value = fields.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
