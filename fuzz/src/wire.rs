//! The wire scanner against a slow reference that has everything at once and reads line by line, straight from RFC 9112.
//! The same bytes give the same messages, the same pieces of content and the same violation, however they are split; and
//! what is let through, the parser of the protocol engine reads the same way.
//!
//! Input: a byte whose lowest bit says whether these are requests or responses, and whose other bits say which responses
//! answer a HEAD; a byte for the splits; then what is on the wire.

use plimsoll::wire::{AnswerTo, Framing, Head, Limits, Piece, Scanner, Version, Violation};

const LIMITS: Limits = Limits { head: 160, fields: 5, target: 40 };
const LONGEST_SIZE_LINE: usize = 4096;
const MOST_EXTENSIONS: usize = 8192;
const MOST_TRAILER_BYTES: usize = 8192;
const MOST_TRAILERS: usize = 64;

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let [kind, split, bytes @ ..] = input else { return };
    let stream = Stream { are_requests: kind & 1 == 0, heads: kind >> 1, bytes };
    let mut expected = Expected::default();
    expected.read_all(&stream);
    assert_eq!(scanned(&stream, |_| bytes.len()), expected, "all at once");
    assert_eq!(scanned(&stream, |_| 1), expected, "byte by byte");
    let mut state = u32::from(*split);
    let some = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (state >> 24) as usize % (1 + usize::from(*split))
    };
    assert_eq!(scanned(&stream, some), expected, "in parts");
    expected.is_read_by_the_engine(&stream);
}

/// What is on the wire.
struct Stream<'a> {
    are_requests: bool,
    heads: u8,
    bytes: &'a [u8],
}

impl Stream<'_> {
    fn scanner(&self) -> Scanner {
        if self.are_requests { Scanner::requests(LIMITS) } else { Scanner::responses(LIMITS) }
    }

    /// To what the response answers that is this one in the order of heads.
    fn answer_to(&self, number: usize) -> AnswerTo {
        if self.heads >> (number % 7) & 1 == 1 { AnswerTo::Head } else { AnswerTo::Other }
    }
}

/// What comes of a stream: the heads and where each begins, the bytes that are passed on, and how it ends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    heads: Vec<(usize, Head)>,
    passed: usize,
    violation: Option<Violation>,
    is_between: bool,
    is_in_content: bool,
}

/// The scanner, given the bytes in parts of these lengths.
fn scanned(stream: &Stream<'_>, mut part: impl FnMut(usize) -> usize) -> Expected {
    let mut scanner = stream.scanner();
    let (mut got, mut there) = (Expected::default(), 0);
    while there < stream.bytes.len() && got.violation.is_none() {
        there = stream.bytes.len().min(there + part(there));
        loop {
            if scanner.is_between_messages() {
                scanner.expect(stream.answer_to(got.heads.len()));
            }
            match scanner.scan(&stream.bytes[got.passed..there]) {
                Ok(Piece::Partial) => break,
                Ok(Piece::Head(head)) => {
                    got.heads.push((got.passed, head));
                    got.passed += head.length;
                }
                Ok(piece) => {
                    assert!(piece.length() > 0);
                    got.passed += piece.length();
                }
                Err(violation) => {
                    assert_eq!(scanner.scan(&stream.bytes[got.passed..there]), Err(violation), "said again");
                    got.violation = Some(violation);
                    return got;
                }
            }
        }
    }
    got.is_between = scanner.is_between_messages();
    got.is_in_content = scanner.is_in_content();
    got
}

/// Either a value, or the end of what is there.
type Read<T> = Result<Option<T>, Violation>;

impl Expected {
    fn read_all(&mut self, stream: &Stream<'_>) {
        loop {
            self.is_between = true;
            self.is_in_content = false;
            match self.message(stream) {
                Ok(Some(())) => {}
                Ok(None) => return,
                Err(violation) => {
                    *self = Self {
                        violation: Some(violation),
                        is_between: false,
                        is_in_content: false,
                        ..std::mem::take(self)
                    };
                    return;
                }
            }
        }
    }

    fn message(&mut self, stream: &Stream<'_>) -> Read<()> {
        let Some(head) = self.head(stream)? else { return Ok(None) };
        self.heads.push((self.passed, head));
        self.passed += head.length;
        (self.is_between, self.is_in_content) = (false, true);
        match head.framing {
            Framing::None => Ok(Some(())),
            Framing::Length(length) => Ok(self.content(stream, length)),
            Framing::UntilClose => {
                self.passed = stream.bytes.len();
                Ok(None)
            }
            Framing::Chunked => self.chunks(stream),
        }
    }

    fn head(&mut self, stream: &Stream<'_>) -> Read<Head> {
        let mut at = self.passed;
        let over = if stream.are_requests { Violation::TargetTooLong } else { Violation::HeadTooLarge };
        let Some(mut first) = self.line(stream, &mut at, LIMITS.head, over)? else { return Ok(None) };
        if first.is_empty() {
            self.is_between = false;
            let Some(second) = self.line(stream, &mut at, LIMITS.head, over)? else { return Ok(None) };
            first = second;
        }
        self.is_between = false;
        let (version, status) =
            if stream.are_requests { (request_line(first)?, None) } else { status_line(first)? };
        let mut fields = Vec::new();
        loop {
            let Some(line) = self.line(stream, &mut at, LIMITS.head, Violation::HeadTooLarge)? else {
                return Ok(None);
            };
            if line.is_empty() {
                break;
            }
            if fields.len() == LIMITS.fields {
                return Err(Violation::TooManyFields);
            }
            fields.push(field(line)?);
            match newest_fits(&fields) {
                // Only a request that names them would be read in two ways behind it.
                Err(Violation::ConnectionOption) if !stream.are_requests => {}
                fits => fits?,
            }
        }
        let has = |name: &str| fields.iter().any(|(known, _)| known == name);
        if version == Version::Http10 && has("transfer-encoding") {
            return Err(Violation::CodingInOldVersion);
        }
        if stream.are_requests && !has("host") {
            return Err(Violation::HostMissing);
        }
        let length = fields.iter().find(|(name, _)| name == "content-length");
        let has_none = status.is_some_and(|code| code < 200 || code == 204 || code == 304)
            || (!stream.are_requests && stream.answer_to(self.heads.len()) == AnswerTo::Head);
        let framing = match length {
            _ if has_none => Framing::None,
            _ if has("transfer-encoding") => Framing::Chunked,
            Some((_, value)) => Framing::Length(value.parse().expect("digits")),
            None if stream.are_requests => Framing::None,
            None => Framing::UntilClose,
        };
        let says = |wanted: &str| {
            let lines = fields.iter().filter(|(name, _)| name == "connection").map(|(_, value)| value);
            lines
                .flat_map(|line| line.split(','))
                .any(|option| option.trim_matches([' ', '\t']).eq_ignore_ascii_case(wanted))
        };
        let persists = framing != Framing::UntilClose
            && !says("close")
            && (version == Version::Http11 || says("keep-alive"));
        let upgrade = has("upgrade");
        Ok(Some(Head { length: at - self.passed, version, status, framing, upgrade, persists }))
    }

    fn content(&mut self, stream: &Stream<'_>, length: u64) -> Option<()> {
        let there = (stream.bytes.len() - self.passed) as u64;
        self.passed += usize::try_from(length.min(there)).expect("it is there");
        (length <= there).then_some(())
    }

    fn chunks(&mut self, stream: &Stream<'_>) -> Read<()> {
        let mut extensions = 0;
        loop {
            let (mut at, over) = (self.passed, Violation::ChunkExtensions);
            let Some(line) = self.line(stream, &mut at, LONGEST_SIZE_LINE, over)? else { return Ok(None) };
            let text = String::from_utf8_lossy(line);
            let digits = text.split(';').next().unwrap_or_default();
            if digits.is_empty() || digits.len() > 15 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
                return Err(Violation::ChunkSize);
            }
            extensions += line.len() - digits.len();
            if extensions > MOST_EXTENSIONS {
                return Err(over);
            }
            self.passed = at;
            let size = u64::from_str_radix(digits, 16).expect("digits");
            if size == 0 {
                return self.trailers(stream);
            }
            if self.content(stream, size).is_none() {
                return Ok(None);
            }
            match &stream.bytes[self.passed..] {
                rest if rest.starts_with(b"\r\n") => self.passed += 2,
                [] | [b'\r'] => return Ok(None),
                _ => return Err(Violation::ChunkEnd),
            }
        }
    }

    fn trailers(&mut self, stream: &Stream<'_>) -> Read<()> {
        let (mut at, mut count) = (self.passed, 0);
        loop {
            let over = Violation::TrailersTooLarge;
            let Some(line) = self.line(stream, &mut at, MOST_TRAILER_BYTES, over)? else { return Ok(None) };
            if line.is_empty() {
                self.passed = at;
                return Ok(Some(()));
            }
            if count == MOST_TRAILERS {
                return Err(over);
            }
            count += 1;
            let (name, _) = field(line)?;
            let in_head =
                ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "trailer"];
            if in_head.contains(&name.as_str()) {
                return Err(Violation::TrailerField);
            }
        }
    }

    /// The line at `at`, where it ends within `limit` bytes of what is not passed on yet.
    fn line<'a>(&self, stream: &Stream<'a>, at: &mut usize, limit: usize, over: Violation) -> Read<&'a [u8]> {
        let end = stream.bytes.len().min(self.passed + limit);
        let visible = &stream.bytes[..end];
        for place in *at..end {
            match visible[place] {
                b'\t' => {}
                b'\n' => return Err(Violation::BareLf),
                b'\r' => match visible.get(place + 1) {
                    Some(b'\n') => {
                        let line = &visible[*at..place];
                        *at = place + 2;
                        return Ok(Some(line));
                    }
                    Some(_) => return Err(Violation::BareCr),
                    None => break,
                },
                0..0x20 | 0x7f => return Err(Violation::ControlByte),
                _ => {}
            }
        }
        if end == self.passed + limit { Err(over) } else { Ok(None) }
    }

    /// No head that was let through is news to the parser below the scanner.
    fn is_read_by_the_engine(&self, stream: &Stream<'_>) {
        for (number, (start, head)) in self.heads.iter().enumerate() {
            let bytes = &stream.bytes[*start..start + head.length];
            let mut fields = [httparse::EMPTY_HEADER; LIMITS.fields];
            let (length, minor) = if stream.are_requests {
                let mut request = httparse::Request::new(&mut fields);
                let length = request.parse(bytes);
                let target = request.path.expect("a target");
                http::Uri::try_from(target).expect("a target that can be read");
                (length, request.version)
            } else {
                let mut response = httparse::Response::new(&mut fields);
                let length = response.parse(bytes);
                assert_eq!(response.code, head.status);
                (length, response.version)
            };
            assert_eq!(length, Ok(httparse::Status::Complete(head.length)));
            assert_eq!(minor, Some(u8::from(head.version == Version::Http11)));
            let mut scanner = stream.scanner();
            scanner.expect(stream.answer_to(number));
            assert_eq!(scanner.scan(bytes), Ok(Piece::Head(*head)));
            let mut ours = scanner.lines().fields(bytes);
            for theirs in fields.iter().filter(|field| !field.name.is_empty()) {
                http::HeaderValue::from_bytes(theirs.value).expect("a value that can be read");
                assert_eq!(ours.next(), Some((theirs.name.as_bytes(), theirs.value)));
            }
            assert_eq!(ours.next(), None);
        }
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn version(text: &str, otherwise: Violation) -> Result<Version, Violation> {
    match text {
        "HTTP/1.1" => Ok(Version::Http11),
        "HTTP/1.0" => Ok(Version::Http10),
        _ => {
            let number: Vec<char> = text.strip_prefix("HTTP/").unwrap_or_default().chars().collect();
            let is_one = matches!(number[..], [a, '.', b] if a.is_ascii_digit() && b.is_ascii_digit());
            Err(if is_one { Violation::Version } else { otherwise })
        }
    }
}

fn request_line(line: &[u8]) -> Result<Version, Violation> {
    // Each byte is one character, so that lengths stay.
    let text: String = line.iter().map(|byte| char::from(*byte)).collect();
    let [method, target, last] = text.split(' ').collect::<Vec<_>>()[..] else {
        return Err(Violation::RequestLine);
    };
    let is_method = !method.is_empty() && method.chars().all(|c| c.is_ascii() && is_token_byte(c as u8));
    if !is_method || target.is_empty() {
        return Err(Violation::RequestLine);
    }
    let version = version(last, Violation::RequestLine)?;
    if target.chars().count() > LIMITS.target {
        return Err(Violation::TargetTooLong);
    }
    if method == "CONNECT" {
        return Err(Violation::Connect);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_visible = target.chars().all(|c| c.is_ascii_graphic() && !"#<>".contains(c));
    let is_known = if target.starts_with('/') {
        is_visible && !path.contains('`') && !query.contains('"')
    } else if let Some((scheme, _)) = target.split_once("://") {
        let is_ours = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str());
        is_visible && is_ours && http::Uri::try_from(target).is_ok()
    } else {
        method == "OPTIONS" && target == "*"
    };
    if is_known { Ok(version) } else { Err(Violation::Target) }
}

fn status_line(line: &[u8]) -> Result<(Version, Option<u16>), Violation> {
    let text: String = line.iter().map(|byte| char::from(*byte)).collect();
    let mut parts = text.splitn(3, ' ');
    let (first, code) = (parts.next().unwrap_or_default(), parts.next());
    // A version is known by its eight characters, whatever is wrong behind it.
    let start: String = text.chars().take(8).collect();
    let version = version(&start, Violation::StatusLine)?;
    let code = code.filter(|code| code.len() == 3 && code.chars().all(|c| c.is_ascii_digit()));
    match code.and_then(|code| code.parse().ok()) {
        Some(code @ 100..=599) if first.len() == 8 => Ok((version, Some(code))),
        _ => Err(Violation::StatusLine),
    }
}

/// The name in lower case and the value of a field line.
fn field(line: &[u8]) -> Result<(String, String), Violation> {
    let end = line.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(line.len());
    let text =
        |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>().to_ascii_lowercase();
    match (end, line.get(end)) {
        (0, Some(b' ' | b'\t')) => Err(Violation::Folding),
        (_, Some(b' ' | b'\t')) => Err(Violation::SpaceBeforeColon),
        (1.., Some(b':')) => {
            Ok((text(&line[..end]), text(&line[end + 1..]).trim_matches([' ', '\t']).to_owned()))
        }
        _ => Err(Violation::FieldName),
    }
}

/// Checks the newest field against those before it.
fn newest_fits(fields: &[(String, String)]) -> Result<(), Violation> {
    let Some(((name, value), before)) = fields.split_last() else { return Ok(()) };
    let has = |name: &str| before.iter().any(|(known, _)| known == name);
    let everybody = [
        "host",
        "content-length",
        "transfer-encoding",
        "content-type",
        "content-encoding",
        "content-range",
        "cache-control",
        "authorization",
        "cookie",
        "set-cookie",
        "range",
        "trailer",
    ];
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:[]%".contains(c);
    let violation = match name.as_str() {
        "host" if has("host") => Violation::HostRepeated,
        "host" if value.is_empty() || !value.chars().all(is_host) => Violation::HostInvalid,
        "content-length" if has("content-length") => Violation::LengthRepeated,
        "content-length" if !matches!(value.len(), 1..=15) || !value.chars().all(|c| c.is_ascii_digit()) => {
            Violation::LengthInvalid
        }
        "content-length" if has("transfer-encoding") => Violation::LengthAndCoding,
        "transfer-encoding" if has("transfer-encoding") => Violation::CodingRepeated,
        "transfer-encoding" if value != "chunked" => Violation::Coding,
        "transfer-encoding" if has("content-length") => Violation::LengthAndCoding,
        "connection" if value.split(',').any(|name| everybody.contains(&name.trim_matches([' ', '\t']))) => {
            Violation::ConnectionOption
        }
        _ => return Ok(()),
    };
    Err(violation)
}
