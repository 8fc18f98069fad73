//! Names of fields, query parameters and methods, and the fields that no route may claim.

use http::header::USER_AGENT;
use http::{HeaderName, Method};

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::item::Item;
use crate::key::{canonical_query_names, is_proxy_field};
use crate::level::Identity;

/// What a route may want of a request field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// That answers depend on it.
    State,
    /// That it reaches the origin without being in the key.
    Forward,
}

/// Fields that no route may claim, each with the reason.
const RESERVED: [(&[&str], &str); 7] = [
    (
        &[
            "connection",
            "http2-settings",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authorization",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
        ],
        "it is about one connection and never goes further",
    ),
    (&["host"], "the host is in every key already"),
    (&["accept-encoding"], "it is always explicit state"),
    (&["content-encoding", "content-type"], "where a request has content, it is in the key already"),
    (&["content-length", "expect"], "it is about one message and its content"),
    (
        &["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"],
        "plimsoll answers it from the whole stored response",
    ),
    (&["cache-control", "pragma"], "it is for plimsoll: see `client_directives`"),
];

/// Why a route may not claim this request field, if it may not.
pub(crate) fn reserved_reason(name: &HeaderName, claim: Claim) -> Option<&'static str> {
    let listed = RESERVED.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, reason)| *reason);
    let is_own = is_proxy_field(name) && !(*name == USER_AGENT && claim == Claim::State);
    listed.or_else(|| is_own.then_some("plimsoll writes its own"))
}

/// Whether a field carries identity; without a word on where identity rides, none does.
pub(crate) fn says_who_asks(name: &HeaderName, identity: Option<&Identity>) -> bool {
    identity.is_some_and(|identity| identity.is_user_field(name) || identity.is_session_field(name))
}

/// Whether a response field frames the message, so that it cannot be disregarded.
pub(crate) fn frames_message(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection" | "content-length" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade"
    )
}

/// Reads a field's name, in any case.
pub(crate) fn parse_field_name(text: &str) -> Result<HeaderName, Fault> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| {
        let help = match text.split_once(':') {
            Some((name, _)) if HeaderName::from_bytes(name.trim().as_bytes()).is_ok() => {
                format!("write the name alone: \"{}\"", name.trim())
            }
            _ => "write a name such as \"accept-language\"".to_owned(),
        };
        Fault::new(Code::BadFieldName, format!("{} is not a field's name", quoted(text)), help)
    })
}

/// Reads a method's name. Methods are case-sensitive (RFC 9110 section 9.1).
pub(crate) fn parse_method(text: &str) -> Result<Method, Fault> {
    let fault = |help: String| Fault::new(Code::BadMethod, format!("{} is not a method", quoted(text)), help);
    let method = Method::from_bytes(text.as_bytes())
        .map_err(|_| fault("write a method's name, such as \"GET\"".to_owned()))?;
    if text.bytes().any(|b| b.is_ascii_lowercase()) {
        return Err(fault(format!("methods are in upper case: write \"{}\"", text.to_ascii_uppercase())));
    }
    Ok(method)
}

/// Reads the name of a query parameter as it stands in a URL, and gives it in canonical percent-encoding: unreserved
/// characters as they are, escapes in upper case.
pub(crate) fn parse_query_name(text: &str) -> Result<String, Fault> {
    let fault = |message: String, help: &str| Fault::new(Code::BadQueryName, message, help);
    if text.is_empty() {
        return Err(fault(
            "a query parameter needs a name".to_owned(),
            "write its name, such as \"language\"",
        ));
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| matches!(c, '&' | '=' | '#' | ' ')) {
        let message = format!("the name of a query parameter has no {}", quoted(&c.to_string()));
        let help = "write the name alone, as it stands in a URL: percent-encoded where it must be";
        return Err(fault(message, help).at(at..at + 1));
    }
    canonical_query_names([text]).ok().and_then(|mut names| names.pop()).ok_or_else(|| {
        fault(format!("{} is not percent-encoded as a URL is", quoted(text)), "write %25 for a percent sign")
    })
}

/// Reads a list of names of query parameters, and sorts them.
pub(crate) fn read_query_names(item: &Item<'_, '_>) -> Option<Vec<String>> {
    let mut names = item.list(|member| member.parse("a parameter's name", parse_query_name))?;
    names.sort();
    Some(names)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn query_names_are_in_canonical_percent_encoding() {
        for (text, name) in [
            ("language", "language"),
            ("filter[name]", "filter%5Bname%5D"),
            ("%6canguage", "language"),
            ("a%2fb", "a%2Fb"),
            ("größe", "gr%C3%B6%C3%9Fe"),
        ] {
            assert_eq!(parse_query_name(text).as_deref(), Ok(name));
        }
        for text in ["", "a=b", "a&b", "a b", "%", "%2", "%zz", "%+1"] {
            assert_eq!(parse_query_name(text).unwrap_err().code, Code::BadQueryName, "{text}");
        }
    }

    #[test]
    fn methods_are_case_sensitive() {
        assert_eq!(parse_method("QUERY").unwrap().as_str(), "QUERY");
        assert_eq!(parse_method("get").unwrap_err().help, "methods are in upper case: write \"GET\"");
        assert!(parse_method("G T").is_err() && parse_method("").is_err());
    }

    #[test]
    fn field_names_are_read_in_any_case() {
        assert_eq!(parse_field_name("Accept-Language").unwrap(), "accept-language");
        assert_eq!(parse_field_name("Accept: x").unwrap_err().help, "write the name alone: \"Accept\"");
        assert_eq!(parse_field_name("a b").unwrap_err().help, "write a name such as \"accept-language\"");
    }

    proptest! {
        #[test]
        fn a_canonical_name_is_its_own_canonical_form(text in ".*") {
            if let Ok(name) = parse_query_name(&text) {
                prop_assert_eq!(parse_query_name(&name), Ok(name));
            }
        }
    }
}
