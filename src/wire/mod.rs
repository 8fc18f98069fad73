//! The strict reading of HTTP/1 on the wire (RFC 9112): where each message begins and ends, and nothing that two readers
//! could understand differently.
//!
//! [`Scanner`] sees bytes before the protocol engine does, of requests or of responses, and says how many of them may be
//! passed on. What it refuses, it names: see [`Violation`] for the rules. It knows no socket and keeps no bytes: who
//! calls it keeps what was not passed on yet.

mod fields;
mod line;
mod lines;
#[cfg(test)]
mod properties;
mod start;
#[cfg(test)]
mod tests;
mod violation;

pub use lines::{FieldLine, Lines};
pub use start::Version;
pub use violation::{Rule, Violation};

use fields::Said;
use line::Cursor;

/// How large a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a head, start line and empty line included.
    pub head: usize,
    /// The most field lines.
    pub fields: usize,
    /// The most bytes of a request's target.
    pub target: usize,
}

/// The most bytes of chunk extensions in one message. Nobody uses them but to hide something.
const MOST_EXTENSIONS: usize = 8 * 1024;
/// The longest line with a chunk's size.
const LONGEST_SIZE_LINE: usize = 4 * 1024;
/// The most bytes of a trailer section.
const MOST_TRAILER_BYTES: usize = 8 * 1024;
/// The most lines of a trailer section.
const MOST_TRAILERS: usize = 64;

/// How the end of a message's content is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no content, whatever the fields say.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// The end of the connection.
    UntilClose,
}

/// A whole head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its bytes, with a tolerated empty line before it.
    pub length: usize,
    /// The version of its message.
    pub version: Version,
    /// The status code of a response; none in a request.
    pub status: Option<u16>,
    /// How the end of the content is known.
    pub framing: Framing,
    /// Whether the message has an Upgrade.
    pub upgrade: bool,
    /// Whether the connection goes on behind the message and its answer (RFC 9112 section 9.3).
    pub persists: bool,
}

/// What the first of the given bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Nothing that is whole: more bytes are needed.
    Partial,
    /// A head.
    Head(Head),
    /// So many bytes of content. Never none.
    Content(usize),
    /// So many bytes of what frames the content. Never none.
    Frame(usize),
    /// A whole trailer section of so many bytes, with the empty line that ends it.
    Trailers(usize),
}

impl Piece {
    /// How many bytes it has.
    pub const fn length(&self) -> usize {
        match *self {
            Self::Partial => 0,
            Self::Head(Head { length, .. })
            | Self::Content(length)
            | Self::Frame(length)
            | Self::Trailers(length) => length,
        }
    }
}

/// To what a response answers, as far as it decides about content (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerTo {
    /// A HEAD: there is no content.
    Head,
    /// Any other request.
    Other,
}

/// Which messages are read.
#[derive(Clone, Copy, Debug)]
enum Messages {
    Requests,
    Responses(AnswerTo),
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Before the first line of a head; whether an empty line has been passed over.
    Start {
        after_empty: bool,
    },
    /// After the first line.
    Fields {
        version: Version,
        status: Option<u16>,
    },
    /// So many bytes of content are left.
    Content(u64),
    /// A line with a chunk's size comes.
    Size,
    /// So many bytes of a chunk are left.
    Chunk(u64),
    /// The CRLF behind a chunk.
    ChunkEnd,
    /// Behind the last chunk, with this many trailer lines.
    Trailers(usize),
    /// Content until the connection ends.
    UntilClose,
    Refused(Violation),
}

/// Reads messages, one after the other.
///
/// First comes what is looked at between two messages.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Scanner {
    stage: Stage,
    cursor: Cursor,
    messages: Messages,
    limits: Limits,
    said: Said,
    extensions: usize,
    /// Those of the last head.
    lines: Lines,
}

impl Scanner {
    /// For the requests of a client.
    pub fn requests(limits: Limits) -> Self {
        Self::new(Messages::Requests, limits)
    }

    /// For the responses of an origin.
    pub fn responses(limits: Limits) -> Self {
        Self::new(Messages::Responses(AnswerTo::Other), limits)
    }

    fn new(messages: Messages, limits: Limits) -> Self {
        Self {
            messages,
            limits,
            stage: Stage::Start { after_empty: false },
            cursor: Cursor::default(),
            said: Said::default(),
            extensions: 0,
            lines: Lines::default(),
        }
    }

    /// One that reads on from here, for who wants to know what will be said of bytes that are not to be passed on yet.
    #[must_use]
    pub fn ahead(&self) -> Self {
        Self { lines: Lines::default(), ..*self }
    }

    /// Says to what the next response answers, before its head is read.
    pub fn expect(&mut self, request: AnswerTo) {
        if let Messages::Responses(expected) = &mut self.messages {
            *expected = request;
        }
    }

    /// Whether the last message is over, and nothing of the next is known.
    pub fn is_between_messages(&self) -> bool {
        matches!(self.stage, Stage::Start { after_empty: false })
    }

    /// Whether it is between messages, and has seen nothing of the next: not even the part of a line.
    pub fn is_at_rest(&self) -> bool {
        self.is_between_messages() && self.cursor.is_at_start()
    }

    /// Whether content of the current message is still to come.
    pub fn is_in_content(&self) -> bool {
        !matches!(self.stage, Stage::Start { .. } | Stage::Fields { .. })
    }

    /// Says what the first of these bytes are. They begin with the first byte that was in no earlier piece.
    ///
    /// # Errors
    /// The message breaks a rule. Every later call says the same.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Piece, Violation> {
        let scanned = self.step(bytes);
        if let Err(violation) = scanned {
            self.stage = Stage::Refused(violation);
        }
        scanned
    }

    /// Where the lines of the last head are.
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// The same, for who keeps the head.
    pub fn take_lines(&mut self) -> Lines {
        std::mem::take(&mut self.lines)
    }

    fn step(&mut self, bytes: &[u8]) -> Result<Piece, Violation> {
        match self.stage {
            Stage::Start { .. } | Stage::Fields { .. } => self.head(bytes),
            Stage::Content(left) => Ok(self.data(bytes, left, Stage::Content, Stage::START)),
            Stage::Chunk(left) => Ok(self.data(bytes, left, Stage::Chunk, Stage::ChunkEnd)),
            Stage::Size => self.size(bytes),
            Stage::ChunkEnd => self.chunk_end(bytes),
            Stage::Trailers(count) => self.trailers(bytes, count),
            Stage::UntilClose if bytes.is_empty() => Ok(Piece::Partial),
            Stage::UntilClose => Ok(Piece::Content(bytes.len())),
            Stage::Refused(violation) => Err(violation),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Piece, Violation> {
        let window = bytes.get(..self.limits.head).unwrap_or(bytes);
        loop {
            let start = self.cursor.start;
            let Some(line) = self.cursor.line(window)? else {
                return if window.len() < self.limits.head {
                    Ok(Piece::Partial)
                } else {
                    Err(self.too_large())
                };
            };
            match self.stage {
                Stage::Start { after_empty: false } if line.is_empty() => {
                    self.stage = Stage::Start { after_empty: true };
                }
                Stage::Fields { version, status } if line.is_empty() => {
                    return self.end_of_head(version, status);
                }
                Stage::Fields { .. } if self.said.count == self.limits.fields => {
                    return Err(Violation::TooManyFields);
                }
                Stage::Fields { .. } => {
                    let (name, value) = fields::split(line)?;
                    self.lines.note(start, name.len(), line);
                    match (self.said.read(name, value), self.messages) {
                        // Who passes an answer on keeps what must not be lost: that it is named here is only odd.
                        (Err(Violation::ConnectionOption), Messages::Responses(_)) => {}
                        (read, _) => read?,
                    }
                }
                _ => {
                    let (version, status) = match self.messages {
                        Messages::Requests => (start::request_line(line, &self.limits)?, None),
                        Messages::Responses(_) => {
                            start::status_line(line).map(|(v, status)| (v, Some(status)))?
                        }
                    };
                    self.stage = Stage::Fields { version, status };
                    self.lines.begin(start, line);
                }
            }
        }
    }

    /// What is too large about a head that is: a first line that does not end is so for its target.
    const fn too_large(&self) -> Violation {
        match (self.stage, self.messages) {
            (Stage::Start { .. }, Messages::Requests) => Violation::TargetTooLong,
            _ => Violation::HeadTooLarge,
        }
    }

    fn end_of_head(&mut self, version: Version, status: Option<u16>) -> Result<Piece, Violation> {
        let said = std::mem::take(&mut self.said);
        let length = std::mem::take(&mut self.cursor).start;
        let stated = said.framing(version)?;
        let framing = match (self.messages, status) {
            (Messages::Requests, _) if !said.has_host() => return Err(Violation::HostMissing),
            (Messages::Requests, _) => stated.unwrap_or(Framing::None),
            (_, Some(100..=199 | 204 | 304)) | (Messages::Responses(AnswerTo::Head), _) => Framing::None,
            (Messages::Responses(AnswerTo::Other), _) => stated.unwrap_or(Framing::UntilClose),
        };
        self.extensions = 0;
        self.stage = match framing {
            Framing::None | Framing::Length(0) => Stage::START,
            Framing::Length(length) => Stage::Content(length),
            Framing::Chunked => Stage::Size,
            Framing::UntilClose => Stage::UntilClose,
        };
        Ok(Piece::Head(Head {
            length,
            version,
            status,
            framing,
            upgrade: said.asks_for_upgrade(),
            persists: framing != Framing::UntilClose && said.persists(version),
        }))
    }

    fn data(&mut self, bytes: &[u8], left: u64, more: fn(u64) -> Stage, end: Stage) -> Piece {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left - now as u64;
        self.stage = if left == 0 { end } else { more(left) };
        if now == 0 { Piece::Partial } else { Piece::Content(now) }
    }

    fn size(&mut self, bytes: &[u8]) -> Result<Piece, Violation> {
        let window = bytes.get(..LONGEST_SIZE_LINE).unwrap_or(bytes);
        let Some(line) = self.cursor.line(window)? else {
            return if window.len() < LONGEST_SIZE_LINE {
                Ok(Piece::Partial)
            } else {
                Err(Violation::ChunkExtensions)
            };
        };
        let (size, extensions) = fields::chunk_size(line)?;
        self.extensions += extensions;
        if self.extensions > MOST_EXTENSIONS {
            return Err(Violation::ChunkExtensions);
        }
        self.stage = if size == 0 { Stage::Trailers(0) } else { Stage::Chunk(size) };
        Ok(Piece::Frame(std::mem::take(&mut self.cursor).start))
    }

    fn chunk_end(&mut self, bytes: &[u8]) -> Result<Piece, Violation> {
        match bytes {
            [b'\r', b'\n', ..] => {
                self.stage = Stage::Size;
                Ok(Piece::Frame(2))
            }
            [] | [b'\r'] => Ok(Piece::Partial),
            _ => Err(Violation::ChunkEnd),
        }
    }

    /// The trailer section is passed on as a whole, as a head is.
    fn trailers(&mut self, bytes: &[u8], mut count: usize) -> Result<Piece, Violation> {
        let window = bytes.get(..MOST_TRAILER_BYTES).unwrap_or(bytes);
        while let Some(line) = self.cursor.line(window)? {
            if line.is_empty() {
                self.stage = Stage::START;
                return Ok(Piece::Trailers(std::mem::take(&mut self.cursor).start));
            }
            if count == MOST_TRAILERS {
                return Err(Violation::TrailersTooLarge);
            }
            fields::trailer(line)?;
            count += 1;
            self.stage = Stage::Trailers(count);
        }
        if window.len() < MOST_TRAILER_BYTES { Ok(Piece::Partial) } else { Err(Violation::TrailersTooLarge) }
    }
}

impl Stage {
    const START: Self = Self::Start { after_empty: false };
}

/// The names and the values of the fields in a trailer section that a [`Scanner`] let through, as
/// [`Lines::fields`] has those of a head.
pub fn trailers(section: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut cursor = Cursor::default();
    let lines = std::iter::from_fn(move || cursor.line(section).ok().flatten());
    lines.filter_map(|line| fields::split(line).ok()).map(|(name, value)| (name, value.trim_ascii()))
}
