//! Names of fields, query parameters and methods, and the fields that no route may claim.

use http::{HeaderName, Method};

use super::code::Code;
use super::diagnostic::{Fault, quoted};

/// Fields that no route may name as state or forward, each with the reason.
const RESERVED: [(&[&str], &str); 5] = [
    (
        &[
            "connection",
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
    (&["content-length", "expect"], "it is about one message and its content"),
    (
        &["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"],
        "plimsoll answers it from the whole stored response",
    ),
    (
        &[
            "via",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "cache-control",
            "pragma",
        ],
        "plimsoll reads it and writes its own",
    ),
];

/// Why a route may not claim this request field, if it may not.
pub(crate) fn reserved_reason(name: &HeaderName) -> Option<&'static str> {
    RESERVED.iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, reason)| *reason)
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
    let mut name = String::with_capacity(text.len());
    let mut rest = text.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '%' => {
                let digits =
                    text.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(byte) = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                    let help = "write %25 for a percent sign";
                    return Err(
                        fault("a `%` begins an escape of two hex digits".to_owned(), help).at(at..at + 1)
                    );
                };
                push_byte(&mut name, byte);
                rest.nth(1);
            }
            '&' | '=' | '#' | ' ' => {
                let message = format!("the name of a query parameter has no {}", quoted(&c.to_string()));
                let help = "write the name alone, as it stands in a URL: percent-encoded where it must be";
                return Err(fault(message, help).at(at..at + 1));
            }
            c if c.is_ascii_graphic() => name.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(&mut name, byte)),
        }
    }
    Ok(name)
}

fn push_byte(name: &mut String, byte: u8) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        name.push(char::from(byte));
    } else {
        name.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn query_names_are_in_canonical_percent_encoding() {
        for (text, name) in [
            ("language", "language"),
            ("filter[name]", "filter[name]"),
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
