//! One line of a message: where it ends, and that there is no control character in it (RFC 9112 section 2.2, RFC 9110
//! section 5.5). Eight bytes are looked at in one step, because every byte of every head comes by here.

use super::Violation;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How far a line has been looked through, so that no byte is looked at twice however slowly the line comes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    /// Where the line begins.
    pub(super) start: usize,
    /// Up to where there is no control character in it but HTAB.
    clean: usize,
}

impl Cursor {
    /// Whether no byte has been looked at.
    pub(super) const fn is_at_start(&self) -> bool {
        self.start == 0 && self.clean == 0
    }

    /// The line that begins here, without its CRLF; `None` where its end is not there yet. The cursor moves behind it.
    pub(super) fn line<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Violation> {
        let mut at = self.clean.max(self.start);
        loop {
            at = control_byte(bytes, at);
            match bytes.get(at) {
                Some(b'\t') => at += 1,
                Some(b'\r') => match bytes.get(at + 1) {
                    Some(b'\n') => {
                        let line = &bytes[self.start..at];
                        *self = Self { start: at + 2, clean: at + 2 };
                        return Ok(Some(line));
                    }
                    Some(_) => return Err(Violation::BareCr),
                    None => break,
                },
                Some(b'\n') => return Err(Violation::BareLf),
                Some(_) => return Err(Violation::ControlByte),
                None => break,
            }
        }
        self.clean = at;
        Ok(None)
    }
}

/// The place of the first control character from `at` on, DEL included; the end where there is none.
fn control_byte(bytes: &[u8], at: usize) -> usize {
    let mut rest = bytes.get(at..).unwrap_or_default();
    while let Some((word, others)) = rest.split_first_chunk::<8>() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return bytes.len() - rest.len() + marks.trailing_zeros() as usize / 8;
        }
        rest = others;
    }
    bytes.len() - rest.len() + rest.iter().position(u8::is_ascii_control).unwrap_or(rest.len())
}

/// The high bit of each byte that is a control character.
const fn marks(word: u64) -> u64 {
    let low = word & !HIGH;
    // No byte carries into the next one: each has its high bit free.
    let at_least_space = low + (0x80 - 0x20) * ONES;
    let is_delete = low + ONES;
    (!at_least_space | is_delete) & !word & HIGH
}

/// A set of bytes.
pub(super) struct ByteSet([bool; 256]);

impl ByteSet {
    /// Letters, digits and these.
    pub(super) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut byte = 0u8;
        while byte < 0x80 {
            set[byte as usize] = byte.is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            set[others[at] as usize] = true;
            at += 1;
        }
        Self(set)
    }

    /// How many of the first bytes are in the set.
    pub(super) fn prefix(&self, bytes: &[u8]) -> usize {
        bytes.iter().position(|byte| !self.0[usize::from(*byte)]).unwrap_or(bytes.len())
    }

    /// Whether all bytes are in the set.
    pub(super) fn holds_all(&self, bytes: &[u8]) -> bool {
        self.prefix(bytes) == bytes.len()
    }
}

/// `tchar` (RFC 9110 section 5.6.2).
pub(super) static TOKEN: ByteSet = ByteSet::alphanumeric_and(b"!#$%&'*+-.^_`|~");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_control_character_is_found_wherever_it_is() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=255u8 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let expected = if byte.is_ascii_control() { at } else { length };
                    assert_eq!(control_byte(&bytes, 0), expected, "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn high_bytes_and_neighbours_are_no_control_characters() {
        let bytes = [0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xff, 0x9f, 0x00, 0x20];
        assert_eq!(control_byte(&bytes, 0), 0);
        assert_eq!(control_byte(&bytes, 1), 3);
        assert_eq!(control_byte(&bytes, 4), 7);
        assert_eq!(control_byte(&bytes, 8), 9);
    }
}
