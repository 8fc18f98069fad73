//! Whole conversations through the scanner, rule by rule.

use super::*;

const LIMITS: Limits = Limits { head: 200, fields: 4, target: 100 };

/// Every piece of these bytes, and the violation that ends them.
fn pieces(mut scanner: Scanner, mut bytes: &[u8]) -> (Vec<Piece>, Option<Violation>) {
    let mut pieces = Vec::new();
    loop {
        match scanner.scan(bytes) {
            Ok(Piece::Partial) => return (pieces, None),
            Ok(piece) => {
                pieces.push(piece);
                bytes = &bytes[piece.length()..];
            }
            Err(violation) => {
                assert_eq!(scanner.scan(bytes), Err(violation), "said again");
                return (pieces, Some(violation));
            }
        }
    }
}

fn violation(request: &str) -> Option<Violation> {
    pieces(Scanner::requests(LIMITS), request.as_bytes()).1
}

fn framings(scanner: Scanner, bytes: &str) -> Vec<Framing> {
    let (pieces, violation) = pieces(scanner, bytes.as_bytes());
    assert_eq!(violation, None, "{bytes:?}");
    let heads = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Head(head) => Some(head.framing),
        _ => None,
    });
    heads.collect()
}

#[test]
fn messages_follow_one_another() {
    let requests = "GET / HTTP/1.1\r\nhost: a\r\n\r\n\
                    POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nGET\
                    \r\nPOST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3;x\r\nGET\r\n0\r\nx: 1\r\n\r\n\
                    GET / HTTP/1.0\r\nhost: a\r\n\r\n";
    let expected = [Framing::None, Framing::Length(3), Framing::Chunked, Framing::None];
    assert_eq!(framings(Scanner::requests(LIMITS), requests), expected);
}

#[test]
fn the_content_of_a_response_ends_where_the_rfc_says() {
    let one = |to, head: &str| {
        let mut scanner = Scanner::responses(LIMITS);
        scanner.expect(to);
        framings(scanner, &format!("HTTP/1.1 {head}\r\n\r\n"))[0]
    };
    let other = |head| one(AnswerTo::Other, head);
    assert_eq!(other("200 OK\r\ncontent-length: 3"), Framing::Length(3));
    assert_eq!(other("200 OK\r\ntransfer-encoding: chunked"), Framing::Chunked);
    assert_eq!(other("200 OK"), Framing::UntilClose);
    for without in [
        "103 x",
        "204 x\r\ncontent-length: 3",
        "304 x\r\ncontent-length: 3",
        "304 x\r\ntransfer-encoding: chunked",
    ] {
        assert_eq!(other(without), Framing::None, "{without}");
    }
    assert_eq!(one(AnswerTo::Head, "200 OK\r\ncontent-length: 3"), Framing::None);
}

#[test]
fn an_interim_response_goes_before_the_final_one() {
    let responses = "HTTP/1.1 103 x\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(framings(Scanner::responses(LIMITS), responses), [Framing::None, Framing::Length(0)]);
}

#[test]
fn lines_end_with_crlf_and_have_no_control_characters() {
    for (request, expected) in [
        ("GET / HTTP/1.1\nhost: a\r\n\r\n", Violation::BareLf),
        ("GET / HTTP/1.1\r\nhost: a\n\r\n", Violation::BareLf),
        ("GET / HTTP/1.1\r\nhost: a\r\n\n", Violation::BareLf),
        ("\n", Violation::BareLf),
        ("GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n", Violation::BareCr),
        ("GET / HTTP/1.1\r\nhost: a\r\r\n\r\n", Violation::BareCr),
        ("GET / HTTP/1.1\r\nhost: a\0\r\n\r\n", Violation::ControlByte),
        ("GET / HTTP/1.1\r\nhost: a\r\nx: \u{7f}\r\n\r\n", Violation::ControlByte),
        ("GET /\0 HTTP/1.1\r\n", Violation::ControlByte),
        ("\x16\x03\x01", Violation::ControlByte),
    ] {
        assert_eq!(violation(request), Some(expected), "{request:?}");
    }
    assert_eq!(violation("GET / HTTP/1.1\r\nhost: a\r\nx: a\tb \u{e9}\r\n\r\n"), None);
}

#[test]
fn one_empty_line_before_a_request_is_passed_over_and_no_more() {
    assert_eq!(violation("\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n\r\n"), None);
    assert_eq!(violation("\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n"), Some(Violation::RequestLine));
}

#[test]
fn a_request_has_one_host_in_every_version() {
    assert_eq!(violation("GET / HTTP/1.1\r\nx: a\r\n\r\n"), Some(Violation::HostMissing));
    assert_eq!(violation("GET / HTTP/1.0\r\n\r\n"), Some(Violation::HostMissing));
    assert_eq!(
        violation("GET http://a/ HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"),
        Some(Violation::HostRepeated)
    );
}

#[test]
fn a_head_is_no_larger_than_the_limits() {
    let head = |length: usize| {
        let rest = "GET / HTTP/1.1\r\nhost: a\r\nx: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "a".repeat(length - rest))
    };
    assert_eq!(violation(&head(200)), None);
    assert_eq!(violation(&head(201)), Some(Violation::HeadTooLarge));
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: 1\r\n".repeat(count - 1));
    assert_eq!(violation(&fields(4)), None);
    assert_eq!(violation(&fields(5)), Some(Violation::TooManyFields));
    assert_eq!(violation(&format!("GET /{}", "a".repeat(300))), Some(Violation::TargetTooLong));
}

#[test]
fn chunks_end_where_they_say_and_hide_little() {
    let chunked = |content: &str| {
        violation(&format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{content}"))
    };
    assert_eq!(chunked("3\r\nabc\r\n0\r\n\r\n"), None);
    for bad in ["0x1\r\n", "-1\r\n", "Z\r\n", "\r\n", "1 \r\n", "10000000000000000\r\n"] {
        assert_eq!(chunked(bad), Some(Violation::ChunkSize), "{bad:?}");
    }
    for bad in ["3\r\nabcd\r\n", "3\r\nabc\n", "3\r\nabc0\r\n\r\n", "3\r\nabc\rx"] {
        assert_eq!(chunked(bad), Some(Violation::ChunkEnd), "{bad:?}");
    }
    assert_eq!(chunked("3\nabc\r\n"), Some(Violation::BareLf));
    assert_eq!(chunked(&format!("1;{}", "a".repeat(1 << 20))), Some(Violation::ChunkExtensions));
    let many = format!("1;{}\r\na\r\n", "a".repeat(1000)).repeat(10);
    assert_eq!(chunked(&many), Some(Violation::ChunkExtensions));
    assert_eq!(chunked(&format!("0\r\n{}\r\n", "x: 1\r\n".repeat(64))), None);
    assert_eq!(chunked(&format!("0\r\n{}\r\n", "x: 1\r\n".repeat(65))), Some(Violation::TrailersTooLarge));
    assert_eq!(chunked(&format!("0\r\nx: {}", "1".repeat(9000))), Some(Violation::TrailersTooLarge));
    assert_eq!(chunked("0\r\ncontent-length: 5\r\n\r\n"), Some(Violation::TrailerField));
    assert_eq!(chunked("0\r\nx : 5\r\n\r\n"), Some(Violation::SpaceBeforeColon));
}
