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
