//! Tags that an origin puts on its responses, so that they can be purged by name. Two fields of the trade have them, and
//! neither is of an RFC: Cache-Tag separates tags by commas, Surrogate-Key by spaces.

use http::{HeaderMap, HeaderName};

/// Tags between commas.
pub const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
/// Tags between spaces.
pub const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// The tags in both fields, but for those in a field that is ignored; compared byte by byte. What is not UTF-8 cannot be
/// named by anybody, and is left out; the tags beside it count.
pub fn tags(fields: &HeaderMap, is_ignored: impl Fn(&HeaderName) -> bool) -> Vec<&str> {
    let read = |name: HeaderName, separates: fn(&u8) -> bool| {
        let lines = if is_ignored(&name) { None } else { Some(fields.get_all(&name).iter()) };
        lines
            .into_iter()
            .flatten()
            .flat_map(move |line| line.as_bytes().split(separates))
            .filter_map(|tag| std::str::from_utf8(tag.trim_ascii()).ok())
            .filter(|tag| !tag.is_empty())
            .collect::<Vec<_>>()
    };
    let mut tags = read(CACHE_TAG, |byte| *byte == b',');
    tags.extend(read(SURROGATE_KEY, |byte| matches!(byte, b' ' | b'\t')));
    tags
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn fields(lines: &[(HeaderName, &[u8])]) -> HeaderMap {
        lines.iter().map(|(name, line)| (name.clone(), HeaderValue::from_bytes(line).unwrap())).collect()
    }

    #[test]
    fn cache_tag_is_read_at_its_commas_and_surrogate_key_at_its_spaces() {
        let fields = fields(&[
            (CACHE_TAG, b"product, product:1 ,,a b"),
            (CACHE_TAG, b"Product"),
            (SURROGATE_KEY, b"  home\tuser/1,2  home "),
        ]);
        let read = tags(&fields, |_| false);
        assert_eq!(read, ["product", "product:1", "a b", "Product", "home", "user/1,2", "home"]);
    }

    #[test]
    fn a_field_that_is_ignored_has_no_tags() {
        let fields = fields(&[(CACHE_TAG, b"a"), (SURROGATE_KEY, b"b")]);
        assert_eq!(tags(&fields, |name| *name == CACHE_TAG), ["b"]);
        assert_eq!(tags(&fields, |name| *name == SURROGATE_KEY), ["a"]);
        assert!(tags(&HeaderMap::new(), |_| false).is_empty());
    }

    #[test]
    fn what_is_no_text_takes_nothing_else_with_it() {
        let fields = fields(&[
            (CACHE_TAG, b"\xff\xfe, caf\xc3\xa9,\xc3,\"a, b\""),
            (SURROGATE_KEY, b"\x80 x"),
            (CACHE_TAG, b" ,\t, "),
            (SURROGATE_KEY, b""),
        ]);
        assert_eq!(tags(&fields, |_| false), ["caf\u{e9}", "\"a", "b\"", "x"]);
    }

    proptest! {
        #[test]
        fn any_value_is_read_and_no_tag_has_its_separator(
            one in proptest::collection::vec(prop_oneof![Just(b','), Just(b' '), 0x20u8..0x7f, 0x80u8..=0xff], 0..40),
            other in proptest::collection::vec(prop_oneof![Just(b','), Just(b' '), Just(b'\t'), 0x80u8..=0xff], 0..40),
        ) {
            let lines = [(CACHE_TAG, &*one), (SURROGATE_KEY, &*other)];
            let fields = fields(&lines);
            let of_commas = tags(&fields, |name| *name == SURROGATE_KEY);
            prop_assert!(of_commas.iter().all(|tag| !tag.is_empty() && !tag.contains(',') && tag.trim_ascii() == *tag));
            let of_spaces = tags(&fields, |name| *name == CACHE_TAG);
            prop_assert!(of_spaces.iter().all(|tag| !tag.is_empty() && !tag.contains([' ', '\t'])));
            prop_assert_eq!(tags(&fields, |_| false), [of_commas, of_spaces].concat());
        }
    }
}
