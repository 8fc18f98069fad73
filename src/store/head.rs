//! The field lines of a stored head as one block of bytes.
//!
//! A map of fields costs about 2 KB for eight of them; the block costs their text, and an HTTP/1.1 answer can send it
//! as it is. A map is built from it where one is needed.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use memchr::{memchr, memchr_iter};

const COLON: &[u8] = b": ";
const CRLF: &[u8] = b"\r\n";

/// Field lines, `name: value` and CRLF each, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadBlock(Bytes);

impl HeadBlock {
    /// The block of these fields, in one exact allocation.
    pub fn from_fields<'a, I>(fields: I) -> Self
    where
        I: IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)> + Clone,
    {
        let size = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len() + COLON.len() + value.len() + CRLF.len()
        };
        let mut block = Vec::with_capacity(fields.clone().into_iter().map(size).sum());
        for (name, value) in fields {
            for part in [name.as_str().as_bytes(), COLON, value.as_bytes(), CRLF] {
                block.extend_from_slice(part);
            }
        }
        Self(Bytes::from(block))
    }

    /// A block of lines that are made already, each with its CRLF.
    pub fn from_lines(lines: impl Into<Bytes>) -> Self {
        Self(lines.into())
    }

    /// The block as it goes over the wire, without the empty line that ends a head.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// How many fields there are, repeated ones as often as they were given.
    pub fn count(&self) -> usize {
        // Each line has one CR, at its end.
        memchr_iter(b'\r', &self.0).count()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields again, in order, repeated ones as often as they were given. Values are slices of the block.
    pub fn fields(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> + '_ {
        self.lines().filter_map(|(name, value)| {
            // Both were valid when they were written, and nothing changes a block.
            let name = HeaderName::from_bytes(name).ok()?;
            let value = HeaderValue::from_maybe_shared(self.0.slice_ref(value)).ok()?;
            Some((name, value))
        })
    }

    /// The names, in lower case, and the values as bytes: nothing is allocated or checked.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let colon = memchr(b':', rest)?;
            let (name, value) = (rest.get(..colon)?, rest.get(colon + COLON.len()..)?);
            // Neither CR nor LF can be in a value.
            let end = memchr(b'\r', value)?;
            rest = value.get(end + CRLF.len()..)?;
            Some((name, value.get(..end)?))
        })
    }
}
