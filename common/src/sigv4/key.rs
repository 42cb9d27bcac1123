//! The signing key and the string to sign.

use ring::{digest, hmac};

use crate::secret::SecretString;
use crate::sigv4::{ALGORITHM, Scope, TERMINATOR, hex};

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// A key for one day, region and service; it can't be turned back into the secret.
pub(super) struct SigningKey(hmac::Key);

impl SigningKey {
    /// `day` is `YYYYMMDD`.
    pub fn derive(secret: &SecretString, day: &str, scope: Scope<'_>) -> Self {
        let first = zeroize::Zeroizing::new(format!("AWS4{}", secret.expose()));
        let start = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
        Self(
            [day, scope.region, scope.service, TERMINATOR]
                .into_iter()
                .fold(start, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())),
        )
    }

    pub fn sign(&self, string_to_sign: &str) -> String {
        hex::encode(hmac::sign(&self.0, string_to_sign.as_bytes()).as_ref())
    }

    /// In constant time.
    pub fn matches(&self, string_to_sign: &str, signature: &[u8; 32]) -> bool {
        hmac::verify(&self.0, string_to_sign.as_bytes(), signature).is_ok()
    }
}

/// `amz_date` is the value of `X-Amz-Date`, `day` its first eight digits.
pub(super) fn string_to_sign(amz_date: &str, day: &str, scope: Scope<'_>, canonical_request: &[u8]) -> String {
    let digest = hex::encode(&sha256(canonical_request));
    format!("{ALGORITHM}\n{amz_date}\n{day}/{}/{}/{TERMINATOR}\n{digest}", scope.region, scope.service)
}
