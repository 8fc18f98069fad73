//! What an operator declares to be explicit state of a route, besides method, scheme, authority and path.

use http::HeaderName;

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
