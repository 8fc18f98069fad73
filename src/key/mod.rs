//! From a request's explicit state to the cache key, and from the key to the hermetic request.
//!
//! The key is injective: two requests with different explicit state never share one. It also holds everything that
//! the request to the origin is built from, so that on a declared route an answer cannot depend on anything that is
//! not in the key.

mod spec;

pub use spec::{FieldSpec, StateSpec};
