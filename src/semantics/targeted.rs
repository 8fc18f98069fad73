//! Targeted Cache-Control fields (RFC 9213): what an origin says to this cache, or to caches like it, and to no other.

use http::{HeaderMap, HeaderName, HeaderValue};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::directives::CacheControl;

/// The directives of the first field of this target list (RFC 9213 section 2.2) that is valid and not empty. They stand
/// in the place of Cache-Control and Expires.
pub fn targeted(fields: &HeaderMap, list: &[HeaderName]) -> Option<CacheControl> {
    list.iter().find_map(|name| directives(fields, name))
}

fn directives(fields: &HeaderMap, name: &HeaderName) -> Option<CacheControl> {
    let lines: Vec<&str> =
        fields.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<_, _>>().ok()?;
    let dictionary: Dictionary = Parser::new(&lines.join(", ")).parse().ok()?;
    let mut directives = CacheControl::default();
    for (name, member) in &dictionary {
        let ListEntry::Item(item) = member else { continue };
        match &item.bare_item {
            BareItem::Boolean(true) => directives.set_of_response(name.as_str(), None),
            BareItem::Boolean(false) => {}
            BareItem::Integer(number) => {
                directives.set_of_response(name.as_str(), Some(&i64::from(*number).to_string()));
            }
            BareItem::String(text) => directives.set_of_response(name.as_str(), Some(text.as_str())),
            // A value of a type that no directive has: one that wants a number then takes it for zero.
            _ => directives.set_of_response(name.as_str(), Some("")),
        }
    }
    (!dictionary.is_empty()).then_some(directives)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TARGET_LIST: [HeaderName; 2] =
        [HeaderName::from_static("plimsoll-cache-control"), HeaderName::from_static("cdn-cache-control")];

    fn read(lines: &[(&'static str, &'static str)]) -> Option<CacheControl> {
        let fields = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        targeted(&fields, &TARGET_LIST)
    }

    #[test]
    fn the_most_specific_valid_field_governs() {
        let cdn = ("cdn-cache-control", "max-age=9");
        assert_eq!(read(&[cdn]).unwrap().max_age, Some(Duration::from_secs(9)));
        assert!(read(&[cdn, ("plimsoll-cache-control", "no-store")]).unwrap().no_store);
        assert!(read(&[]).is_none());
    }

    #[test]
    fn an_invalid_or_empty_field_is_ignored() {
        let cdn = ("cdn-cache-control", "max-age=9");
        for broken in ["max-age=", "Max-Age=1", "", "a b"] {
            let found = read(&[("plimsoll-cache-control", broken), cdn]).unwrap();
            assert_eq!(found.max_age, Some(Duration::from_secs(9)), "{broken}");
        }
    }

    #[test]
    fn a_directive_that_is_false_is_not_there_and_one_of_a_wrong_type_is_cautious() {
        let found = read(&[("cdn-cache-control", "no-store=?0, max-age=60.5, private=\"x-a\"")]).unwrap();
        assert!(!found.no_store);
        assert_eq!(found.max_age, Some(Duration::ZERO));
        assert_eq!(found.private.fields(), ["x-a"]);
    }
}
