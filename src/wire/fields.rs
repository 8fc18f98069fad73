//! Field lines, as far as they decide where a message ends and for whom it is (RFC 9112 sections 5 and 6, RFC 9110
//! section 7.6.1).

use super::{
    Framing, Version, Violation,
    line::{ByteSet, TOKEN},
};

/// The most digits of a length: no message is that long, and no reader's integer is too small for it.
const MOST_DIGITS: usize = 15;

/// What a Host may hold; whether it is a host is for who reads it.
static HOST: ByteSet = ByteSet::alphanumeric_and(b"-._~!$&'()*+,;=:[]%");

/// Fields for everybody on the way: a Connection that names one would make the next hop lose it.
const END_TO_END: [&[u8]; 12] = [
    b"host",
    b"content-length",
    b"transfer-encoding",
    b"content-type",
    b"content-encoding",
    b"content-range",
    b"cache-control",
    b"authorization",
    b"cookie",
    b"set-cookie",
    b"range",
    b"trailer",
];

/// Fields that have no place behind the content: who read the head has acted without them.
const ONLY_IN_HEAD: [&[u8]; 7] =
    [b"host", b"content-length", b"transfer-encoding", b"connection", b"te", b"upgrade", b"trailer"];

/// What the fields of a head have said so far.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one field, there or not, and any of them may be")]
pub(super) struct Said {
    pub(super) count: usize,
    host: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
    close: bool,
    keep_alive: bool,
}

impl Said {
    /// Reads one more field, whose value has its white space still.
    pub(super) fn read(&mut self, name: &[u8], value: &[u8]) -> Result<(), Violation> {
        self.count += 1;
        // Only names of these lengths decide anything, and most fields have another. No line has white space but space
        // and HTAB: the others are control characters.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.host(value.trim_ascii()),
            7 if name.eq_ignore_ascii_case(b"upgrade") => {
                self.upgrade = true;
                Ok(())
            }
            10 if name.eq_ignore_ascii_case(b"connection") => self.connection(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => self.length(value.trim_ascii()),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.coding(value.trim_ascii()),
            _ => Ok(()),
        }
    }

    fn connection(&mut self, value: &[u8]) -> Result<(), Violation> {
        let mut is_faulty = false;
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            is_faulty |= END_TO_END.iter().any(|known| known.eq_ignore_ascii_case(option));
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
        if is_faulty { Err(Violation::ConnectionOption) } else { Ok(()) }
    }

    fn host(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.host {
            return Err(Violation::HostRepeated);
        }
        self.host = true;
        if value.is_empty() || !HOST.holds_all(value) { Err(Violation::HostInvalid) } else { Ok(()) }
    }

    fn length(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.length.is_some() {
            return Err(Violation::LengthRepeated);
        }
        self.length = Some(decimal(value).ok_or(Violation::LengthInvalid)?);
        if self.chunked { Err(Violation::LengthAndCoding) } else { Ok(()) }
    }

    fn coding(&mut self, value: &[u8]) -> Result<(), Violation> {
        if self.chunked {
            return Err(Violation::CodingRepeated);
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(Violation::Coding);
        }
        self.chunked = true;
        if self.length.is_some() { Err(Violation::LengthAndCoding) } else { Ok(()) }
    }

    /// Whether the message asks for another protocol on this connection.
    pub(super) const fn asks_for_upgrade(&self) -> bool {
        self.upgrade
    }

    /// Whether the connection goes on behind the message and its answer: not if either side says so, and in the old
    /// version only if it is said.
    pub(super) const fn persists(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close,
        }
    }

    /// Whether there was a Host.
    pub(super) const fn has_host(&self) -> bool {
        self.host
    }

    /// What says where the content ends; `None` where no field does.
    pub(super) const fn framing(&self, version: Version) -> Result<Option<Framing>, Violation> {
        match (self.chunked, self.length, version) {
            (true, _, Version::Http10) => Err(Violation::CodingInOldVersion),
            (true, ..) => Ok(Some(Framing::Chunked)),
            (false, Some(length), _) => Ok(Some(Framing::Length(length))),
            (false, None, _) => Ok(None),
        }
    }
}

/// Checks a line of a trailer section.
pub(super) fn trailer(line: &[u8]) -> Result<(), Violation> {
    let (name, _) = split(line)?;
    if ONLY_IN_HEAD.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Err(Violation::TrailerField);
    }
    Ok(())
}

/// The name and the value of a field line, the value with its white space.
pub(super) fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let (name, rest) = line.split_at(TOKEN.prefix(line));
    match rest {
        [b':', value @ ..] if !name.is_empty() => Ok((name, value)),
        [b' ' | b'\t', ..] if name.is_empty() => Err(Violation::Folding),
        [b' ' | b'\t', ..] => Err(Violation::SpaceBeforeColon),
        _ => Err(Violation::FieldName),
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let is_length = (1..=MOST_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_length.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// The size that begins this line of a chunked body, and how many bytes of extensions follow it.
pub(super) fn chunk_size(line: &[u8]) -> Result<(u64, usize), Violation> {
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (size, extensions) = line.split_at(digits);
    if !(1..=MOST_DIGITS).contains(&size.len()) || !matches!(extensions, [] | [b';', ..]) {
        return Err(Violation::ChunkSize);
    }
    let digit = |byte: u8| u64::from(char::from(byte).to_digit(16).unwrap_or_default());
    Ok((size.iter().fold(0, |number, byte| number << 4 | digit(*byte)), extensions.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &[&str]) -> Result<Option<Framing>, Violation> {
        let mut said = Said::default();
        for line in lines {
            let (name, value) = split(line.as_bytes())?;
            said.read(name, value)?;
        }
        said.framing(Version::Http11)
    }

    #[test]
    fn a_length_is_up_to_fifteen_digits() {
        assert_eq!(said(&["Content-Length: \t5 "]), Ok(Some(Framing::Length(5))));
        assert_eq!(said(&["content-length:007"]), Ok(Some(Framing::Length(7))));
        assert_eq!(
            said(&["content-length: 999999999999999"]),
            Ok(Some(Framing::Length(999_999_999_999_999)))
        );
        for bad in [
            "",
            "+5",
            "-1",
            "0x10",
            "5,6",
            "5, 5",
            "5 5",
            "18446744073709551616",
            "1000000000000000",
            "5;",
            "\u{b2}",
        ] {
            assert_eq!(said(&[&format!("content-length: {bad}")]), Err(Violation::LengthInvalid), "{bad:?}");
        }
    }

    #[test]
    fn one_field_says_where_the_content_ends() {
        assert_eq!(said(&["x: 1"]), Ok(None));
        assert_eq!(said(&["Transfer-Encoding: Chunked"]), Ok(Some(Framing::Chunked)));
        for bad in [
            "gzip",
            "gzip, chunked",
            "chunked, chunked",
            ",chunked",
            "chunked,",
            "",
            "chunked;q=1",
            "xchunked",
        ] {
            assert_eq!(said(&[&format!("transfer-encoding: {bad}")]), Err(Violation::Coding), "{bad:?}");
        }
        let (length, coding) = ("content-length: 5", "transfer-encoding: chunked");
        assert_eq!(said(&[length, length]), Err(Violation::LengthRepeated));
        assert_eq!(said(&[coding, coding]), Err(Violation::CodingRepeated));
        assert_eq!(said(&[length, coding]), Err(Violation::LengthAndCoding));
        assert_eq!(said(&[coding, length]), Err(Violation::LengthAndCoding));
        let mut old = Said::default();
        old.read(b"transfer-encoding", b" chunked").unwrap();
        assert_eq!(old.framing(Version::Http10), Err(Violation::CodingInOldVersion));
    }

    #[test]
    fn a_field_line_begins_with_a_token_and_a_colon() {
        for (line, violation) in [
            (" x: 1", Violation::Folding),
            ("\tx", Violation::Folding),
            ("x : 1", Violation::SpaceBeforeColon),
            ("x\t: 1", Violation::SpaceBeforeColon),
            ("x", Violation::FieldName),
            (": 1", Violation::FieldName),
            ("a(b: 1", Violation::FieldName),
            ("\u{e9}: 1", Violation::FieldName),
        ] {
            assert_eq!(said(&[line]), Err(violation), "{line:?}");
        }
        assert_eq!(said(&["x:", "X-!#$%&'*+.^_`|~: \u{e9}"]), Ok(None));
    }

    #[test]
    fn host_is_there_once_and_is_a_host() {
        for bad in ["", " ", "a b", "a/b", "user@a", "a?b", "a#b", "\u{e9}", "a\\b", "a\"b"] {
            assert_eq!(said(&[&format!("host: {bad}")]), Err(Violation::HostInvalid), "{bad:?}");
        }
        assert_eq!(said(&["host: [::1]:80"]), Ok(None));
        assert_eq!(said(&["host: a", "Host: a"]), Err(Violation::HostRepeated));
    }

    #[test]
    fn connection_names_only_fields_of_the_connection() {
        for bad in ["Host", "close, content-length", "x,\tTransfer-Encoding , y", ",cookie"] {
            assert_eq!(said(&[&format!("connection: {bad}")]), Err(Violation::ConnectionOption), "{bad:?}");
        }
        assert_eq!(said(&["connection: close, te, X-Host, upgrade, , keep-alive"]), Ok(None));
    }

    #[test]
    fn a_chunk_begins_with_up_to_fifteen_hexadecimal_digits() {
        assert_eq!(chunk_size(b"0"), Ok((0, 0)));
        assert_eq!(chunk_size(b"00aF"), Ok((0xaf, 0)));
        assert_eq!(chunk_size(b"fffffffffffffff;a=\"b\""), Ok((0x0fff_ffff_ffff_ffff, 6)));
        for bad in [
            "",
            "0x1",
            "-1",
            "+1",
            "Z",
            " 1",
            "1 ",
            "1 ;a",
            ";a",
            "1,",
            "10000000000000000",
            "1000000000000000",
        ] {
            assert_eq!(chunk_size(bad.as_bytes()), Err(Violation::ChunkSize), "{bad:?}");
        }
    }

    #[test]
    fn a_trailer_section_has_no_fields_that_decide_about_the_message() {
        assert_eq!(trailer(b"x-checksum: 1"), Ok(()));
        assert_eq!(trailer(b"Content-Length: 5"), Err(Violation::TrailerField));
        assert_eq!(trailer(b"host: a"), Err(Violation::TrailerField));
        assert_eq!(trailer(b" x: 1"), Err(Violation::Folding));
    }
}
