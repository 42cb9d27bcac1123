//! What the server keeps instead of a password.

use common::secret::SecretBytes;
use crypto_bigint::{U256, U3072};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::group::{ELEMENT_BYTES, Element, PublicValue, element_bytes, hash, pad, power_of_g, to_hex};
use super::identity::Identity;
use crate::entropy::{self, NoEntropy};

const SALT_BYTES: usize = 16;
/// A device chooses its own salt: 16 bytes and a sign byte in every known client.
const MAX_SALT_BYTES: usize = 64;

/// A stored or received verifier is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an SRP verifier")]
pub struct InvalidVerifier;

/// Salt and v = g^x. With it one can guess passwords offline and play the server, so it is stored enveloped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Verifier {
    /// Big-endian, without leading zeros: the number that clients read from `SALT`.
    salt: Vec<u8>,
    value: [u8; ELEMENT_BYTES],
}

impl Verifier {
    /// Makes the verifier for a new password, with a fresh salt. The password is its exact bytes. Takes about 1 ms.
    pub fn create(identity: Identity<'_>, password: &[u8]) -> Result<Self, NoEntropy> {
        Ok(Self::with_salt(identity, password, &fresh_salt()?))
    }

    pub(super) fn with_salt(identity: Identity<'_>, password: &[u8], salt: &[u8]) -> Self {
        let inner = hash(&[identity.realm.as_bytes(), identity.name.as_bytes(), b":", password]);
        let mut x = U256::from_be_slice(&hash(&[&pad(salt), &inner]));
        let value = element_bytes(&power_of_g(&x));
        x.zeroize();
        Self { salt: without_leading_zeros(salt), value }
    }

    /// A verifier that a device computed itself (`DeviceSecretVerifierConfig`): both parts big-endian, 0 < v < N.
    pub fn from_parts(salt: &[u8], value: &[u8]) -> Result<Self, InvalidVerifier> {
        let value = without_leading_zeros(value);
        if salt.is_empty() || salt.len() > MAX_SALT_BYTES || value.len() > ELEMENT_BYTES {
            return Err(InvalidVerifier);
        }
        let mut wide = [0; ELEMENT_BYTES];
        wide.iter_mut().rev().zip(value.iter().rev()).for_each(|(to, from)| *to = *from);
        PublicValue::from_integer(U3072::from_be_slice(&wide)).map_err(|_| InvalidVerifier)?;
        Ok(Self { salt: without_leading_zeros(salt), value: wide })
    }

    /// For storage, enveloped: the length of the salt, the salt, v.
    pub fn to_bytes(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(1 + self.salt.len() + ELEMENT_BYTES);
        out.push(self.salt.len() as u8); // at most MAX_SALT_BYTES
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.value);
        SecretBytes::new(out)
    }

    pub fn from_bytes(stored: &[u8]) -> Result<Self, InvalidVerifier> {
        let (&length, rest) = stored.split_first().ok_or(InvalidVerifier)?;
        let (salt, value) = rest.split_at_checked(usize::from(length)).ok_or(InvalidVerifier)?;
        if value.len() != ELEMENT_BYTES {
            return Err(InvalidVerifier);
        }
        Self::from_parts(salt, value)
    }

    /// `SALT` as Cognito writes it: lower-case hexadecimal without leading zeros. (Clients disagree about leading zeros.)
    pub fn salt_hex(&self) -> String {
        to_hex(&self.salt)
    }

    /// v, big-endian: for [`Verifier::from_parts`].
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    pub(super) fn element(&self) -> Element {
        Element::new(&U3072::from_be_slice(&self.value))
    }

    pub(super) fn from_decoy(salt: [u8; SALT_BYTES], value: [u8; ELEMENT_BYTES]) -> Self {
        Self { salt: shape_salt(salt).to_vec(), value }
    }
}

fn fresh_salt() -> Result<[u8; SALT_BYTES], NoEntropy> {
    entropy::bytes().map(shape_salt)
}

/// Sets a bit of the first digit: `SALT` then always has 32 digits, for clients that would stumble over an odd number of them.
fn shape_salt(mut salt: [u8; SALT_BYTES]) -> [u8; SALT_BYTES] {
    if let Some(first) = salt.first_mut() {
        *first |= 0x10;
    }
    salt
}

fn without_leading_zeros(big_endian: &[u8]) -> Vec<u8> {
    let zeros = big_endian.iter().take_while(|&&byte| byte == 0).count();
    match big_endian.get(zeros..) {
        Some(digits) if !digits.is_empty() => digits.to_vec(),
        _ => vec![0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANE: Identity<'_> = Identity { realm: "AbCdEf123", name: "jane" };

    #[test]
    fn stored_and_read_back() {
        let verifier = Verifier::create(JANE, b"Secret 1!").unwrap();
        let read = Verifier::from_bytes(verifier.to_bytes().expose()).unwrap();
        assert_eq!((read.salt_hex(), read.value), (verifier.salt_hex(), verifier.value));
        assert_eq!(verifier.salt_hex().len(), 32);
        assert_ne!(verifier.salt_hex(), Verifier::create(JANE, b"Secret 1!").unwrap().salt_hex());
    }

    #[test]
    fn nonsense_is_refused() {
        let good = Verifier::create(JANE, b"x").unwrap().to_bytes();
        let bytes = good.expose();
        for cut in [0, 1, 16, 17, bytes.len() - 1] {
            assert!(Verifier::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(Verifier::from_parts(&[1], &[0; 384]).is_err(), "v = 0");
        assert!(Verifier::from_parts(&[1], &[0xff; 384]).is_err(), "v > N");
        assert!(Verifier::from_parts(&[1], &[1; 386]).is_err(), "too long");
        assert!(Verifier::from_parts(&[], &[1; 384]).is_err(), "no salt");
        assert!(Verifier::from_parts(&[1; 65], &[1; 384]).is_err(), "long salt");
        assert!(Verifier::from_parts(&[0, 0x80], &[&[0], [1; 384].as_slice()].concat()).is_ok(), "sign bytes");
    }
}
