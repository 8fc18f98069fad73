//! The token of the admin place, as it is kept and compared.

use std::fmt;

use ring::{hmac, rand::SystemRandom};

/// What opens the admin place. It keeps a keyed hash of the token and not the token, so that nothing can show it, and so that
/// comparing takes as long whatever is right about what was presented.
pub struct Key {
    key: hmac::Key,
    tag: hmac::Tag,
}

impl Key {
    /// The key to a place that this token opens; `None` where the system has no randomness to give.
    pub fn new(token: &str) -> Option<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        let tag = hmac::sign(&key, token.as_bytes());
        Some(Self { key, tag })
    }

    /// Whether this is the token.
    pub(super) fn fits(&self, presented: &[u8]) -> bool {
        hmac::verify(&self.key, presented, self.tag.as_ref()).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_fits_and_it_does_not_show() {
        let key = Key::new("0123456789abcdef").unwrap();
        assert!(key.fits(b"0123456789abcdef"));
        for wrong in [&b""[..], b"0123456789abcde", b"0123456789abcdef ", b"0123456789abcdeg", &[b'0'; 9000]]
        {
            assert!(!key.fits(wrong));
        }
        assert!(!format!("{key:?}").contains("0123"));
    }
}
