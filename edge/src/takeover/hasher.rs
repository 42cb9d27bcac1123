//! Names and passwords as digests.
//!
//! HMAC-SHA-256 under a secret that is made at the start of the process, is kept in memory alone, and never leaves it. Nothing that is made of it leaves it
//! either. Who got hold of the digests, but not of the secret, could try no password on them. Of a name's digest 128 bits are used, of a password's 64.

use caseless::default_case_fold_str;
use ring::hmac;
use unicode_normalization::UnicodeNormalization;

use crate::rates::{Key, Secret};

/// Makes digests.
pub struct Hasher(hmac::Key);

impl Hasher {
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Of a name, whichever way it was written: without white space around it, NFC, case-folded. None where nothing is left.
    pub fn name(&self, text: &str) -> Option<Key> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let folded: String = match text.is_ascii() {
            true => text.to_ascii_lowercase(),
            false => default_case_fold_str(&text.nfc().collect::<String>()).nfc().collect(),
        };
        Some(Key(self.digest(b"name", folded.as_bytes())))
    }

    /// Of a password: the exact bytes. None where there are none.
    pub fn password(&self, bytes: &[u8]) -> Option<Key> {
        (!bytes.is_empty()).then(|| Key(self.digest(b"password", bytes) >> 64 << 64))
    }

    /// Of whatever else attempts have in common: a telephone number, a postal address, letters and digits of it.
    pub fn other(&self, what: &[u8], text: &str) -> Option<Key> {
        let plain: String = text.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        (!plain.is_empty()).then(|| Key(self.digest(what, plain.as_bytes())))
    }

    /// Another secret, of the same origin.
    pub fn secret(&self) -> Secret {
        self.digest(b"secret", &[]).to_be_bytes()
    }

    fn digest(&self, what: &[u8], text: &[u8]) -> u128 {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[what.len() as u8]);
        context.update(what);
        context.update(text);
        context.sign().as_ref().iter().take(16).fold(0, |number, byte| (number << 8) | u128::from(*byte))
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_digest_however_it_is_written() {
        let hasher = Hasher::new(&[1; 32]);
        let name = |text: &str| hasher.name(text);
        assert_eq!(name(" Ann@Example.com "), name("ann@example.com"));
        assert_eq!(name("Zo\u{eb}"), name("ZOE\u{308}"));
        assert_ne!(name("ann+1@example.com"), name("ann@example.com"), "another account, as far as issuers say");
        assert_eq!((name("  "), hasher.password(b"")), (None, None));
        assert_ne!(hasher.password(b"Secret"), hasher.password(b"secret"));
        assert_ne!(Hasher::new(&[2; 32]).name("ann"), name("ann"), "another process, another digest");
        assert_eq!(hasher.other(b"phone", "+1 (555) 010-99"), hasher.other(b"phone", "+155501099"));
    }
}
