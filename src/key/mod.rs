//! From a request's explicit state to the cache key, and from the key to the hermetic request.
//!
//! The key is injective: two requests with different explicit state never share one. It also holds everything that
//! the request to the origin is built from, so that on a declared route an answer cannot depend on anything that is
//! not in the key.

mod authority;
mod cache_key;
mod codings;
mod comparable;
mod encoding;
mod fields;
mod hermetic;
mod negotiation;
mod percent;
#[cfg(test)]
mod properties;
mod query;
mod reference;
mod spec;
mod target;

pub use authority::canonical_authority;
pub(crate) use authority::{canonical_host, split_canonical, split_port, without_root};
pub use cache_key::{
    CacheKey, KeyKind, KeyMethod, KeyParts, Place, QueryContent, path_identity, target_identity,
};
pub use codings::{Coding, Codings};
pub use comparable::{comparable_field, first_language, only_language};
pub use fields::{canonical_field, choose};
pub use hermetic::{ProxyStatements, TraceParent, Unsendable, hermetic_request};
pub use query::{canonical_query, canonical_query_name, has_parameters};
pub use reference::UrlError;
pub use spec::{FieldSpec, StateError, StateSpec, canonical_query_names, is_proxy_field};
pub(crate) use target::canonical_path_text;
pub use target::{Scheme, Target, TargetError, canonical_path};
