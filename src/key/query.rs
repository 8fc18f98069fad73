//! The declared part of a query, in canonical form.
//!
//! Only `&` separates parameters, and nothing is read into `+`, `;` or brackets: what origins understand differently
//! stays different. Names and values are compared in canonical percent-encoding.

use std::borrow::Cow;

use super::percent::{self, Component};

/// The name, or the value, of a query parameter in canonical percent-encoding.
///
/// A text with an invalid escape has no canonical form and is kept, so that it never equals one that has.
pub fn canonical_query_name(raw: &str) -> Cow<'_, str> {
    percent::canonical(raw, Component::Query).unwrap_or_else(|| percent::sendable(raw, Component::Query))
}

/// The declared parameters of a query: sorted by name, repeats in the order in which they came.
///
/// `declared` holds names in canonical percent-encoding. `a` and `a=` differ. `None` where no declared parameter is
/// there, whether or not there was a query.
pub fn canonical_query(query: Option<&str>, declared: &[String]) -> Option<String> {
    let query = query?;
    if declared.is_empty() {
        return None;
    }
    let mut kept: Vec<Parameter<'_>> =
        parameters(query).filter(|p| declared.iter().any(|name| *name == p.name)).collect();
    if kept.is_empty() {
        return None;
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    let mut out = String::with_capacity(query.len());
    for parameter in kept {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&parameter.name);
        if let Some(value) = parameter.value {
            out.push('=');
            out.push_str(&canonical_query_name(value));
        }
    }
    Some(out)
}

/// Whether every one of these parameters is in the query, with or without a value. The names are in canonical
/// percent-encoding.
pub fn has_parameters(query: Option<&str>, names: &[String]) -> bool {
    let query = query.unwrap_or("");
    names.iter().all(|name| parameters(query).any(|parameter| parameter.name == *name))
}

struct Parameter<'a> {
    name: Cow<'a, str>,
    /// As it came, so that only the values that are kept are canonicalised.
    value: Option<&'a str>,
}

fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    query.split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value)));
        Parameter { name: canonical_query_name(name), value }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn declared(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn canonical(query: &str) -> Option<String> {
        canonical_query(Some(query), &declared(&["a", "b", "x%5B%5D"]))
    }

    #[test]
    fn only_declared_parameters_are_kept_and_sorted_by_name() {
        assert_eq!(canonical("b=2&utm=x&a=1&&b=1").as_deref(), Some("a=1&b=2&b=1"));
        assert_eq!(canonical("utm=x;a=1"), None);
        assert_eq!(canonical(""), None);
        assert_eq!(canonical_query(None, &declared(&["a"])), None);
    }

    #[test]
    fn names_and_values_are_compared_in_canonical_percent_encoding() {
        assert_eq!(canonical("%61=%7e%2f").as_deref(), Some("a=~%2F"));
        assert_eq!(canonical("x[]=[1]&x%5b%5D=2").as_deref(), Some("x%5B%5D=%5B1%5D&x%5B%5D=2"));
        assert_eq!(canonical("A=1"), None);
    }

    #[test]
    fn what_origins_may_read_differently_stays_different() {
        for query in ["a", "a=", "a=1+2", "a=1%202", "a=1%2B2", "a=1;b=2", "a==", "a=%26"] {
            assert_eq!(canonical(query).as_deref(), Some(query));
        }
    }

    #[test]
    fn an_invalid_escape_is_never_made_into_a_valid_one() {
        assert_eq!(canonical("a=%%411").as_deref(), Some("a=%%411"));
        assert_eq!(canonical("a=%zz%41").as_deref(), Some("a=%zz%41"));
        assert_eq!(canonical("%a=1"), None);
    }

    #[test]
    fn parameters_are_found_by_name_with_and_without_a_value() {
        assert!(has_parameters(Some("b&%61=1"), &declared(&["a", "b"])));
        assert!(!has_parameters(Some("b=a"), &declared(&["a"])));
        assert!(has_parameters(None, &[]) && !has_parameters(None, &declared(&["a"])));
    }

    type Parts = Vec<(&'static str, Option<String>)>;

    /// Parameters whose values are canonical, and hold whatever could be taken for a separator.
    fn any_parts() -> impl Strategy<Value = Parts> {
        let atoms = ["a", "=", "%26", "%3D", "+", "%2B", "%20", ";", "/", "?", "%00", "b=1"];
        let value = proptest::collection::vec(proptest::sample::select(atoms.to_vec()), 0..3)
            .prop_map(|atoms| atoms.concat());
        let name = proptest::sample::select(["a", "b", "ab", "a%3D"].as_slice());
        proptest::collection::vec((name, proptest::option::of(value)), 0..4)
    }

    fn write(parts: &Parts) -> String {
        let part = |(name, value): &(&str, Option<String>)| match value {
            Some(value) => format!("{name}={value}"),
            None => (*name).to_owned(),
        };
        parts.iter().map(part).collect::<Vec<_>>().join("&")
    }

    proptest! {
        #[test]
        fn two_queries_share_a_form_exactly_if_every_name_has_the_same_values(a in any_parts(), b in any_parts()) {
            let names = declared(&["a", "b", "ab", "a%3D"]);
            let sorted = |parts: &Parts| {
                let mut parts = parts.clone();
                parts.sort_by_key(|(name, _)| *name);
                parts
            };
            let same_form = canonical_query(Some(&write(&a)), &names) == canonical_query(Some(&write(&b)), &names);
            prop_assert_eq!(same_form, sorted(&a) == sorted(&b));
        }

        #[test]
        fn canonicalising_a_query_twice_changes_nothing_more(raw in "[ab&=%24167eE+;\\[\"\u{e9}]{0,12}") {
            let names = declared(&["a", "b", "ab", "%", "a%5B"]);
            let once = canonical_query(Some(&raw), &names);
            prop_assert_eq!(&canonical_query(once.as_deref(), &names), &once);
        }

        #[test]
        fn undeclared_parameters_change_nothing(parts in any_parts(), noise in "[cd=%2;+]{1,8}", at in 0_usize..4) {
            let names = declared(&["a", "b"]);
            let mut noisy: Vec<String> = parts.iter().map(|part| write(&vec![part.clone()])).collect();
            noisy.insert(at.min(noisy.len()), format!("c{noise}"));
            let plain = canonical_query(Some(&write(&parts)), &names);
            prop_assert_eq!(canonical_query(Some(&noisy.join("&")), &names), plain);
        }
    }
}
