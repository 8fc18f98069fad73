//! Percent-encoding in canonical form (RFC 3986 sections 2.1 to 2.4 and 6.2.2): unreserved characters are decoded,
//! everything else that is encoded stays encoded, with upper-case digits, and what a URI may not hold is encoded.

use std::borrow::Cow;

/// May stand for itself anywhere in a URI, and means the same when it is encoded (RFC 3986 section 2.3).
const UNRESERVED: u8 = 1;
/// May stand for itself in a path: pchar, and the slash (section 3.3).
const PATH: u8 = 2;
/// May stand for itself in a query: pchar, slash and question mark (section 3.4).
const QUERY: u8 = 4;
/// May be in the name of a host, percent-encoding aside (section 3.2.2).
const HOST: u8 = 8;
/// The same in canonical form, which has no capitals.
const CANONICAL_HOST: u8 = 16;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the loop ends at 255; u8::try_from is not const"
        )]
        let b = byte as u8;
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') {
            table[byte] = UNRESERVED | PATH | QUERY | HOST;
        }
        if is_sub_delim(b) {
            table[byte] = PATH | QUERY | HOST;
        }
        if matches!(b, b':' | b'@' | b'/') {
            table[byte] = PATH | QUERY;
        }
        if b == b'?' {
            table[byte] = QUERY;
        }
        if table[byte] & HOST != 0 && !b.is_ascii_uppercase() {
            table[byte] |= CANONICAL_HOST;
        }
        byte += 1;
    }
    table
}

/// A `sub-delims` of RFC 3986 section 2.2.
pub(super) const fn is_sub_delim(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

/// An `unreserved` character of RFC 3986 section 2.3.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    CLASSES[byte as usize] & UNRESERVED != 0
}

/// A byte of `reg-name` that is not percent-encoded (section 3.2.2 there).
pub(super) const fn is_of_host(byte: u8) -> bool {
    CLASSES[byte as usize] & HOST != 0
}

/// The same in canonical form.
pub(super) const fn is_of_canonical_host(byte: u8) -> bool {
    CLASSES[byte as usize] & CANONICAL_HOST != 0
}

/// Where a text stands, and so which bytes stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Component {
    Path,
    Query,
}

impl Component {
    /// Whether the byte stands for itself in this component. The percent sign never does.
    pub(super) const fn allows(self, byte: u8) -> bool {
        let class = match self {
            Self::Path => PATH,
            Self::Query => QUERY,
        };
        CLASSES[byte as usize] & class != 0
    }
}

/// What one percent sign and what follows it are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// Two hexadecimal digits follow: the byte that they stand for, and whether this is its canonical form.
    Byte { byte: u8, canonical: bool },
    /// They do not.
    Invalid,
}

/// Reads the escape that starts at `at`, where a percent sign stands.
pub(super) fn escape_at(bytes: &[u8], at: usize) -> Escape {
    let (Some(&high), Some(&low)) = (bytes.get(at + 1), bytes.get(at + 2)) else { return Escape::Invalid };
    let (Some(h), Some(l)) = (hex(high), hex(low)) else { return Escape::Invalid };
    let byte = h << 4 | l;
    let canonical = !is_unreserved(byte) && !high.is_ascii_lowercase() && !low.is_ascii_lowercase();
    Escape::Byte { byte, canonical }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The text in canonical percent-encoding; `None` where it holds an invalid escape, which has no canonical form.
pub(super) fn canonical(text: &str, component: Component) -> Option<Cow<'_, str>> {
    let bytes = text.as_bytes();
    let mut is_canonical = true;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            match escape_at(bytes, at) {
                Escape::Byte { canonical, .. } => is_canonical &= canonical,
                Escape::Invalid => return None,
            }
            at += 3;
        } else {
            is_canonical &= component.allows(byte);
            at += 1;
        }
    }
    Some(if is_canonical { Cow::Borrowed(text) } else { Cow::Owned(rewrite(bytes, component)) })
}

/// The text with what a URI may not hold encoded, and everything else, invalid escapes too, byte for byte. Two
/// texts share a result only where they differ in how such bytes are spelled.
pub(super) fn sendable(text: &str, component: Component) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b'%' || component.allows(byte)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte == b'%' || component.allows(byte) {
            out.push(byte.into());
        } else {
            push_escaped(&mut out, byte);
        }
    }
    Cow::Owned(out)
}

fn rewrite(bytes: &[u8], component: Component) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%'
            && let Escape::Byte { byte, .. } = escape_at(bytes, at)
        {
            if is_unreserved(byte) {
                out.push(byte.into());
            } else {
                push_escaped(&mut out, byte);
            }
            at += 3;
        } else {
            if component.allows(byte) {
                out.push(byte.into());
            } else {
                push_escaped(&mut out, byte);
            }
            at += 1;
        }
    }
    out
}

fn push_escaped(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(DIGITS[usize::from(byte >> 4)].into());
    out.push(DIGITS[usize::from(byte & 15)].into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_characters_are_decoded_and_others_kept_in_upper_case() {
        assert_eq!(canonical("%7euser%2f%C3%a9", Component::Path).unwrap(), "~user%2F%C3%A9");
        assert_eq!(canonical("a?b", Component::Path).unwrap(), "a%3Fb");
        assert_eq!(canonical("a?b", Component::Query).unwrap(), "a?b");
    }

    #[test]
    fn what_is_canonical_is_borrowed() {
        assert!(matches!(canonical("/a%2Fb:@!", Component::Path), Some(Cow::Borrowed(_))));
        assert!(matches!(canonical("/a%2fb", Component::Path), Some(Cow::Owned(_))));
    }

    #[test]
    fn an_invalid_escape_has_no_canonical_form_but_can_be_sent_as_it_came() {
        for text in ["%", "%2", "%zz", "%%411", "a%4\u{e9}"] {
            assert_eq!(canonical(text, Component::Query), None, "{text}");
        }
        assert_eq!(sendable("%%411", Component::Query), "%%411");
        assert_eq!(sendable("%4\"1", Component::Query), "%4%221");
    }
}
