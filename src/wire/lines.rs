//! Where the lines of a head are, for who reads more in it than the scanner does.

/// The most lines that most heads have.
const USUAL_LINES: usize = 16;

/// Where a line of a head is, counted from the head's first byte.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    /// Where the name of a field ends.
    colon: usize,
    end: usize,
}

/// How long the end of a line is.
const CRLF: usize = 2;

/// A field line of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldLine<'a> {
    /// The name, as it is spelled.
    pub name: &'a [u8],
    /// The value, without white space around it.
    pub value: &'a [u8],
    /// All of the line, with its CRLF.
    pub text: &'a [u8],
}

impl FieldLine<'_> {
    /// Whether there is one space before the value, and nothing else around it.
    pub fn is_plain(&self) -> bool {
        let Self { name, value, text } = self;
        text.len() == name.len() + ": ".len() + value.len() + CRLF && text.get(name.len() + 1) == Some(&b' ')
    }
}

/// Where the lines of a head are.
#[derive(Clone, Debug, Default)]
pub struct Lines(Vec<Place>);

impl Lines {
    /// The first line of the head, of which these are the bytes.
    pub fn start_line<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        self.0.first().and_then(|line| head.get(line.start..line.end)).unwrap_or_default()
    }

    /// How many fields the head has.
    pub const fn field_count(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// The names and the values of the fields in the head, of which these are the bytes; the values without the white space
    /// around them (RFC 9112 section 5).
    pub fn fields<'a>(&self, head: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.field_lines(head).map(|line| (line.name, line.value))
    }

    /// The same, each with the whole line that it is in.
    pub fn field_lines<'a>(&self, head: &'a [u8]) -> impl Iterator<Item = FieldLine<'a>> {
        self.0.iter().skip(1).map(|line| FieldLine {
            name: head.get(line.start..line.colon).unwrap_or_default(),
            value: head.get(line.colon + 1..line.end).unwrap_or_default().trim_ascii(),
            text: head.get(line.start..line.end + CRLF).unwrap_or_default(),
        })
    }

    /// Forgets the last head: this is the first line of the next.
    pub(super) fn begin(&mut self, start: usize, line: &[u8]) {
        self.0.clear();
        self.0.reserve(USUAL_LINES);
        self.note(start, line.len(), line);
    }

    /// Notes a line, and where its name ends.
    pub(super) fn note(&mut self, start: usize, colon: usize, line: &[u8]) {
        self.0.push(Place { start, colon: start + colon, end: start + line.len() });
    }
}
