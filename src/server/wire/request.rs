//! A request's head as a request, read as the protocol engine reads it.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version, request::Parts};

/// How many fields are read without allocating. The engine reads what has more.
const USUAL_FIELDS: usize = 64;

/// The request of one whole head of HTTP/1.1 that [`Scanner`](crate::wire::Scanner) let through. `None` leaves it to the engine.
///
/// The parser is the engine's own, and the values are checked by the same types: so both have the same request.
///
/// It shares a copy of the head, which takes the free part of `room`.
pub(super) fn request(head: &[u8], room: &mut BytesMut) -> Option<Parts> {
    room.extend_from_slice(head);
    let head = room.split().freeze();
    let mut fields = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    parsed.parse_with_uninit_headers(&head, &mut fields).ok()?;
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.version = Version::HTTP_11;
    parts.method = Method::from_bytes(parsed.method?.as_bytes()).ok()?;
    parts.uri = Uri::from_maybe_shared(head.slice_ref(parsed.path?.as_bytes())).ok()?;
    parts.headers.reserve(parsed.headers.len());
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        parts.headers.append(name, HeaderValue::from_maybe_shared(head.slice_ref(field.value)).ok()?);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_with_repeated_fields_in_their_order_and_without_white_space_around_values() {
        let head =
            b"\r\nM-SEARCH /a?b=%20 HTTP/1.1\r\nhost: a\r\nX-One:\r\nx-two: \t1 \t\r\nX-Two:\xe9 2\r\n\r\n";
        let request = request(head, &mut BytesMut::new()).unwrap();
        assert_eq!((request.method.as_str(), request.version), ("M-SEARCH", Version::HTTP_11));
        assert_eq!(request.uri, "/a?b=%20");
        let fields: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 4] =
            [("host", b"a"), ("x-one", b""), ("x-two", b"1"), ("x-two", b"\xe9 2")];
        assert_eq!(fields, expected);
    }

    #[test]
    fn many_fields_and_an_absolute_target_are_read_or_left_to_the_engine() {
        let head = |fields: usize| {
            format!("GET http://a/b HTTP/1.1\r\n{}\r\n", "host: a\r\n".repeat(fields)).into_bytes()
        };
        let mut room = BytesMut::new();
        assert_eq!(request(&head(USUAL_FIELDS), &mut room).unwrap().uri, "http://a/b");
        assert!(request(&head(USUAL_FIELDS + 1), &mut room).is_none());
    }
}
