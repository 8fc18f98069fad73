//! What an operator declares to be explicit state of a route, besides method, scheme, authority and path.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, USER_AGENT},
};

use super::{fields, percent};

/// The query parameters and fields that a route's answers depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateSpec {
    /// Names of query parameters, in canonical percent-encoding, sorted and without repeats.
    pub query: Vec<String>,
    /// Request fields, sorted by name and without repeats.
    pub fields: Vec<FieldSpec>,
}

/// One request field that is explicit state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// The field.
    pub name: HeaderName,
    /// The values that the origin knows, most preferred first: the request's best match by q-value is the key, and
    /// the first one where nothing matches. Empty: the field's canonical value is the key.
    pub choose: Vec<String>,
}

/// What cannot be declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// No query parameter can have this name: it holds a separator or an invalid percent-encoding.
    QueryName(String),
    /// The field is declared twice.
    RepeatedField(HeaderName),
    /// The field is the proxy's own to send (see [`is_proxy_field`]).
    ProxyField(HeaderName),
    /// A field cannot have this value, or it has white space around it.
    Choice(HeaderName, String),
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::QueryName(name) => write!(f, "{name:?} cannot be the name of a query parameter"),
            Self::RepeatedField(name) => write!(f, "{name} is declared twice"),
            Self::ProxyField(name) => write!(f, "{name} is sent by the proxy itself and cannot be declared"),
            Self::Choice(name, value) => write!(f, "{value:?} cannot be a value of {name}"),
        }
    }
}

impl std::error::Error for StateError {}

impl StateSpec {
    /// Brings declared names into their canonical form and order. Repeated query names count once.
    pub fn new(
        query: impl IntoIterator<Item = impl AsRef<str>>,
        fields: impl IntoIterator<Item = FieldSpec>,
    ) -> Result<Self, StateError> {
        let query = canonical_query_names(query)?;
        let mut fields: Vec<FieldSpec> = fields.into_iter().collect();
        fields.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        if let Some(pair) = fields.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(StateError::RepeatedField(pair[0].name.clone()));
        }
        for field in &fields {
            if is_proxy_field(&field.name) && field.name != USER_AGENT {
                return Err(StateError::ProxyField(field.name.clone()));
            }
            if let Some(choice) = field.choose.iter().find(|choice| !is_field_value(choice)) {
                return Err(StateError::Choice(field.name.clone(), choice.clone()));
            }
        }
        Ok(Self { query, fields })
    }
}

impl FieldSpec {
    /// A field whose canonical value is the key.
    pub const fn new(name: HeaderName) -> Self {
        Self { name, choose: Vec::new() }
    }

    /// What this field adds to the key of a request: the choice, or the canonical value. `None` where the field is
    /// absent and there is nothing to choose from.
    pub fn value<'a>(&'a self, request: &'a HeaderMap) -> Option<Cow<'a, [u8]>> {
        let lines = request.get_all(&self.name).iter();
        if self.choose.is_empty() {
            return fields::canonical_field(&self.name, lines);
        }
        fields::choose(&self.name, lines, &self.choose).map(|choice| Cow::Borrowed(choice.as_bytes()))
    }
}

/// Names of query parameters in canonical percent-encoding, sorted and without repeats, as `state.query` and
/// `with_query` hold them.
pub fn canonical_query_names(
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<String>, StateError> {
    let mut canonical = Vec::new();
    for name in names {
        let name = name.as_ref();
        let is_name = !name.is_empty() && !name.contains(['&', '=']);
        match percent::canonical(name, percent::Component::Query).filter(|_| is_name) {
            Some(name) => canonical.push(name.into_owned()),
            None => return Err(StateError::QueryName(name.to_owned())),
        }
    }
    canonical.sort();
    canonical.dedup();
    Ok(canonical)
}

/// Whether the proxy itself says what this field is in a hermetic request, or keeps it out: fields of the connection
/// and of framing, of validation and ranges, and those that the target, the codings and the content already give. They
/// can neither be declared (but for User-Agent) nor forwarded.
pub fn is_proxy_field(name: &HeaderName) -> bool {
    const NAMES: [HeaderName; 20] = [
        header::ACCEPT_ENCODING,
        header::CONNECTION,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::EXPECT,
        header::FORWARDED,
        header::HOST,
        header::IF_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::IF_RANGE,
        header::IF_UNMODIFIED_SINCE,
        header::RANGE,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::USER_AGENT,
        header::VIA,
    ];
    const OTHERS: [&str; 9] = [
        "http2-settings",
        "keep-alive",
        "proxy-connection",
        "traceparent",
        "tracestate",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
    ];
    NAMES.contains(name) || OTHERS.contains(&name.as_str())
}

fn is_field_value(text: &str) -> bool {
    !text.is_empty() && text.trim_ascii() == text && HeaderValue::from_str(text).is_ok()
}
