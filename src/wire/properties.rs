//! The scanner against a slow, obvious reference: the same bytes give the same messages and the same violation, however
//! they are split.

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { head: 160, fields: 5, target: 40 };

/// What came of some bytes: the heads, the bytes that were passed on, and how it ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    framings: Vec<Framing>,
    passed: usize,
    violation: Option<Violation>,
}

/// The scanner, given the bytes in parts of these lengths over and over.
fn scanned(bytes: &[u8], parts: &[usize]) -> Outcome {
    let mut scanner = Scanner::requests(LIMITS);
    let (mut outcome, mut there, mut parts) = (Outcome::default(), 0, parts.iter().cycle());
    while there < bytes.len() {
        there = bytes.len().min(there + parts.next().copied().unwrap_or(bytes.len()));
        loop {
            match scanner.scan(&bytes[outcome.passed..there]) {
                Ok(Piece::Partial) => break,
                Ok(Piece::Head(head)) => {
                    check_lines(scanner.lines(), &bytes[outcome.passed..outcome.passed + head.length]);
                    outcome.framings.push(head.framing);
                    outcome.passed += head.length;
                }
                Ok(piece) => outcome.passed += piece.length(),
                Err(violation) => {
                    outcome.violation = Some(violation);
                    return outcome;
                }
            }
        }
    }
    outcome
}

/// What the scanner says of the lines of a head is what anybody sees who looks at them.
fn check_lines(lines: &Lines, head: &[u8]) {
    let text = String::from_utf8_lossy(head);
    let mut seen = text.split("\r\n").filter(|line| !line.is_empty());
    assert_eq!(String::from_utf8_lossy(lines.start_line(head)), seen.next().unwrap());
    let expected: Vec<_> = seen
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let shown = |text| String::from_utf8_lossy(text).into_owned();
    let got: Vec<_> = lines.fields(head).map(|(name, value)| (shown(name), shown(value))).collect();
    assert_eq!((got, lines.field_count()), (expected.clone(), expected.len()));
}

/// The same, with everything there at once, a step at a time, from the RFC.
fn reference(bytes: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    while let Some(more) = message(bytes, &mut outcome).unwrap_or_else(|violation| {
        outcome.violation = Some(violation);
        None
    }) {
        outcome.passed = more;
    }
    outcome
}

/// The next line from `at`, where it ends within `limit` bytes of `from`: its text and what follows.
fn next_line(
    bytes: &[u8],
    from: usize,
    at: usize,
    limit: usize,
    over: Violation,
) -> Result<Option<(&[u8], usize)>, Violation> {
    for end in at.. {
        if end >= from + limit {
            return Err(over);
        }
        match (bytes.get(end), bytes.get(end + 1).filter(|_| end + 1 < from + limit)) {
            (None, _) => return Ok(None),
            (Some(b'\r'), Some(b'\n')) => return Ok(Some((&bytes[at..end], end + 2))),
            (Some(b'\r'), Some(_)) => return Err(Violation::BareCr),
            (Some(b'\n'), _) => return Err(Violation::BareLf),
            (Some(b'\r' | b'\t'), _) => {}
            (Some(byte), _) if *byte < 0x20 || *byte == 0x7f => return Err(Violation::ControlByte),
            (Some(_), _) => {}
        }
    }
    Ok(None)
}

/// Reads one message; says where the next begins, if this one is whole.
fn message(bytes: &[u8], outcome: &mut Outcome) -> Result<Option<usize>, Violation> {
    let from = outcome.passed;
    let mut at = from;
    let over = Violation::TargetTooLong;
    let Some((mut line, mut next)) = next_line(bytes, from, at, LIMITS.head, over)? else { return Ok(None) };
    if line.is_empty() {
        let Some(second) = next_line(bytes, from, next, LIMITS.head, over)? else { return Ok(None) };
        (line, next) = second;
    }
    let version = start::request_line(line, &LIMITS)?;
    at = next;
    let mut lines: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        let Some((line, next)) = next_line(bytes, from, at, LIMITS.head, Violation::HeadTooLarge)? else {
            return Ok(None);
        };
        at = next;
        if line.is_empty() {
            break;
        }
        if lines.len() == LIMITS.fields {
            return Err(Violation::TooManyFields);
        }
        lines.push(field(line)?);
        consistent(&lines)?;
    }
    let framing = framing(&lines, version)?;
    outcome.framings.push(framing);
    outcome.passed = at;
    content_end(bytes, at, framing, outcome)
}

fn field(line: &[u8]) -> Result<(String, Vec<u8>), Violation> {
    if matches!(line[0], b' ' | b'\t') {
        return Err(Violation::Folding);
    }
    let is_token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    let name: Vec<u8> = line.iter().copied().take_while(is_token).collect();
    match line.get(name.len()) {
        Some(b' ' | b'\t') => Err(Violation::SpaceBeforeColon),
        Some(b':') if !name.is_empty() => {
            let name_text = String::from_utf8(name.to_ascii_lowercase()).unwrap();
            let value = &line[name.len() + 1..];
            Ok((name_text, value.trim_ascii().to_vec()))
        }
        _ => Err(Violation::FieldName),
    }
}

/// Checks the newest field against those before it.
fn consistent(lines: &[(String, Vec<u8>)]) -> Result<(), Violation> {
    let (name, value) = lines.last().unwrap();
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let before = |name: &str| lines[..lines.len() - 1].iter().any(|(known, _)| known == name);
    match name.as_str() {
        "host" if before("host") => Err(Violation::HostRepeated),
        "host" => {
            let fine = !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%".contains(&b));
            if fine { Ok(()) } else { Err(Violation::HostInvalid) }
        }
        "content-length" if before("content-length") => Err(Violation::LengthRepeated),
        "content-length"
            if text.is_empty() || text.len() > 15 || !text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Err(Violation::LengthInvalid)
        }
        "transfer-encoding" if before("transfer-encoding") => Err(Violation::CodingRepeated),
        "transfer-encoding" if text != "chunked" => Err(Violation::Coding),
        "content-length" if before("transfer-encoding") => Err(Violation::LengthAndCoding),
        "transfer-encoding" if before("content-length") => Err(Violation::LengthAndCoding),
        "connection" if text.split(',').any(|option| ["host", "content-length"].contains(&option.trim())) => {
            Err(Violation::ConnectionOption)
        }
        _ => Ok(()),
    }
}

fn framing(lines: &[(String, Vec<u8>)], version: Version) -> Result<Framing, Violation> {
    let value = |name: &str| lines.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let framing = match (value("transfer-encoding"), value("content-length")) {
        (Some(_), _) if version == Version::Http10 => return Err(Violation::CodingInOldVersion),
        (Some(_), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(String::from_utf8(length.clone()).unwrap().parse().unwrap()),
        (None, None) => Framing::None,
    };
    if value("host").is_none() { Err(Violation::HostMissing) } else { Ok(framing) }
}

/// Where the content ends, if it is all there. What is passed on of it is noted.
fn content_end(
    bytes: &[u8],
    at: usize,
    framing: Framing,
    outcome: &mut Outcome,
) -> Result<Option<usize>, Violation> {
    let length = match framing {
        Framing::Chunked => return chunks(bytes, at, outcome),
        Framing::Length(length) => usize::try_from(length).unwrap(),
        Framing::None | Framing::UntilClose => 0,
    };
    let is_whole = bytes.len() - at >= length;
    outcome.passed = if is_whole { at + length } else { bytes.len() };
    Ok(is_whole.then_some(outcome.passed))
}

fn chunks(bytes: &[u8], mut at: usize, outcome: &mut Outcome) -> Result<Option<usize>, Violation> {
    loop {
        let over = Violation::ChunkExtensions;
        let Some((line, next)) = next_line(bytes, at, at, LONGEST_SIZE_LINE, over)? else { return Ok(None) };
        let (size, _) = fields::chunk_size(line)?;
        at = next;
        outcome.passed = at;
        if size == 0 {
            break;
        }
        let data = bytes.len().min(at.saturating_add(usize::try_from(size).unwrap()));
        let is_whole = (data - at) as u64 == size;
        at = data;
        outcome.passed = at;
        match &bytes[at..] {
            _ if !is_whole => return Ok(None),
            [b'\r', b'\n', ..] => at += 2,
            [] | [b'\r'] => return Ok(None),
            _ => return Err(Violation::ChunkEnd),
        }
        outcome.passed = at;
    }
    let from = at;
    loop {
        let over = Violation::TrailersTooLarge;
        let Some((line, next)) = next_line(bytes, from, at, MOST_TRAILER_BYTES, over)? else {
            return Ok(None);
        };
        at = next;
        if line.is_empty() {
            outcome.passed = at;
            return Ok(Some(at));
        }
        let (name, _) = field(line)?;
        if ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "trailer"]
            .contains(&name.as_str())
        {
            return Err(Violation::TrailerField);
        }
    }
}

/// Messages that are nearly right: pieces of good ones, and of bad ones.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "GET / HTTP/1.1\r\n",
        "POST /a?b HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET  / HTTP/1.1\r\n",
        "host: a\r\n",
        "host: a\r\n",
        "host: a\r\n",
        "Host:\r\n",
        "content-length: 3\r\n",
        "Content-Length: 03\r\n",
        "content-length: +3\r\n",
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "connection: x, Host\r\n",
        "connection: close\r\n",
        "x: 1\r\n",
        "x : 1\r\n",
        " x\r\n",
        "x: \u{e9}\t\r\n",
        "\r\n",
        "\r\n",
        "\r\n",
        "\n",
        "\r",
        "\0",
        "\t",
        " ",
        "abc",
        "abc\r\n",
        "3\r\nabc\r\n",
        "3;x\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\n",
        "5 \r\n",
        "x: 123456789012345678901234567890123456789012345678901234567890\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..12)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn it_says_what_the_reference_says(bytes in any_bytes()) {
        prop_assert_eq!(scanned(&bytes, &[bytes.len()]), reference(&bytes));
    }

    #[test]
    fn how_the_bytes_are_split_changes_nothing(
        bytes in any_bytes(),
        parts in proptest::collection::vec(1..9usize, 1..20),
    ) {
        prop_assert_eq!(scanned(&bytes, &parts), scanned(&bytes, &[bytes.len()]));
    }

    #[test]
    fn any_bytes_at_all_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let outcome = scanned(&bytes, &[bytes.len()]);
        prop_assert!(outcome.passed <= bytes.len());
        prop_assert_eq!(outcome, reference(&bytes));
    }
}

#[test]
fn every_split_point_of_a_conversation_gives_the_same() {
    let bytes = b"\r\nPOST /a?b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nx: 1\r\n\r\n\
                  POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nhost: a\r\n\r\n";
    let whole = scanned(bytes, &[bytes.len()]);
    assert_eq!((whole.framings.len(), whole.passed, whole.violation), (3, bytes.len(), None));
    for first in 1..bytes.len() {
        assert_eq!(scanned(bytes, &[first, bytes.len()]), whole, "split at {first}");
    }
    assert_eq!(scanned(bytes, &[1]), whole);
}
