//! What `check` has to say about a config: errors and warnings, each with the place in the file that it is about.
//!
//! A diagnostic shows the line at fault with a caret under the fault, and says beside the caret what would be right.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::ops::Range;

use super::code::Code;
use super::secrets::masked;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The config works, but probably not as meant.
    Warning,
    /// The config cannot be used.
    Error,
}

impl Severity {
    /// The word for it in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1; a tab is one character.
    pub column: usize,
    /// How many characters the carets mark, at least 1.
    pub width: usize,
    /// The line itself, without its line end.
    pub text: String,
}

/// One thing to say about a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What it is, by a name that stays the same from version to version.
    pub code: Code,
    /// What is at fault: a file as it was named on the command line, or a flag.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
    /// Where in the file; `None` for flags and for files that could not be read.
    pub location: Option<Location>,
}

impl Diagnostic {
    /// The text that is shown to people: several lines, without a line end after the last one.
    pub fn render(&self) -> String {
        let mut out = self.subject.clone();
        if let Some(place) = &self.location {
            // Writing to a string cannot fail.
            let _ = write!(out, ":{}:{}", place.line, place.column);
        }
        let _ = write!(out, ": {}: {}", self.severity.name(), self.message);
        let Some(place) = &self.location else {
            if !self.help.is_empty() {
                let _ = write!(out, "\n   = {}", self.help);
            }
            return out;
        };
        let number = place.line.to_string();
        let gutter = " ".repeat(number.len() + 1);
        let indent: String =
            place.text.chars().take(place.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let carets = "^".repeat(place.width);
        let line = format!("{number} | {}", printable(&place.text));
        let marks = format!("{gutter}| {indent}{carets} {}", self.help);
        let _ = write!(out, "\n{gutter}|\n{}\n{}", line.trim_end(), marks.trim_end());
        out
    }
}

impl Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

/// Everything that is wrong with a config, in the order of the file, with the warnings that were found on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// What makes the config unusable: at least one.
    pub errors: Vec<Diagnostic>,
    /// What else was noticed.
    pub warnings: Vec<Diagnostic>,
}

impl ConfigErrors {
    /// The one error that there is to report.
    pub fn one(error: Diagnostic) -> Self {
        Self { errors: vec![error], warnings: Vec::new() }
    }
}

impl Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// What is wrong with one value, before it is known which file or flag it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) help: String,
    /// The bytes of the value that are at fault; `None` for all of it.
    pub(crate) at: Option<Range<usize>>,
}

impl Fault {
    /// Whatever the texts repeat of a file is made safe to show.
    pub(crate) fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, message: printable(&message.into()), help: printable(&help.into()), at: None }
    }

    pub(crate) fn at(mut self, bytes: Range<usize>) -> Self {
        self.at = Some(bytes);
        self
    }

    /// The error of this file, or of this flag.
    pub(crate) fn of_subject(self, subject: &str, location: Option<Location>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: self.code,
            subject: subject.to_owned(),
            message: self.message,
            help: self.help,
            location,
        }
    }
}

/// The text of a config and its name, with the way from a byte to a line and column.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The file's name as it was given.
    pub(crate) name: &'a str,
    /// The text, without a byte order mark.
    pub(crate) text: &'a str,
    /// The same, byte for byte, but for what no message may show.
    pub(crate) shown: Cow<'a, str>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(name: &'a str, text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { name, text, shown: masked(text) }
    }

    /// Counts from 0 which line a byte is in.
    pub(crate) fn line_of(&self, byte: usize) -> usize {
        self.before(byte).matches('\n').count()
    }

    /// Where these bytes are; what reaches over the end of the first line is cut there.
    pub(crate) fn locate(&self, bytes: &Range<usize>) -> Location {
        let before = self.before(bytes.start);
        let start_of_line = before.rfind('\n').map_or(0, |newline| newline + 1);
        let rest = self.shown.get(start_of_line..).unwrap_or("");
        let line = rest.split('\n').next().unwrap_or("");
        let line = line.strip_suffix('\r').unwrap_or(line);
        // An end of file or of line may be at fault, but never a place beyond it.
        let column = before.get(start_of_line..).unwrap_or("").chars().count().min(line.chars().count());
        let marked = self.shown.get(before.len()..bytes.end.max(before.len())).unwrap_or("");
        let marked = marked.split(['\r', '\n']).next().unwrap_or("");
        Location {
            line: self.line_of(bytes.start) + 1,
            column: column + 1,
            width: marked.chars().count().max(1),
            text: line.to_owned(),
        }
    }

    /// The text before a byte; a byte inside a character counts as its first.
    fn before(&self, byte: usize) -> &str {
        let mut end = byte.min(self.shown.len());
        while !self.shown.is_char_boundary(end) {
            end -= 1;
        }
        self.shown.get(..end).unwrap_or("")
    }
}

/// A value as a message quotes it: in backticks, short, and without characters that would upset a terminal.
pub(crate) fn quoted(value: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = printable(value).chars().take(LONGEST).collect();
    if value.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{}`", shown.replace('\t', " "))
}

/// The text with one replacement character for each control character but the tab.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, bytes: Range<usize>) -> String {
        Diagnostic {
            severity: Severity::Error,
            code: Code::UnknownKey,
            subject: "f.toml".to_owned(),
            message: "m".to_owned(),
            help: "h".to_owned(),
            location: Some(Source::new("f.toml", text).locate(&bytes)),
        }
        .render()
    }

    #[test]
    fn the_caret_is_under_the_fault() {
        assert_eq!(shown("a\nbc = 12\n", 7..9), "f.toml:2:6: error: m\n  |\n2 | bc = 12\n  |      ^^ h");
    }

    #[test]
    fn columns_count_characters_and_tabs_keep_the_caret_in_its_place() {
        assert_eq!(shown("\té = 1", 6..7), "f.toml:1:6: error: m\n  |\n1 | \té = 1\n  | \t    ^ h");
    }

    #[test]
    fn line_ends_are_no_part_of_a_line() {
        assert_eq!(shown("a = 1\r\nb = 2\r\n", 5..10), "f.toml:1:6: error: m\n  |\n1 | a = 1\n  |      ^ h");
        assert_eq!(shown("a = 1\r\nb = 2\r\n", 11..99).lines().next(), Some("f.toml:2:5: error: m"));
    }

    #[test]
    fn the_end_of_the_file_and_an_empty_file_are_places() {
        assert_eq!(shown("a =", 3..3), "f.toml:1:4: error: m\n  |\n1 | a =\n  |    ^ h");
        assert_eq!(shown("", 0..0), "f.toml:1:1: error: m\n  |\n1 |\n  | ^ h");
    }

    #[test]
    fn a_byte_order_mark_is_no_character_of_the_first_line() {
        assert_eq!(shown("\u{feff}a = 1", 4..5).lines().next(), Some("f.toml:1:5: error: m"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(shown("\u{1b}[31m", 0..1), "f.toml:1:1: error: m\n  |\n1 | \u{fffd}[31m\n  | ^ h");
        assert_eq!(quoted("\u{7}\tx"), "`\u{fffd} x`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), 63);
    }
}
