//! What a method promises (RFC 9110 section 9.2).

use http::Method;

/// Whether the method is safe: essentially read-only, so that it invalidates nothing (RFC 9110 section 9.2.1).
/// A method that is not known is not safe.
pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::QUERY)
        || matches!(method.as_str(), "PROPFIND" | "REPORT" | "SEARCH")
}

/// Whether the method asks for a representation that a cache may answer: GET, HEAD and QUERY.
pub fn is_cacheable(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::QUERY)
}

/// Whether doing it again changes nothing more (RFC 9110 section 9.2.2). A method that is not known is not idempotent.
pub fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::OPTIONS
            | Method::TRACE
            | Method::PUT
            | Method::DELETE
            | Method::QUERY
    )
}

/// Whether this is QUERY: safe, idempotent, and with content that is part of what is asked.
pub fn is_query(method: &Method) -> bool {
    *method == Method::QUERY
}
