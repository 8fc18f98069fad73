//! A request's head as a request.

use bytes::BytesMut;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version, request::Parts};

use crate::wire::Lines;

/// The request of one whole head of HTTP/1.1, whose lines are these. `None` leaves it to the engine.
///
/// It shares a copy of the head, which takes the free part of `room`.
pub(super) fn request(head: &[u8], lines: &Lines, room: &mut BytesMut) -> Option<Parts> {
    room.extend_from_slice(head);
    let head = room.split().freeze();
    // A method, a target and a version, with one space between them.
    let line = lines.start_line(&head).strip_suffix(b" HTTP/1.1")?;
    let space = line.iter().position(|byte| *byte == b' ')?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.version = Version::HTTP_11;
    parts.method = Method::from_bytes(&line[..space]).ok()?;
    parts.uri = Uri::from_maybe_shared(head.slice_ref(&line[space + 1..])).ok()?;
    parts.headers.reserve(lines.field_count());
    for (name, value) in lines.fields(&head) {
        let name = HeaderName::from_bytes(name).ok()?;
        parts.headers.append(name, HeaderValue::from_maybe_shared(head.slice_ref(value)).ok()?);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Limits, Piece, Scanner};

    fn read(head: &[u8]) -> Option<Parts> {
        let mut scanner = Scanner::requests(Limits { head: 1 << 16, fields: 100, target: 100 });
        assert!(matches!(scanner.scan(head), Ok(Piece::Head(read)) if read.length == head.len()));
        request(head, scanner.lines(), &mut BytesMut::new())
    }

    #[test]
    fn a_head_is_read_with_repeated_fields_in_their_order_and_without_white_space_around_values() {
        let head =
            b"\r\nM-SEARCH /a?b=%20 HTTP/1.1\r\nhost: a\r\nX-One:\r\nx-two: \t1 \t\r\nX-Two:\xe9 2\r\n\r\n";
        let request = read(head).unwrap();
        assert_eq!((request.method.as_str(), request.version), ("M-SEARCH", Version::HTTP_11));
        assert_eq!(request.uri, "/a?b=%20");
        let fields: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 4] =
            [("host", b"a"), ("x-one", b""), ("x-two", b"1"), ("x-two", b"\xe9 2")];
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_absolute_target_and_many_fields_are_read() {
        let head = format!("GET http://a/b HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: 1\r\n".repeat(99));
        let request = read(head.as_bytes()).unwrap();
        assert_eq!((request.uri.to_string().as_str(), request.headers.len()), ("http://a/b", 100));
    }

    #[test]
    fn a_head_of_the_old_version_is_left_to_the_engine() {
        assert!(read(b"GET / HTTP/1.0\r\nhost: a\r\n\r\n").is_none());
    }
}
