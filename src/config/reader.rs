//! Small combinators over a parsed TOML document that keeps the place of every key and value.
//!
//! A reader never stops at the first fault: what cannot be read is reported and counts as absent, and the caller goes
//! on with the default. Whether there was any error is asked once, at the end.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::code::Code;
use super::diagnostic::{Diagnostic, Fault, Severity, Source, quoted};
use super::schema::{KEYS, heading, keys_of, nearest, tables};
use super::units::{ByteSize, parse_duration};

/// The document that is being read, and what was found wrong with it.
pub(crate) struct Reader<'a> {
    source: Source<'a>,
    /// Lines that are not TOML: what was made up to get past them is not reported a second time.
    broken: BTreeSet<usize>,
    found: RefCell<Vec<(usize, Diagnostic)>>,
}

impl<'a> Reader<'a> {
    /// A reader of this text, which has reported whatever is not TOML.
    pub(crate) fn new(source: Source<'a>, syntax: &[toml::de::Error]) -> Self {
        let mut reader = Self { source, broken: BTreeSet::new(), found: RefCell::default() };
        for error in syntax {
            let span = error.span().unwrap_or(0..0);
            reader.report(
                Severity::Error,
                &span,
                super::syntax::fault(reader.source.text, error.message(), &span),
            );
        }
        for error in syntax {
            reader.broken.insert(reader.source.line_of(error.span().map_or(0, |span| span.start)));
        }
        reader
    }

    /// The document's top table.
    pub(crate) fn root<'r>(&'r self, document: &'r DeTable<'a>) -> Table<'r, 'a> {
        Table { reader: self, table: Some(document), section: "", span: 0..0 }
    }

    /// Whether the text is TOML, so that what is absent really is.
    pub(crate) fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }

    /// What was found: errors and warnings, each in the order of the file.
    pub(crate) fn finish(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| *at);
        let (errors, warnings): (Vec<_>, Vec<_>) =
            found.into_iter().map(|(_, diagnostic)| diagnostic).partition(|d| d.severity == Severity::Error);
        (errors, warnings)
    }

    fn report(&self, severity: Severity, span: &Range<usize>, fault: Fault) {
        if self.is_broken(span) {
            return;
        }
        let diagnostic = Diagnostic {
            severity,
            code: fault.code,
            subject: self.source.name.to_owned(),
            message: fault.message,
            help: fault.help,
            location: Some(self.source.locate(span)),
        };
        self.found.borrow_mut().push((span.start, diagnostic));
    }

    /// Whether this place is in a line that is not TOML.
    fn is_broken(&self, span: &Range<usize>) -> bool {
        self.broken.contains(&self.source.line_of(span.start))
    }

    /// The line, as people count it, that a place is in.
    fn line(&self, span: &Range<usize>) -> usize {
        self.source.line_of(span.start) + 1
    }
}

/// One table of the document; a table that is not there reads as an empty one.
#[derive(Clone)]
pub(crate) struct Table<'r, 'a> {
    reader: &'r Reader<'a>,
    table: Option<&'r DeTable<'a>>,
    section: &'static str,
    span: Range<usize>,
}

impl<'r, 'a> Table<'r, 'a> {
    /// Whether the document has this table.
    pub(crate) fn is_present(&self) -> bool {
        self.table.is_some()
    }

    /// The value of a key.
    pub(crate) fn get(&self, name: &'static str) -> Option<Item<'r, 'a>> {
        debug_assert!(self.section.is_empty() || keys_of(self.section).any(|key| key == name), "{name}");
        let (key, value) = self.table?.get_key_value(name)?;
        let item = Item {
            reader: self.reader,
            name,
            key_span: key.span(),
            span: value.span(),
            value: value.get_ref(),
        };
        // A value that stands for a line that is not TOML is worth nothing.
        (!self.reader.is_broken(&item.span)).then_some(item)
    }

    /// What a key says, if it is there and right.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&Item<'r, 'a>) -> Option<T>,
    ) -> Option<T> {
        self.get(name).and_then(|item| read(&item))
    }

    /// What a key says, or its default.
    pub(crate) fn read_or<T>(
        &self,
        name: &'static str,
        default: T,
        read: impl FnOnce(&Item<'r, 'a>) -> Option<T>,
    ) -> T {
        self.read(name, read).unwrap_or(default)
    }

    /// A table inside this one.
    pub(crate) fn table(&self, name: &'static str, section: &'static str) -> Self {
        self.read(name, |item| item.table(section)).unwrap_or(Table {
            reader: self.reader,
            table: None,
            section,
            span: 0..0,
        })
    }

    /// Reports every key of this table that nothing reads.
    pub(crate) fn check_keys(&self) {
        for (key, value) in self.table.into_iter().flatten() {
            let name: &str = key.get_ref();
            let is_table = value.get_ref().is_table() || is_tables(value.get_ref());
            let known = if self.section.is_empty() {
                tables().contains(&name)
            } else {
                keys_of(self.section).any(|known| known == name)
            };
            // After a heading that is not TOML nobody knows which table this key is in.
            if !known && !self.reader.is_broken(&value.span()) {
                self.reader.report(Severity::Error, &key.span(), unknown_key(self.section, name, is_table));
            }
        }
    }

    /// Reports that a key that must be there is not.
    pub(crate) fn missing(&self, message: impl Into<String>, help: impl Into<String>) {
        if self.reader.is_whole() {
            self.fail(Fault::new(Code::MissingKey, message, help));
        }
    }

    /// Reports an error of the table as a whole, at its heading.
    pub(crate) fn fail(&self, fault: Fault) {
        self.reader.report(Severity::Error, &self.span, fault);
    }

    /// Reports an error at the value of a key, or at the heading where the key is not there.
    pub(crate) fn fail_at(&self, name: &'static str, fault: Fault) {
        match self.get(name) {
            Some(item) => item.fail(fault),
            None => self.fail(fault),
        }
    }

    /// Reports a warning at the value of a key, or at the heading where the key is not there.
    pub(crate) fn warn_at(&self, name: &'static str, fault: Fault) {
        match self.get(name) {
            Some(item) => item.warn(fault),
            None => self.reader.report(Severity::Warning, &self.span, fault),
        }
    }

    /// The line of the heading, for messages about another table.
    pub(crate) fn line(&self) -> usize {
        self.reader.line(&self.span)
    }
}

/// A value, with its key's name for messages.
#[derive(Clone)]
pub(crate) struct Item<'r, 'a> {
    reader: &'r Reader<'a>,
    name: &'static str,
    key_span: Range<usize>,
    span: Range<usize>,
    value: &'r DeValue<'a>,
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
        Some(Table { reader: self.reader, table: Some(table), section, span: self.span.clone() })
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

fn unknown_key(section: &'static str, name: &str, is_table: bool) -> Fault {
    let shown = quoted(name);
    let known: Vec<&str> = if section.is_empty() { tables() } else { keys_of(section).collect() };
    let message = match (section, is_table) {
        ("", true) => format!("unknown table {shown}"),
        ("", false) => format!("unknown key {shown} outside of any table"),
        _ => format!("unknown key {shown} in {}", heading(section)),
    };
    let elsewhere: Vec<String> = KEYS
        .iter()
        .filter(|key| key.name == name && key.section != section)
        .map(|key| heading(key.section))
        .collect();
    let help = if !elsewhere.is_empty() && !is_table {
        format!("`{name}` belongs in {}", elsewhere.join(" or "))
    } else if let Some(meant) = nearest(name, known.iter().copied()) {
        let meant = if section.is_empty() { heading(meant) } else { meant.to_owned() };
        format!("did you mean `{meant}`?")
    } else {
        let known: Vec<String> = known
            .into_iter()
            .map(|key| if section.is_empty() { heading(key) } else { key.to_owned() })
            .collect();
        format!("known here: {}", known.join(", "))
    };
    Fault::new(Code::UnknownKey, message, help)
}

fn is_tables(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|members| members.iter().any(|member| member.get_ref().is_table()))
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
