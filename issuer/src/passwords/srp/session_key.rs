//! From S to the key that signs, and the signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{hkdf, hmac};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::group::{Element, element_bytes, pad};
use super::identity::Identity;

const INFO: &[u8] = b"Caldera Derived Key";
const KEY_BYTES: usize = 16;

pub(super) struct SessionKey(hmac::Key);

impl SessionKey {
    /// HKDF-SHA256 with pad(S) as key material and pad(u) as salt (RFC 5869), the first 16 bytes.
    pub(super) fn derive(s: &Element, u: &[u8; 32]) -> Option<Self> {
        let secret = Zeroizing::new(element_bytes(s));
        let padded = Zeroizing::new(pad(secret.as_slice()));
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, &pad(u))
            .extract(&padded)
            .expand(&[INFO], KeyLength)
            .and_then(|okm| okm.fill(key.as_mut_slice()))
            .ok()?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_slice())))
    }

    /// Whether `claimed` is base64(HMAC(key, realm ‖ name ‖ secret block ‖ timestamp)). The comparison is constant-time.
    pub(super) fn signed(&self, identity: Identity<'_>, block: &[u8], timestamp: &str, claimed: &str) -> Choice {
        let expected = STANDARD.encode(self.signature(identity, block, timestamp));
        expected.as_bytes().ct_eq(claimed.as_bytes())
    }

    pub(super) fn signature(&self, identity: Identity<'_>, block: &[u8], timestamp: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [identity.realm.as_bytes(), identity.name.as_bytes(), block, timestamp.as_bytes()] {
            context.update(part);
        }
        context.sign()
    }
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}
