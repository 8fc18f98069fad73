//! The fields of a stored response after a newer answer has brought no content, or only some.

use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG},
};

use crate::semantics::fields::is_digest;

/// Fields that belong to the content that is kept, as its digests do: how it is coded, and how much of it there is.
const OF_THE_CONTENT: [HeaderName; 3] = [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE];

/// The stored fields, with those of a 304, of an answer to HEAD or of a further part in their place. All lines of a
/// field are replaced together; what belongs to the content that is kept stays (RFC 9111 section 3.2).
pub fn updated_fields(stored: &HeaderMap, newer: &HeaderMap) -> HeaderMap {
    let mut updated = stored.clone();
    // An answer without Date is dated by its receipt, and not by that of what it speaks of (RFC 9110 section 6.6.1).
    updated.remove(DATE);
    // A tag that it has names the very bytes that are kept. What speaks of them may call them by a weaker one, or by one
    // that is stronger than they are.
    let is_kept = |name: &HeaderName| {
        OF_THE_CONTENT.contains(name) || is_digest(name) || (*name == ETAG && stored.contains_key(ETAG))
    };
    for name in newer.keys().filter(|name| !is_kept(name)) {
        updated.remove(name);
        for value in newer.get_all(name) {
            updated.append(name.clone(), value.clone());
        }
    }
    updated
}
