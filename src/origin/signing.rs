//! What is signed, and what nobody can guess: both come from ring, which the crate has for TLS already. jsonwebtoken takes
//! its cryptography from outside, and gets no more of it than the origin needs: HS256.

use std::fmt;

use http::StatusCode;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result as JwtResult};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::Refusal;

/// Signs claims (as a JWT under HS256) and reads back those that it signed. Two seals of one key are the same seal.
pub(super) struct Seal {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

impl Seal {
    pub(super) fn new(key: &[u8]) -> Self {
        // Whoever was here first in this process: their provider signs the same.
        let _ = PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would compare with the system's clock, a minute late; callers ask the origin's own.
        validation.validate_exp = false;
        Self { sign: EncodingKey::from_secret(key), verify: DecodingKey::from_secret(key), validation }
    }

    /// A seal for one purpose, whose claims no seal for another takes for its own.
    pub(super) fn derived(key: &[u8], purpose: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self::new(hmac::sign(&key, purpose.as_bytes()).as_ref())
    }

    pub(super) fn seal(&self, claims: &impl Serialize) -> Result<String, Refusal> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.sign)
            .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be signed"))
    }

    /// The claims, if the signature is this seal's. When they end is for the caller to check.
    pub(super) fn open<C: DeserializeOwned>(&self, sealed: &str) -> Option<C> {
        jsonwebtoken::decode(sealed, &self.verify, &self.validation).ok().map(|token| token.claims)
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

/// A name of 256 random bits.
pub(super) fn fresh_id() -> Result<String, Refusal> {
    let mut bits = [0; 32];
    SystemRandom::new()
        .fill(&mut bits)
        .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the system gave no random bits"))?;
    Ok(bits.iter().fold(String::new(), |id, byte| format!("{id}{byte:02x}")))
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?)),
    verifier_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?)),
    // Only JWKs need these, and the origin has none.
    key_utils: KeyUtils::new_unimplemented(),
};

struct Hs256(hmac::Key);

impl Hs256 {
    fn new(algorithm: Algorithm, key: &[u8]) -> JwtResult<Self> {
        match algorithm {
            Algorithm::HS256 => Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key))),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        }
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        hmac::verify(&self.0, message, signature).map_err(|_| SignatureError::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The example of RFC 7515, appendix A.1, whose key is 64 bytes.
    #[test]
    fn the_signature_is_that_of_the_rfc() {
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                     cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let mut seal = Seal::new(b"");
        assert_eq!(seal.open::<Value>(token), None);
        seal.verify =
            DecodingKey::from_base64_secret(&format!("{}==", key.replace('-', "+").replace('_', "/")))
                .unwrap();
        assert_eq!(seal.open::<Value>(token).unwrap()["iss"], "joe");
    }

    #[test]
    fn a_seal_opens_what_it_sealed_and_nothing_else() {
        let claims = json!({ "exp": 1, "name": "a" });
        let [one, same] = [Seal::new(b"key"), Seal::new(b"key")];
        let sealed = one.seal(&claims).unwrap();
        assert_eq!(same.open::<Value>(&sealed), Some(claims));
        for other in [Seal::new(b"yek"), Seal::derived(b"key", "p"), Seal::derived(b"key", "q")] {
            assert_eq!(other.open::<Value>(&sealed), None);
        }
        let p = Seal::derived(b"key", "p").seal(&json!({ "exp": 1 })).unwrap();
        assert_eq!(Seal::derived(b"key", "q").open::<Value>(&p), None);
        assert_eq!(one.open::<Value>(&p), None);
    }

    #[test]
    fn fresh_ids_do_not_repeat() {
        let ids: std::collections::HashSet<String> = (0..100).map(|_| fresh_id().unwrap()).collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| id.len() == 64));
    }
}
