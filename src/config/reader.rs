//! Small combinators over a parsed TOML document that keeps the place of every key and value.
//!
//! A reader never stops at the first fault: what cannot be read is reported and counts as absent, and the caller goes
//! on with the default. Whether there was any error is asked once, at the end.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::code::Code;
use super::diagnostic::{Diagnostic, Fault, Severity, Source};
use super::item::Item;
use super::schema::{keys_of, tables, unknown_key};

/// The document that is being read, and what was found wrong with it.
pub(crate) struct Reader<'a> {
    pub(super) source: Source<'a>,
    /// Lines that are not TOML: what was made up to get past them is not reported a second time.
    broken: BTreeSet<usize>,
    found: RefCell<Vec<(usize, Diagnostic)>>,
}

impl<'a> Reader<'a> {
    /// A reader of this text, which has reported whatever is not TOML.
    pub(crate) fn new(source: Source<'a>, mut syntax: Vec<toml::de::Error>) -> Self {
        let mut reader = Self { source, broken: BTreeSet::new(), found: RefCell::default() };
        syntax.sort_by_key(|error| error.span().map_or(0, |span| span.start));
        for error in &syntax {
            let span = error.span().unwrap_or(0..0);
            // What comes after the first fault of a line follows from it: the line counts as broken from here on.
            let fault = super::syntax::fault(&reader.source.shown, error.message(), &span);
            reader.report(Severity::Error, &span, fault);
            reader.broken.insert(reader.source.line_of(span.start));
        }
        reader
    }

    /// The document's top table.
    pub(crate) fn root<'r>(&'r self, document: &'r DeTable<'a>) -> Table<'r, 'a> {
        Table { reader: self, keys: Some(document), section: "", span: 0..0 }
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

    pub(super) fn report(&self, severity: Severity, span: &Range<usize>, fault: Fault) {
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
    pub(super) reader: &'r Reader<'a>,
    pub(super) keys: Option<&'r DeTable<'a>>,
    pub(super) section: &'static str,
    pub(super) span: Range<usize>,
}

impl<'r, 'a> Table<'r, 'a> {
    /// Whether the document has this table.
    pub(crate) fn is_present(&self) -> bool {
        self.keys.is_some()
    }

    /// The value of a key.
    pub(crate) fn get(&self, name: &'static str) -> Option<Item<'r, 'a>> {
        debug_assert!(self.section.is_empty() || keys_of(self.section).any(|key| key == name), "{name}");
        let (key, value) = self.keys?.get_key_value(name)?;
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
            keys: None,
            section,
            span: 0..0,
        })
    }

    /// How many errors were found so far in the whole document.
    pub(crate) fn errors(&self) -> usize {
        self.reader.found.borrow().iter().filter(|(_, found)| found.severity == Severity::Error).count()
    }

    /// Whether the text around is TOML, so that what is absent really is.
    pub(crate) fn is_whole(&self) -> bool {
        self.reader.is_whole()
    }

    /// Reports every key of this table that nothing reads, and says whether there was none.
    pub(crate) fn check_keys(&self) -> bool {
        let mut are_known = true;
        for (key, value) in self.keys.into_iter().flatten() {
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
                are_known = false;
            }
        }
        are_known
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

fn is_tables(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|members| members.iter().any(|member| member.get_ref().is_table()))
}
