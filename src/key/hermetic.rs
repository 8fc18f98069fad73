//! The hermetic request: what goes to the origin on a declared route, built from the cache key and from what the proxy
//! itself states, and never copied from the client's request. What is not in the key is not sent.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request,
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, FORWARDED, HOST, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, USER_AGENT, VIA,
    },
    uri::PathAndQuery,
};

use super::{CacheKey, Codings, KeyParts, spec::is_proxy_field, target::origin_form};

/// What the proxy adds to a hermetic request.
#[derive(Clone, Debug, Default)]
pub struct ProxyStatements<'a> {
    /// The Host to send where it is the origin's own. `None`: the authority in the key.
    pub host: Option<HeaderValue>,
    /// A fresh place in a trace. `None`: no traceparent is sent.
    pub trace: Option<TraceParent>,
    /// The entity tags of the stored responses that are validated.
    pub if_none_match: Option<HeaderValue>,
    /// The date of the stored response that is validated.
    pub if_modified_since: Option<HeaderValue>,
    /// The client's fields that the operator sends although they are not keyed. Those that the key or the proxy
    /// states are passed over.
    pub forward: &'a [(HeaderName, HeaderValue)],
}

/// A root of a trace (W3C Trace Context, section 3.2), from random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; not all zero.
    pub trace_id: [u8; 16],
    /// The request; not all zero.
    pub parent_id: [u8; 8],
    /// Whether the origin is asked to record the trace.
    pub sampled: bool,
}

impl TraceParent {
    /// The value of the traceparent field; `None` where an identifier is all zero, which is none.
    pub fn to_header_value(self) -> Option<HeaderValue> {
        if self.trace_id == [0; 16] || self.parent_id == [0; 8] {
            return None;
        }
        let (trace, parent) = (u128::from_be_bytes(self.trace_id), u64::from_be_bytes(self.parent_id));
        let mut text = String::with_capacity(55);
        // Writing to a string cannot fail.
        let _ = write!(text, "00-{trace:032x}-{parent:016x}-{:02x}", u8::from(self.sampled));
        HeaderValue::try_from(text).ok()
    }
}

/// The key holds what no request can carry. A key made from a [`Target`](super::Target), a checked
/// [`StateSpec`](super::StateSpec) and a parsed request never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsendable;

impl std::fmt::Display for Unsendable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the cache key holds what no request can carry")
    }
}

impl std::error::Error for Unsendable {}

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const OWN_VIA: HeaderValue = HeaderValue::from_static("1.1 plimsoll");
const OWN_USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("plimsoll/", env!("CARGO_PKG_VERSION")));

/// The request to the origin for a key. Its target is in origin form: the upstream adds the origin's scheme and
/// authority. GET, also where the client sent HEAD, or QUERY with its content.
///
/// # Errors
/// [`Unsendable`], which is a fault of the program and never of the request.
pub fn hermetic_request(
    key: &CacheKey,
    codings: Codings,
    proxy: &ProxyStatements<'_>,
) -> Result<Request<Bytes>, Unsendable> {
    let parts = key.parts();
    let target = PathAndQuery::try_from(origin_form(parts.path, parts.query)).map_err(|_| Unsendable)?;
    let mut fields = HeaderMap::with_capacity(16);
    add_own(&mut fields, &parts, codings, proxy)?;
    for (name, value) in &parts.fields {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unsendable)?;
        match value {
            Some(value) => fields.insert(name, field_value(value)?),
            // Declared and absent: not even the proxy's own is sent.
            None => fields.remove(name),
        };
    }
    let is_keyed = |name: &HeaderName| parts.fields.iter().any(|(keyed, _)| *keyed == name.as_str());
    for (name, value) in proxy.forward {
        if !is_proxy_field(name) && !is_keyed(name) {
            fields.append(name.clone(), value.clone());
        }
    }
    let content = match &parts.content {
        None => Bytes::new(),
        Some(content) => {
            if let Some(value) = &content.content_type {
                fields.insert(CONTENT_TYPE, field_value(value)?);
            }
            if let Some(value) = &content.content_encoding {
                fields.insert(CONTENT_ENCODING, field_value(value)?);
            }
            fields.insert(CONTENT_LENGTH, HeaderValue::from(content.content.len()));
            Bytes::copy_from_slice(content.content)
        }
    };
    let mut request = Request::new(content);
    *request.method_mut() = parts.method.to_method();
    *request.uri_mut() = target.into();
    *request.headers_mut() = fields;
    Ok(request)
}

/// What the proxy itself states, about the target as it is keyed and about its own part in the exchange. There is
/// nothing about the client: its address is not in the key.
fn add_own(
    fields: &mut HeaderMap,
    parts: &KeyParts<'_>,
    codings: Codings,
    proxy: &ProxyStatements<'_>,
) -> Result<(), Unsendable> {
    let authority = field_value(parts.authority.as_bytes())?;
    let scheme = parts.scheme.as_str();
    let forwarded = format!("host=\"{}\";proto={scheme}", parts.authority);
    fields.insert(HOST, proxy.host.clone().unwrap_or_else(|| authority.clone()));
    fields.insert(USER_AGENT, OWN_USER_AGENT);
    fields.insert(ACCEPT_ENCODING, codings.to_header_value());
    fields.insert(VIA, OWN_VIA);
    fields.insert(FORWARDED, field_value(forwarded.as_bytes())?);
    fields.insert(X_FORWARDED_HOST, authority);
    fields.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    let optional = [
        (TRACEPARENT, proxy.trace.and_then(TraceParent::to_header_value)),
        (IF_NONE_MATCH, proxy.if_none_match.clone()),
        (IF_MODIFIED_SINCE, proxy.if_modified_since.clone()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            fields.insert(name, value);
        }
    }
    Ok(())
}

fn field_value(bytes: &[u8]) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_bytes(bytes).map_err(|_| Unsendable)
}
