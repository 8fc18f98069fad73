//! Entity tags and conditional requests, answered from a stored response (RFC 9110 sections 8.8.3 and 13).

use std::time::SystemTime;

use http::{
    HeaderMap, HeaderValue,
    header::{IF_MODIFIED_SINCE, IF_NONE_MATCH},
};

use super::{date::date_field, directives::split_list};

/// An entity tag as it was sent, quotes included (RFC 9110 section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(HeaderValue);

impl EntityTag {
    /// Takes a field value for an entity tag, if it is one.
    pub fn new(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let opaque = bytes.strip_prefix(b"W/").unwrap_or(bytes);
        let inner = opaque.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        (opaque.len() >= 2 && !inner.iter().any(|b| *b == b'"' || *b <= b' ' || *b == 0x7f))
            .then(|| Self(value.clone()))
    }

    /// The value to send.
    pub const fn as_value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether the tag is weak.
    pub fn is_weak(&self) -> bool {
        self.0.as_bytes().starts_with(b"W/")
    }

    /// Weak comparison: the opaque parts are the same.
    pub fn weakly_equals(&self, other: &[u8]) -> bool {
        opaque(self.0.as_bytes()) == opaque(other)
    }

    /// Strong comparison: the same, and neither is weak.
    pub fn strongly_equals(&self, other: &[u8]) -> bool {
        !self.is_weak() && self.0.as_bytes() == other
    }
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether a request asks under a condition that a stored response can answer.
pub fn is_conditional(request: &HeaderMap) -> bool {
    request.contains_key(IF_NONE_MATCH) || request.contains_key(IF_MODIFIED_SINCE)
}

/// Whether the client's own copy is still good, so that it gets 304 (RFC 9110 sections 13.1.2, 13.1.3 and 13.2.2).
///
/// `modified` is the stored response's Last-Modified, or its Date where it has none.
pub fn client_copy_is_current(
    request: &HeaderMap,
    tag: Option<&EntityTag>,
    modified: SystemTime,
    now: SystemTime,
) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        return request.get_all(IF_NONE_MATCH).iter().any(|line| {
            let text = String::from_utf8_lossy(line.as_bytes());
            text.trim() == "*"
                || split_list(&text).any(|member| tag.is_some_and(|tag| tag.weakly_equals(member.as_bytes())))
        });
    }
    date_field(request, &IF_MODIFIED_SINCE, now).is_some_and(|since| modified <= since)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderName;

    use super::*;

    fn tag(text: &'static str) -> Option<EntityTag> {
        EntityTag::new(&HeaderValue::from_static(text))
    }

    fn request(name: HeaderName, value: &str) -> HeaderMap {
        std::iter::once((name, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn only_quoted_strings_are_entity_tags() {
        assert!(tag("\"a\"").is_some() && tag("W/\"a\"").is_some() && tag("\"\"").is_some());
        assert!(
            tag("a").is_none()
                && tag("\"").is_none()
                && tag("w/\"a\"").is_none()
                && tag("\"a\"b\"").is_none()
        );
    }

    #[test]
    fn if_none_match_compares_weakly_and_reads_lists() {
        let now = SystemTime::UNIX_EPOCH;
        let current = |value: &str, held| {
            client_copy_is_current(&request(IF_NONE_MATCH, value), tag(held).as_ref(), now, now)
        };
        assert!(current("\"a\"", "\"a\""));
        assert!(current("W/\"a\"", "\"a\""));
        assert!(current("\"x\", \"a,b\" , W/\"c\"", "\"c\""));
        assert!(current("\"a,b\"", "\"a,b\""));
        assert!(current("*", "\"c\""));
        assert!(!current("\"b\"", "\"a\""));
    }

    #[test]
    fn if_none_match_silences_if_modified_since() {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let mut fields = request(IF_MODIFIED_SINCE, &httpdate::fmt_http_date(modified));
        assert!(client_copy_is_current(&fields, None, modified, modified));
        assert!(!client_copy_is_current(&fields, None, modified + Duration::from_secs(1), modified));
        fields.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert!(!client_copy_is_current(&fields, None, modified, modified));
    }

    #[test]
    fn strong_comparison_wants_two_strong_tags() {
        assert!(tag("\"a\"").unwrap().strongly_equals(b"\"a\""));
        assert!(!tag("W/\"a\"").unwrap().strongly_equals(b"W/\"a\""));
    }
}
