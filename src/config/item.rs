//! One value of a config, and the ways to read it. Each reports what is wrong by itself and then gives `None`.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::de::DeValue;

use super::code::Code;
use super::diagnostic::{Fault, Location, Severity, quoted};
use super::reader::{Reader, Table};
use super::schema::{heading, nearest};
use super::units::{ByteSize, parse_duration};

/// A value, with its key's name for messages.
#[derive(Clone)]
pub(crate) struct Item<'r, 'a> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) name: &'static str,
    pub(super) key_span: Range<usize>,
    pub(super) span: Range<usize>,
    pub(super) value: &'r DeValue<'a>,
}

impl<'r, 'a> Item<'r, 'a> {
    /// Reports an error in this value.
    pub(crate) fn fail(&self, fault: Fault) {
        self.reader.report(Severity::Error, &self.place(fault.at.as_ref()), fault);
    }

    /// Reports a warning about this value.
    pub(crate) fn warn(&self, fault: Fault) {
        self.reader.report(Severity::Warning, &self.place(fault.at.as_ref()), fault);
    }

    /// Reports an error of the key, whatever its value.
    pub(crate) fn fail_key(&self, fault: Fault) {
        self.reader.report(Severity::Error, &self.key_span, fault);
    }

    /// Reports a warning about the key, whatever its value.
    pub(crate) fn warn_key(&self, fault: Fault) {
        self.reader.report(Severity::Warning, &self.key_span, fault);
    }

    /// The file that this is in, and the place there.
    pub(crate) fn origin(&self) -> (String, Location) {
        (self.reader.source.name.to_owned(), self.reader.source.locate(&self.span))
    }

    /// The key's name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The value, where it is a whole number that fits.
    pub(crate) fn number(&self) -> Option<i64> {
        let number = self.value.as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// The value, where it is a string.
    pub(crate) fn as_str(&self) -> Option<&'r str> {
        self.value.as_str()
    }

    /// Whether the value is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.value.is_array()
    }

    /// Whether the value is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// A number, whole or not.
    pub(crate) fn float(&self) -> Option<f64> {
        match self.value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            // Whole numbers of a config are small; what f64 cannot hold exactly is out of every range anyway.
            #[allow(clippy::cast_precision_loss)]
            _ => self.number().map(|number| number as f64),
        }
    }

    /// Reports that this is not what the key wants.
    pub(crate) fn wrong_type<T>(&self, wanted: &str, help: impl Into<String>) -> Option<T> {
        let message = format!("`{}` wants {wanted}, not {}", self.name, kind(self.value));
        self.fail(Fault::new(Code::WrongType, message, help));
        None
    }

    /// Reads a string with a parser of its own.
    pub(crate) fn parse<T>(&self, wanted: &str, parse: impl FnOnce(&str) -> Result<T, Fault>) -> Option<T> {
        let Some(text) = self.value.as_str() else {
            return self.wrong_type(wanted, format!("write {wanted} in quotes"));
        };
        parse(text).map_err(|fault| self.fail(fault)).ok()
    }

    /// Reads a duration.
    pub(crate) fn duration(&self) -> Option<Duration> {
        match self.number() {
            Some(number) => {
                let help = format!("write \"{number}s\" for seconds, or use another unit: ms, m, h, d");
                self.wrong_type("a duration in quotes", help)
            }
            None => self.parse("a duration", parse_duration),
        }
    }

    /// Reads a duration that must be longer than nothing.
    pub(crate) fn positive_duration(&self) -> Option<Duration> {
        let duration = self.duration()?;
        if duration.is_zero() {
            let message = format!("`{}` must be longer than nothing", self.name);
            self.fail(Fault::new(Code::OutOfRange, message, "write at least \"1ms\""));
            return None;
        }
        Some(duration)
    }

    /// Reads a size.
    pub(crate) fn size(&self) -> Option<ByteSize> {
        match self.number() {
            Some(number) => {
                let help = format!("write \"{number} B\" for bytes, or use another unit: KiB, MiB, GiB");
                self.wrong_type("a size in quotes", help)
            }
            None => self.parse("a size", ByteSize::parse),
        }
    }

    /// Reads true or false.
    pub(crate) fn boolean(&self) -> Option<bool> {
        self.value
            .as_bool()
            .or_else(|| self.wrong_type("true or false", "write true or false, without quotes"))
    }

    /// Reads a whole number of a range.
    pub(crate) fn whole(&self, range: &RangeInclusive<u32>) -> Option<u32> {
        let help = format!("write a whole number from {} to {}", range.start(), range.end());
        if !self.value.is_integer() {
            return self.wrong_type("a whole number", help);
        }
        let number =
            self.number().and_then(|number| u32::try_from(number).ok()).filter(|n| range.contains(n));
        if number.is_none() {
            self.fail(Fault::new(Code::OutOfRange, format!("`{}` is out of range", self.name), help));
        }
        number
    }

    /// Reads one of a few words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let all = list_words(words.iter().map(|(word, _)| *word));
        let Some(text) = self.value.as_str() else {
            return self.wrong_type("a word in quotes", format!("write {all}"));
        };
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        let help = match nearest(text, words.iter().map(|(word, _)| *word)) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write {all}"),
        };
        let message = format!("`{}` does not know the word {}", self.name, quoted(text));
        self.fail(Fault::new(Code::UnknownWord, message, help));
        None
    }

    /// The members of a list.
    pub(crate) fn members(&self) -> Option<Vec<Self>> {
        let Some(members) = self.value.as_array() else {
            return self.wrong_type("a list", format!("write {} = [..]", self.name));
        };
        let item = |value: &'r toml::Spanned<DeValue<'a>>| Item {
            reader: self.reader,
            name: self.name,
            key_span: self.key_span.clone(),
            span: value.span(),
            value: value.get_ref(),
        };
        Some(members.iter().map(item).collect())
    }

    /// Reads a list, each member with the same reader; equal members are errors, and those that cannot be read are
    /// left out.
    pub(crate) fn list<T: PartialEq>(&self, read: impl Fn(&Self) -> Option<T>) -> Option<Vec<T>> {
        let mut list: Vec<T> = Vec::new();
        for member in self.members()? {
            match read(&member) {
                Some(value) if list.contains(&value) => {
                    let message = format!("`{}` has this twice", self.name);
                    member.fail(Fault::new(Code::DuplicateItem, message, "remove one of them"));
                }
                Some(value) => list.push(value),
                None => {}
            }
        }
        Some(list)
    }

    /// Reads a table.
    pub(crate) fn table(&self, section: &'static str) -> Option<Table<'r, 'a>> {
        let Some(table) = self.value.as_table() else {
            let written = if section.contains('.') { "{ .. }".to_owned() } else { heading(section) };
            return self.wrong_type("a table", format!("write {written}"));
        };
        // An inline table's heading is its key; a member of `[[route]]` has its own heading.
        Some(Table { reader: self.reader, keys: Some(table), section, span: self.span.clone() })
    }

    /// The bytes of the file that these bytes of the string are; the whole value where escapes make that unclear.
    fn place(&self, at: Option<&Range<usize>>) -> Range<usize> {
        let (Some(at), Some(text)) = (at, self.value.as_str()) else { return self.span.clone() };
        let raw = self.reader.source.text.get(self.span.clone()).unwrap_or("");
        let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
        if !raw.get(quotes..).is_some_and(|rest| rest.starts_with(text)) {
            return self.span.clone();
        }
        let start = self.span.start + quotes;
        start + at.start..start + at.end
    }
}

/// `"a", "b" or "c"`.
pub(crate) fn list_words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let mut words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} or {last}", words.join(", ")) }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a bare number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
