//! Groups of stored responses that an origin invalidates together (RFC 9875).

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, List, ListEntry, Parser};

/// The groups that a response belongs to.
pub const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
/// The groups that the answer to an unsafe request ends.
pub const CACHE_GROUP_INVALIDATION: HeaderName = HeaderName::from_static("cache-group-invalidation");

/// The names in one of the two fields: a list of strings, compared byte by byte. A field that cannot be read, or holds
/// something else than a string, says nothing (RFC 9875 section 2).
pub fn groups(fields: &HeaderMap, name: &HeaderName) -> Vec<String> {
    if !fields.contains_key(name) {
        return Vec::new();
    }
    read(fields, name).unwrap_or_default()
}

fn read(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let lines: Vec<&str> =
        fields.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<_, _>>().ok()?;
    let list: List = Parser::new(&lines.join(", ")).parse().ok()?;
    let name = |entry: &ListEntry| match entry {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::String(name) => Some(name.as_str().to_owned()),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    };
    list.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&'static str]) -> Vec<String> {
        let fields = lines.iter().map(|line| (CACHE_GROUPS, HeaderValue::from_static(line))).collect();
        groups(&fields, &CACHE_GROUPS)
    }

    #[test]
    fn rfc9875_section_2_groups_are_a_list_of_strings() {
        assert_eq!(read(&["\"scripts\", \"a, b\";x=1", "\"Scripts\""]), ["scripts", "a, b", "Scripts"]);
        assert!(read(&[]).is_empty());
    }

    #[test]
    fn rfc9875_section_2_a_field_that_is_no_list_of_strings_says_nothing() {
        for line in ["scripts", "\"a\", 1", "\"a\", (\"b\")", "\"a", ""] {
            assert!(read(&[line]).is_empty(), "{line}");
        }
    }
}
