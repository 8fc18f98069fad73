//! Entity tags and conditional requests, answered from a stored response (RFC 9110 sections 8.8.3 and 13).

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{IF_MODIFIED_SINCE, IF_NONE_MATCH},
};

use super::{
    date::{date_field, format_date, parse_date},
    fields::apart,
};
use crate::level::Glance;

/// An entity tag as it was sent, quotes included (RFC 9110 section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(Box<[u8]>);

impl EntityTag {
    /// Takes a field value for an entity tag, if it is one.
    pub fn new(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let opaque = bytes.strip_prefix(b"W/").unwrap_or(bytes);
        let inner = opaque.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        (opaque.len() >= 2 && !inner.iter().any(|b| *b == b'"' || *b <= b' ' || *b == 0x7f))
            .then(|| Self(bytes.into()))
    }

    /// The tag as it was sent.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The value to send, which there always is: the tag was one.
    pub fn to_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.0).ok()
    }

    /// Whether the tag is weak.
    pub fn is_weak(&self) -> bool {
        self.0.starts_with(b"W/")
    }

    /// Weak comparison: the opaque parts are the same.
    pub fn weakly_equals(&self, other: &[u8]) -> bool {
        opaque(&self.0) == opaque(other)
    }

    /// Strong comparison: the same, and neither is weak.
    pub fn strongly_equals(&self, other: &[u8]) -> bool {
        !self.is_weak() && *self.0 == *other
    }
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// A Last-Modified as it was sent. Nearly all are dates as everybody writes them, of which the second says all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastModified(Written);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Written {
    /// As [`format_date`] writes this second after 1970.
    Usually(u64),
    /// In any other way.
    Otherwise(Box<HeaderValue>),
}

impl LastModified {
    /// Takes any field value.
    pub fn new(value: &HeaderValue) -> Self {
        let text = value.to_str().unwrap_or_default();
        // The century of two digits does not matter: that is not how a date is usually written.
        let time = parse_date(text, SystemTime::UNIX_EPOCH);
        match time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok()) {
            Some(since) if time.and_then(format_date).as_ref() == Some(value) => {
                Self(Written::Usually(since.as_secs()))
            }
            _ => Self(Written::Otherwise(Box::new(apart(value)))),
        }
    }

    /// The time, where it can be read. `now` says which century a year of two digits is in.
    pub fn time(&self, now: SystemTime) -> Option<SystemTime> {
        match &self.0 {
            Written::Usually(second) => Some(SystemTime::UNIX_EPOCH + Duration::from_secs(*second)),
            Written::Otherwise(value) => value.to_str().ok().and_then(|text| parse_date(text, now)),
        }
    }

    /// The value to send, which there always is: it was one.
    pub fn to_value(&self) -> Option<HeaderValue> {
        match &self.0 {
            Written::Usually(second) => format_date(SystemTime::UNIX_EPOCH + Duration::from_secs(*second)),
            Written::Otherwise(value) => Some(HeaderValue::clone(value)),
        }
    }

    /// Whether this value was sent.
    pub fn is(&self, value: &HeaderValue) -> bool {
        *self == Self::new(value)
    }

    /// The sizes of what it has allocated.
    pub fn heap_sizes(&self) -> [usize; 2] {
        match &self.0 {
            Written::Usually(_) => [0, 0],
            Written::Otherwise(value) => [size_of::<HeaderValue>(), value.len()],
        }
    }
}

/// A validator that changes whenever a byte of the representation does (RFC 9110 section 8.8.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StrongValidator {
    /// An entity tag that is not weak.
    Tag(EntityTag),
    /// A Last-Modified that is strong.
    Date(LastModified),
}

impl StrongValidator {
    /// The strong validator of a response; its entity tag where it has both.
    pub fn of(
        tag: Option<&EntityTag>,
        last_modified: Option<&LastModified>,
        date: SystemTime,
    ) -> Option<Self> {
        if let Some(tag) = tag {
            return (!tag.is_weak()).then(|| Self::Tag(tag.clone()));
        }
        let modified = last_modified?;
        is_strong_date(modified.time(date)?, date).then(|| Self::Date(modified.clone()))
    }

    /// The value for If-Range.
    pub fn to_value(&self) -> Option<HeaderValue> {
        match self {
            Self::Tag(tag) => tag.to_value(),
            Self::Date(date) => date.to_value(),
        }
    }
}

/// Whether a Last-Modified lies at least a second before Date, so that nothing can have changed in the second that it
/// names after the response was made (RFC 9110 section 8.8.2.2).
pub(super) fn is_strong_date(modified: SystemTime, date: SystemTime) -> bool {
    date.duration_since(modified).is_ok_and(|age| age >= Duration::from_secs(1))
}

/// Whether a request asks under a condition that a stored response can answer.
pub fn is_conditional(request: &HeaderMap) -> bool {
    let glance = Glance::at(request);
    glance.has(&IF_NONE_MATCH) || glance.has(&IF_MODIFIED_SINCE)
}

/// Whether the client's own copy is still good, so that it gets 304 (RFC 9110 sections 13.1.2, 13.1.3 and 13.2.2).
///
/// `modified` is the stored response's Last-Modified, or its Date where it has none. It is asked only where the date
/// decides.
pub fn client_copy_is_current(
    request: &HeaderMap,
    tag: Option<&EntityTag>,
    modified: impl FnOnce() -> SystemTime,
    now: SystemTime,
) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        return request.get_all(IF_NONE_MATCH).iter().any(|line| {
            let line = line.as_bytes().trim_ascii();
            line == b"*" || entity_tags(line).any(|member| tag.is_some_and(|tag| tag.weakly_equals(member)))
        });
    }
    date_field(request, &IF_MODIFIED_SINCE, now).is_some_and(|since| modified() <= since)
}

/// The members of a list of entity tags. Nothing is escaped inside their quotes (RFC 9110 section 8.8.3).
fn entity_tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let at_comma = move |byte: &u8| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    };
    list.split(at_comma).map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn tag(text: &'static str) -> Option<EntityTag> {
        EntityTag::new(&HeaderValue::from_static(text))
    }

    fn request(name: HeaderName, value: &str) -> HeaderMap {
        std::iter::once((name, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn rfc9110_section_8_8_3_only_quoted_strings_are_entity_tags() {
        assert!(tag("\"a\"").is_some() && tag("W/\"a\"").is_some() && tag("\"\"").is_some());
        assert!(
            tag("a").is_none()
                && tag("\"").is_none()
                && tag("w/\"a\"").is_none()
                && tag("\"a\"b\"").is_none()
        );
    }

    #[test]
    fn rfc9110_section_13_1_2_if_none_match_compares_weakly_and_reads_lists() {
        let now = SystemTime::UNIX_EPOCH;
        let current = |value: &str, held| {
            client_copy_is_current(&request(IF_NONE_MATCH, value), tag(held).as_ref(), || now, now)
        };
        assert!(current("\"a\"", "\"a\""));
        assert!(current("W/\"a\"", "\"a\""));
        assert!(current("\"x\", \"a,b\" , W/\"c\"", "\"c\""));
        assert!(current("\"a,b\"", "\"a,b\""));
        assert!(current("*", "\"c\""));
        assert!(!current("\"b\"", "\"a\""));
        assert!(current("\"a\\\", \"b\"", "\"b\""), "a backslash escapes nothing");
    }

    #[test]
    fn rfc9110_section_8_8_3_a_tag_may_have_bytes_beyond_ascii() {
        let now = SystemTime::UNIX_EPOCH;
        let value = HeaderValue::from_bytes(b"\"\xfc\"").unwrap();
        let fields = std::iter::once((IF_NONE_MATCH, value.clone())).collect();
        assert!(client_copy_is_current(&fields, EntityTag::new(&value).as_ref(), || now, now));
        let other = HeaderValue::from_bytes(b"\"\xfd\"").unwrap();
        assert!(!client_copy_is_current(&fields, EntityTag::new(&other).as_ref(), || now, now));
    }

    #[test]
    fn rfc9110_section_13_1_3_if_none_match_silences_if_modified_since() {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let mut fields = request(IF_MODIFIED_SINCE, &httpdate::fmt_http_date(modified));
        assert!(client_copy_is_current(&fields, None, || modified, modified));
        assert!(!client_copy_is_current(&fields, None, || modified + Duration::from_secs(1), modified));
        fields.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert!(!client_copy_is_current(&fields, None, || modified, modified));
    }

    #[test]
    fn rfc9110_section_8_8_1_only_what_changes_with_every_byte_is_strong() {
        let second = |n: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(n);
        let modified = LastModified::new(&format_date(second(100)).unwrap());
        let (strong, weak) = (tag("\"a\""), tag("W/\"a\""));
        let of = |tag: Option<&EntityTag>, at| StrongValidator::of(tag, Some(&modified), second(at));
        assert_eq!(of(strong.as_ref(), 100), strong.map(StrongValidator::Tag));
        assert_eq!(of(weak.as_ref(), 200), None, "the date of a response with a weak tag is no stronger");
        assert_eq!(of(None, 100), None, "it may have changed again in the same second");
        assert_eq!(of(None, 101), Some(StrongValidator::Date(modified.clone())));
    }

    #[test]
    fn a_last_modified_is_given_back_as_it_was_sent() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let usual = "Mon, 01 Jan 2024 00:00:00 GMT";
        let unusual = [
            "Tue, 01 Jan 2024 00:00:00 GMT",
            "mon, 01 Jan 2024 00:00:00 GMT",
            "yesterday",
            "",
            " Mon, 01 Jan 2024 00:00:00 GMT",
            "Monday, 01-Jan-24 00:00:00 GMT",
            "Mon Jan  1 00:00:00 2024",
            "Mon, 01 Jan 2024 23:59:60 GMT",
        ];
        for text in unusual.into_iter().chain([usual]) {
            let value = HeaderValue::from_static(text);
            let modified = LastModified::new(&value);
            assert_eq!(modified.to_value().as_ref(), Some(&value));
            assert_eq!(modified.time(now), parse_date(text, now), "{text}");
            assert_eq!(modified.heap_sizes() == [0, 0], text == usual, "{text}");
            assert!(modified.is(&value));
            assert_eq!(modified.is(&HeaderValue::from_static(usual)), text == usual);
        }
        let beyond_ascii = HeaderValue::from_bytes(b"\xfc").unwrap();
        assert_eq!(LastModified::new(&beyond_ascii).to_value(), Some(beyond_ascii));
    }

    #[test]
    fn rfc9110_section_8_8_3_2_strong_comparison_wants_two_strong_tags() {
        assert!(tag("\"a\"").unwrap().strongly_equals(b"\"a\""));
        assert!(!tag("W/\"a\"").unwrap().strongly_equals(b"W/\"a\""));
    }
}
