//! The bytes of a key: every part with its length before it, so that no part can run into the next.
//!
//! A length is written in groups of seven bits, lowest first, each but the last with its top bit set: one byte for
//! most parts, and no length is the beginning of another.

/// How long a key may be that needs no allocation while it is written, in bytes.
const SHORT: usize = 192;

/// Writes the parts of a key.
pub(super) struct Writer {
    short: [u8; SHORT],
    len: usize,
    /// All of it, where it is longer than that.
    long: Vec<u8>,
}

impl Writer {
    pub(super) const fn new() -> Self {
        Self { short: [0; SHORT], len: 0, long: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.long.is_empty() {
            if let Some(room) = self.short[self.len..].get_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
                return;
            }
            self.long = Vec::with_capacity(2 * (self.len + bytes.len()));
            self.long.extend_from_slice(&self.short[..self.len]);
        }
        self.long.extend_from_slice(bytes);
    }

    pub(super) fn byte(&mut self, byte: u8) {
        match self.short.get_mut(self.len) {
            Some(place) if self.long.is_empty() => {
                *place = byte;
                self.len += 1;
            }
            _ => self.push(&[byte]),
        }
    }

    pub(super) fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.byte(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.byte(number.to_le_bytes()[0]);
    }

    pub(super) fn part(&mut self, part: &[u8]) {
        self.number(part.len());
        self.push(part);
    }

    pub(super) fn optional(&mut self, part: Option<&[u8]>) {
        self.byte(part.is_some().into());
        if let Some(part) = part {
            self.part(part);
        }
    }

    /// What was written.
    pub(super) fn bytes(&self) -> &[u8] {
        if self.long.is_empty() { &self.short[..self.len] } else { &self.long }
    }
}

/// Reads the parts of a key in the order in which they were written. What is not there reads as empty: a key is made
/// by a [`Writer`] only, so that this is never seen.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    pub(super) fn number(&mut self) -> usize {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let group = self.byte();
            number |= usize::from(group & 0x7f) << shift;
            if group & 0x80 == 0 {
                break;
            }
        }
        number
    }

    pub(super) fn part(&mut self) -> &'a [u8] {
        let len = self.number();
        self.take(len)
    }

    pub(super) fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.part()).unwrap_or_default()
    }

    pub(super) fn optional(&mut self) -> Option<&'a [u8]> {
        (self.byte() == 1).then(|| self.part())
    }

    pub(super) fn optional_text(&mut self) -> Option<&'a str> {
        self.optional().map(|part| std::str::from_utf8(part).unwrap_or_default())
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let taken = rest.get(..len).unwrap_or(rest);
        self.position += taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(parts in proptest::collection::vec(
            proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)), 0..6)) {
            let mut writer = Writer::new();
            for part in &parts {
                writer.optional(part.as_deref());
            }
            let bytes = writer.bytes();
            let mut reader = Reader::new(bytes);
            for part in &parts {
                prop_assert_eq!(reader.optional(), part.as_deref());
            }
            prop_assert_eq!(reader.position(), bytes.len());
        }

        #[test]
        fn every_number_is_read_back(number: usize) {
            let mut writer = Writer::new();
            writer.number(number);
            prop_assert_eq!(Reader::new(writer.bytes()).number(), number);
        }
    }
}
