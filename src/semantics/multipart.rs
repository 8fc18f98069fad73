//! Several ranges in one answer: `multipart/byteranges` (RFC 9110 sections 14.6 and 15.3.7.2, RFC 2046 section 5.1).

use std::ops::Range;

use http::HeaderValue;

/// The content of an answer with several ranges, but for the bytes of the representation itself.
#[derive(Clone, Debug)]
pub struct Multipart {
    boundary: String,
    /// What goes before the bytes of each range, with the range.
    parts: Vec<(Vec<u8>, Range<u64>)>,
    closing: Vec<u8>,
}

/// A piece of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Text(Vec<u8>),
    /// Those of the representation in this range.
    Content(Range<u64>),
}

impl Multipart {
    /// These ranges, none of them empty, of a representation of `length` bytes and this type.
    ///
    /// All of `chance` goes into the boundary, which is thus in no content by accident.
    pub fn new(ranges: &[Range<u64>], length: u64, content_type: Option<&HeaderValue>, chance: u128) -> Self {
        let boundary = format!("{chance:032x}");
        let part = |(index, range): (usize, &Range<u64>)| {
            // The line break before a boundary belongs to it. Before the first there is nothing to end.
            let mut text = if index == 0 { Vec::new() } else { b"\r\n".to_vec() };
            text.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            if let Some(value) = content_type {
                text.extend_from_slice(b"Content-Type: ");
                text.extend_from_slice(value.as_bytes());
                text.extend_from_slice(b"\r\n");
            }
            let (first, last) = (range.start, range.end - 1);
            text.extend_from_slice(
                format!("Content-Range: bytes {first}-{last}/{length}\r\n\r\n").as_bytes(),
            );
            (text, range.clone())
        };
        let parts = ranges.iter().enumerate().map(part).collect();
        let closing = format!("\r\n--{boundary}--\r\n").into_bytes();
        Self { boundary, parts, closing }
    }

    /// The Content-Type of the answer.
    pub fn content_type(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("multipart/byteranges; boundary={}", self.boundary)).ok()
    }

    /// The Content-Length of the answer.
    pub fn content_length(&self) -> u64 {
        let parts = self.parts.iter().map(|(text, range)| text.len() as u64 + (range.end - range.start));
        parts.sum::<u64>() + self.closing.len() as u64
    }

    /// The pieces of the content, in order.
    pub fn into_pieces(self) -> impl Iterator<Item = Piece> {
        let parts = self.parts.into_iter();
        let parts = parts.flat_map(|(text, range)| [Piece::Text(text), Piece::Content(range)]);
        parts.chain([Piece::Text(self.closing)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_section_15_3_7_2_each_part_has_the_type_and_says_its_range() {
        let text = HeaderValue::from_static("text/plain");
        let multipart = Multipart::new(&[0..2, 4..5], 10, Some(&text), 0xab);
        let boundary = format!("{:0>32}", "ab");
        let expected = [
            Piece::Text(
                format!("--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n")
                    .into(),
            ),
            Piece::Content(0..2),
            Piece::Text(
                format!(
                    "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 4-4/10\r\n\r\n"
                )
                .into(),
            ),
            Piece::Content(4..5),
            Piece::Text(format!("\r\n--{boundary}--\r\n").into()),
        ];
        assert_eq!(
            multipart.content_type().unwrap(),
            format!("multipart/byteranges; boundary={boundary}").as_str()
        );
        assert_eq!(multipart.into_pieces().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rfc9110_section_15_3_7_2_what_has_no_type_states_none() {
        let multipart = Multipart::new(&[0..2, 4..5], 10, None, 0);
        let text = format!("{:?}", multipart.into_pieces().collect::<Vec<_>>());
        assert!(!text.contains("Content-Type"));
    }
}
