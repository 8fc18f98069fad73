//! What to say about text that is not TOML.

use std::ops::Range;

use super::code::Code;
use super::diagnostic::{Fault, quoted};

/// The parser's complaint in the words of this project: what is wrong, and what would be right.
pub(crate) fn fault(text: &str, complaint: &str, span: &Range<usize>) -> Fault {
    let (what, expected) = complaint.split_once(", expected ").unwrap_or((complaint, ""));
    let found = text.get(span.clone()).unwrap_or("").trim();
    if what == "duplicate key" {
        let help = "a key or table stands once in a file: remove one, or merge the two";
        return Fault::new(Code::DuplicateKey, format!("{} is here a second time", quoted(found)), help);
    }
    let (message, help) = if what.starts_with("string values must be quoted") {
        if found.is_empty() {
            ("a value is missing".to_owned(), "write one after the `=`".to_owned())
        } else {
            (format!("the text {} has no quotes", quoted(found)), in_quotes(found))
        }
    } else if what.starts_with("key with no value") {
        ("a key without a value".to_owned(), "write key = value".to_owned())
    } else if expected.is_empty() || expected == "nothing" {
        (format!("not TOML: {what}"), "see https://toml.io for how values are written".to_owned())
    } else {
        (format!("not TOML: {what}"), format!("expected {expected}"))
    };
    Fault::new(Code::TomlSyntax, message, help)
}

/// How to write this text as a string; text that needs escapes is not spelled out.
fn in_quotes(text: &str) -> String {
    let is_plain =
        text.chars().count() <= 60 && !text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\'));
    if is_plain { format!("write \"{text}\"") } else { "write it in quotes".to_owned() }
}
