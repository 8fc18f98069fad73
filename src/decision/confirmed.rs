//! What is stored after the origin has confirmed it with 304.

use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE},
};

/// The fields of a stored response after a 304 has confirmed it: those of the 304 take the place of the stored ones,
/// but for what describes the content that is kept (RFC 9111 section 3.2).
pub fn merge_not_modified(stored: &HeaderMap, not_modified: &HeaderMap) -> HeaderMap {
    let describes_content =
        |name: &HeaderName| matches!(*name, CONTENT_LENGTH | CONTENT_ENCODING | CONTENT_TYPE | CONTENT_RANGE);
    let mut merged = stored.clone();
    // A 304 without Date is dated by its receipt, and not by that of what it confirms (RFC 9110 section 6.6.1).
    merged.remove(DATE);
    for name in not_modified.keys().filter(|name| !describes_content(name)) {
        merged.remove(name);
        for value in not_modified.get_all(name) {
            merged.append(name.clone(), value.clone());
        }
    }
    merged
}
