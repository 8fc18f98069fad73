//! What a request field says, in a form in which two requests can be compared (RFC 9111 section 4.1).
//!
//! It equates less than the canonical form of explicit state does. There the origin only ever sees that form. Here it
//! has answered one spelling, and another spelling may have the answer only where the grammar of the field gives both
//! the same meaning. So weights keep their numbers, which an origin may multiply with its own.

use std::borrow::Cow;

use http::header::{ACCEPT_LANGUAGE, COOKIE, HeaderName, HeaderValue};

use super::{
    fields::{joined, kind_of},
    negotiation::{self, Item, Kind},
};

/// The value of a field as it is compared, from all its lines. `None` where the field is absent, which differs from
/// empty.
///
/// Accept, Accept-Charset, Accept-Encoding and Accept-Language are read by their grammar: case, order, repeats and the
/// spelling of a weight say nothing there. Where that fails, and for every other field, only the white space around
/// commas says nothing; but in a quoted string, and in a Cookie, it does.
pub fn comparable_field<'a>(
    name: &HeaderName,
    values: impl Iterator<Item = &'a HeaderValue>,
) -> Option<Cow<'a, [u8]>> {
    let joined = joined(name, values)?;
    let read = kind_of(name).and_then(|kind| {
        let list = std::str::from_utf8(&joined).ok()?;
        negotiation::weighed_list(kind, list)
    });
    Some(match read {
        Some(list) => Cow::Owned(list.into_bytes()),
        None if *name == COOKIE => joined,
        None => without_space_around_commas(joined),
    })
}

/// The language that the lines of an Accept-Language rank before every other, in canonical case. `None` where they
/// leave any doubt: a tie, a wildcard at the top, or anything malformed.
pub fn first_language<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Option<Box<str>> {
    let joined = joined(&ACCEPT_LANGUAGE, values)?;
    let list = std::str::from_utf8(&joined).ok()?;
    let items: Vec<Item<'_>> = negotiation::items(Kind::Language, list).collect::<Option<_>>()?;
    let weight = items.iter().map(|item| item.weight).max().filter(|weight| *weight > 0)?;
    let mut top = items.iter().filter(|item| item.weight == weight);
    let (Some(first), None) = (top.next(), top.next()) else { return None };
    let is_named_once = items.iter().filter(|item| item.range == first.range).count() == 1;
    (is_named_once && first.range != "*").then(|| first.range.as_ref().into())
}

/// The language that the lines of a Content-Language name, in canonical case, where it is exactly one.
pub fn only_language<'a>(mut values: impl Iterator<Item = &'a HeaderValue>) -> Option<Box<str>> {
    let (Some(line), None) = (values.next(), values.next()) else { return None };
    let language = negotiation::canonical_range(Kind::Language, line.to_str().ok()?.trim())?;
    (language != "*").then(|| language.as_ref().into())
}

fn without_space_around_commas(value: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if !value.contains(&b',') {
        return value;
    }
    let mut out = Vec::with_capacity(value.len());
    let mut rest = &*value;
    while let Some(comma) = negotiation::find_unquoted(rest, b',') {
        out.extend_from_slice(rest[..comma].trim_ascii());
        out.push(b',');
        rest = &rest[comma + 1..];
    }
    out.extend_from_slice(rest.trim_ascii());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, CONTENT_LANGUAGE};
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    fn values(lines: &[&str]) -> Vec<HeaderValue> {
        lines.iter().map(|line| HeaderValue::from_str(line).unwrap()).collect()
    }

    fn compared(name: &HeaderName, lines: &[&str]) -> Option<Vec<u8>> {
        comparable_field(name, values(lines).iter()).map(Cow::into_owned)
    }

    fn same(name: &HeaderName, one: &str, other: &str) -> bool {
        compared(name, &[one]) == compared(name, &[other])
    }

    fn first(line: &str) -> Option<Box<str>> {
        first_language(values(&[line]).iter())
    }

    #[test]
    fn absent_and_empty_differ() {
        for name in [ACCEPT_LANGUAGE, ACCEPT_ENCODING, HeaderName::from_static("x-theme")] {
            assert_eq!(compared(&name, &[]), None);
            assert_eq!(compared(&name, &[""]), Some(Vec::new()));
        }
    }

    #[test]
    fn order_case_repeats_and_the_spelling_of_weights_say_nothing() {
        for other in ["de, en", "eN,De", "en , de;q=1", "en;q=1.000, de", "en, de, EN", ", en,,de"] {
            assert!(same(&ACCEPT_LANGUAGE, "en, de", other), "{other}");
        }
        assert!(same(&ACCEPT_ENCODING, "gzip;q=0.5, br", "BR, x-gzip;Q=0.50"));
        assert!(same(&ACCEPT_CHARSET, "utf-8, latin1;q=0", "latin1;q=0.0, UTF-8"));
        assert!(same(&ACCEPT, "text/html;Level=1, */*;q=0.1", "*/*;q=0.1, TEXT/html; level=1"));
    }

    #[test]
    fn weights_refusals_and_the_values_of_parameters_do() {
        assert!(!same(&ACCEPT_LANGUAGE, "en, de;q=0.9", "en, de;q=0.8"));
        assert!(!same(&ACCEPT_LANGUAGE, "en, de;q=0.9", "en;q=0.9, de"));
        assert!(!same(&ACCEPT_LANGUAGE, "en", "en, de;q=0"));
        assert!(!same(&ACCEPT_LANGUAGE, "en", "en-GB"));
        assert!(!same(&ACCEPT_ENCODING, "gzip", "gzip, identity;q=0"));
        assert!(!same(&ACCEPT, "text/html;level=a", "text/html;level=A"));
        assert!(!same(&ACCEPT, "text/html;a=\"x, y\"", "text/html;a=\"x,y\""));
    }

    #[test]
    fn what_cannot_be_read_keeps_its_order_and_case() {
        for (one, other) in [("en, d!e", "d!e, en"), ("en, d!e", "EN, d!e"), ("en, en;q=0.5", "en;q=0.5, en")]
        {
            assert!(!same(&ACCEPT_LANGUAGE, one, other), "{one} / {other}");
            assert!(same(&ACCEPT_LANGUAGE, one, &one.replace(", ", " ,  ")), "{one}");
        }
        assert!(!same(&HeaderName::from_static("x-theme"), "a, b", "b, a"));
        assert!(!same(&HeaderName::from_static("x-theme"), "a", "A"));
    }

    #[test]
    fn white_space_counts_where_it_may_mean_something() {
        let theme = HeaderName::from_static("x-theme");
        assert!(same(&theme, "1,2", " 1 ,\t2 "));
        assert!(!same(&theme, "1 2", "1  2"));
        assert!(!same(&theme, "a=\"1,2\"", "a=\"1, 2\""));
        assert!(!same(&COOKIE, "a=1,2", "a=1, 2"));
        assert_eq!(compared(&COOKIE, &["a=1", "b=2"]), compared(&COOKIE, &["a=1; b=2"]));
        assert_eq!(compared(&theme, &["1", "2"]), compared(&theme, &["1,2"]));
    }

    #[test]
    fn the_first_language_is_beyond_doubt() {
        assert_eq!(first("fr;q=0.5, de;q=1.0").as_deref(), Some("de"));
        assert_eq!(first("*;q=0.1, DE-at;q=0.2").as_deref(), Some("de-AT"));
        for line in
            ["", "de, fr", "*, de;q=0.9", "de, *", "de;q=0", "de, d!e;q=0.5", "de, de;q=0.5", "de, de"]
        {
            assert_eq!(first(line), None, "{line}");
        }
    }

    #[test]
    fn only_one_language_is_the_language() {
        let only = |lines: &[&str]| only_language(values(lines).iter());
        assert_eq!(only(&["de-at"]).as_deref(), Some("de-AT"));
        for lines in [&[][..], &["de", "en"], &["de, en"], &["*"], &["de;q=1"], &[""]] {
            assert_eq!(only(lines), None, "{CONTENT_LANGUAGE}: {lines:?}");
        }
    }

    /// What a list says, read as slowly as it can be: each range in lower case with its weight. `None` where it is
    /// malformed or contradicts itself.
    fn read(list: &str) -> Option<BTreeSet<(String, u32)>> {
        let mut items = BTreeSet::new();
        for member in list.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (range, weight) = match member.split_once(';') {
                None => (member, "1"),
                Some((range, weight)) => {
                    let weight = weight.trim();
                    (range.trim(), weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?)
                }
            };
            let is_weight = ["0", "0.0", "0.5", "0.50", "0.7", "1", "1.0"].contains(&weight);
            let is_range = !range.is_empty() && range.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
            if !is_weight || !is_range {
                return None;
            }
            let range = range.to_lowercase();
            let range = if range == "x-gzip" { "gzip".to_owned() } else { range };
            items.insert((range, format!("{:.0}", weight.parse::<f64>().unwrap() * 1000.0).parse().unwrap()));
        }
        let names: BTreeSet<&String> = items.iter().map(|(range, _)| range).collect();
        (names.len() == items.len()).then_some(items)
    }

    fn any_list(ranges: &'static [&'static str]) -> impl Strategy<Value = String> {
        let weights =
            vec!["", "", "", ";q=0", ";q=0.0", ";q=0.5", "; Q=0.50", ";q=0.7", ";q=1.0", ";q=2", ";x"];
        let member = (select(ranges), select(weights)).prop_map(|(range, weight)| format!("{range}{weight}"));
        (vec(member, 0..4), select(&[",", ", ", " ,, ", "\t,"][..]))
            .prop_map(|(list, comma)| list.join(comma))
    }

    const LANGUAGES: &[&str] = &["de", "DE", "en", "de-AT", "de-at", "d!"];
    const CODINGS: &[&str] = &["gzip", "X-GZIP", "br", "BR", "b r"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn two_lists_are_the_same_where_and_only_where_they_say_the_same(
            (name, one, other) in prop_oneof![
                (any_list(LANGUAGES), any_list(LANGUAGES)).prop_map(|(a, b)| (ACCEPT_LANGUAGE, a, b)),
                (any_list(CODINGS), any_list(CODINGS)).prop_map(|(a, b)| (ACCEPT_ENCODING, a, b)),
            ],
        ) {
            let spaceless = |list: &str| list.split(',').map(|m| m.trim().to_owned()).collect::<Vec<_>>();
            let expected = match (read(&one), read(&other)) {
                (Some(one), Some(other)) => one == other,
                (None, None) => spaceless(&one) == spaceless(&other),
                _ => false,
            };
            prop_assert_eq!(same(&name, &one, &other), expected, "{:?} / {:?}", one, other);
        }

        #[test]
        fn what_is_comparable_stays_as_it_is(name in select(&[ACCEPT, ACCEPT_LANGUAGE, COOKIE][..]), line in "[a-b/;=q0.\", ]{0,12}") {
            let once = compared(&name, &[&line]).unwrap();
            let again = compared(&name, &[std::str::from_utf8(&once).unwrap()]).unwrap();
            prop_assert_eq!(once, again);
        }
    }
}
