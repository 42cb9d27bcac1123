//! A pool's data key: seals the pool's cells and gives it HMAC keys.

use common::secret::SecretBytes;
use ring::hmac;

use super::cipher::{Cipher, OpenError, SealError};
use super::context::Context;

/// The unwrapped data key of one pool. Cheap to share behind an `Arc`.
pub struct PoolKey {
    scope: String,
    cipher: Cipher,
    derive: hmac::Key,
}

impl PoolKey {
    /// `None` unless `key` has 32 bytes.
    pub(super) fn new(scope: &str, key: &[u8]) -> Option<Self> {
        if key.len() != 32 {
            return None;
        }
        // The data key itself encrypts nothing: sealing and every HMAC purpose have their own key, HMAC(data key, label), which
        // cannot fail.
        let derive = hmac::Key::new(hmac::HMAC_SHA256, key);
        let cipher = Cipher::new(hmac::sign(&derive, b"tollgate seal 1").as_ref())?;
        Some(Self { scope: scope.to_owned(), cipher, derive })
    }

    /// The pool this key belongs to.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Seals `plaintext` for one cell. Two calls never give the same bytes.
    pub fn seal(&self, context: Context<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        self.cipher.seal(&context.additional_data(&self.scope), plaintext)
    }

    /// Opens what [`PoolKey::seal`] made for the same cell of the same pool.
    pub fn open(&self, context: Context<'_>, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        self.cipher.open(&context.additional_data(&self.scope), sealed)
    }

    /// The pool's HMAC-SHA256 key for one purpose, the same at every call. `purpose` is a constant of the module that asks.
    pub fn hmac_key(&self, purpose: &'static str) -> hmac::Key {
        let label = [b"tollgate hmac 1 ".as_slice(), purpose.as_bytes()].concat();
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&self.derive, &label).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Context<'_> = Context { table: "signing_keys", row: &["kid-1"], column: "private_key" };

    fn key(scope: &str, fill: u8) -> PoolKey {
        PoolKey::new(scope, &[fill; 32]).unwrap()
    }

    #[test]
    fn opens_in_its_own_cell() {
        let key = key("eu_a", 1);
        let sealed = key.seal(HERE, b"secret").unwrap();
        assert_eq!(sealed.len(), b"secret".len() + super::super::OVERHEAD_BYTES);
        assert_eq!(key.open(HERE, &sealed).unwrap().expose(), b"secret");
        assert_ne!(sealed, key.seal(HERE, b"secret").unwrap());
    }

    #[test]
    fn a_moved_ciphertext_does_not_open() {
        let home = key("eu_a", 1);
        let sealed = home.seal(HERE, b"secret").unwrap();
        let elsewhere = [
            Context { table: "totp", ..HERE },
            Context { row: &["kid-2"], ..HERE },
            Context { row: &["kid-1", ""], ..HERE },
            Context { column: "public_key", ..HERE },
        ];
        for context in elsewhere {
            assert_eq!(home.open(context, &sealed).unwrap_err(), OpenError::Refused, "{context:?}");
        }
        assert_eq!(key("eu_b", 1).open(HERE, &sealed).unwrap_err(), OpenError::Refused, "another pool, same key bytes");
        assert_eq!(key("eu_a", 2).open(HERE, &sealed).unwrap_err(), OpenError::Refused, "same pool, another key");
    }

    #[test]
    fn a_damaged_ciphertext_does_not_open() {
        let key = key("eu_a", 1);
        let sealed = key.seal(HERE, b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(key.open(HERE, &damaged).is_err(), "byte {at}");
            assert!(key.open(HERE, &sealed[..at]).is_err(), "cut at {at}");
        }
        let mut newer = sealed;
        newer[0] = 2;
        assert_eq!(key.open(HERE, &newer).unwrap_err(), OpenError::UnknownVersion(2));
    }

    #[test]
    fn hmac_keys_are_stable_and_differ_by_purpose_and_pool_key() {
        let tag = |key: &PoolKey, purpose| hmac::sign(&key.hmac_key(purpose), b"x").as_ref().to_vec();
        let (one, two) = (key("eu_a", 1), key("eu_a", 2));
        assert_eq!(tag(&one, "codes"), tag(&one, "codes"));
        assert_ne!(tag(&one, "codes"), tag(&one, "decoys"));
        assert_ne!(tag(&one, "codes"), tag(&two, "codes"));
    }
}
