//! Public keys, decoded and checked once.

use ring::agreement;
use ring::rand::SystemRandom;

use crate::jose::alg::KeyType;
use crate::jose::roca;

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// ring takes exponents up to 33 bits; 4 bytes cover every one in use.
const MAX_EXPONENT_BYTES: usize = 4;

/// A public key that passed the checks of its kind.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Material);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Material {
    /// Big-endian, without leading zeros.
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
    /// Uncompressed point, 65 bytes.
    P256(Box<[u8]>),
    /// Uncompressed point, 97 bytes.
    P384(Box<[u8]>),
    /// 32 bytes.
    Ed25519(Box<[u8]>),
}

/// Why a public key is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublicKey {
    #[error("RSA modulus of a size outside 2048 to 8192 bits, even, or with leading zeros")]
    Modulus,
    #[error("RSA exponent below 3, even, or above 32 bits")]
    Exponent,
    #[error("RSA modulus with the ROCA weakness (CVE-2017-15361)")]
    Roca,
    #[error("not a point of the curve")]
    Point,
}

impl PublicKey {
    /// From big-endian numbers without leading zeros (RFC 7518 §6.3.1).
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, InvalidPublicKey> {
        let (Some(&top), Some(&low)) = (n.first(), n.last()) else { return Err(InvalidPublicKey::Modulus) };
        let bits = n.len() * 8 - top.leading_zeros() as usize;
        if top == 0 || low & 1 == 0 || !RSA_BITS.contains(&bits) {
            return Err(InvalidPublicKey::Modulus);
        }
        let odd_and_above_one = e.last().is_some_and(|low| low & 1 == 1) && e != [1];
        if e.first() == Some(&0) || !odd_and_above_one || e.len() > MAX_EXPONENT_BYTES {
            return Err(InvalidPublicKey::Exponent);
        }
        if roca::is_fingerprinted(n) {
            return Err(InvalidPublicKey::Roca);
        }
        Ok(Self(Material::Rsa { n: n.into(), e: e.into() }))
    }

    /// From an uncompressed point (`04 ‖ x ‖ y`) of P-256.
    pub fn p256(point: &[u8]) -> Result<Self, InvalidPublicKey> {
        let key = Self::unchecked_p256(point);
        key.check().map(|()| key)
    }

    /// From an uncompressed point (`04 ‖ x ‖ y`) of P-384.
    pub fn p384(point: &[u8]) -> Result<Self, InvalidPublicKey> {
        let key = Self::unchecked_p384(point);
        key.check().map(|()| key)
    }

    /// For a key that is checked, or that verifies once and at once: ring takes no point there that is off the curve.
    pub(super) fn unchecked_p256(point: &[u8]) -> Self {
        Self(Material::P256(point.into()))
    }

    pub(super) fn unchecked_p384(point: &[u8]) -> Self {
        Self(Material::P384(point.into()))
    }

    /// Whether a point lies on its curve; the other kinds are checked as they are made.
    pub(super) fn check(&self) -> Result<(), InvalidPublicKey> {
        match &self.0 {
            Material::P256(point) => check_point(&agreement::ECDH_P256, point),
            Material::P384(point) => check_point(&agreement::ECDH_P384, point),
            Material::Rsa { .. } | Material::Ed25519(_) => Ok(()),
        }
    }

    /// From the 32 bytes of RFC 8032 §5.1.5. Whether they decode to a point shows at each verification.
    pub fn ed25519(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        if bytes.len() != 32 {
            return Err(InvalidPublicKey::Point);
        }
        Ok(Self(Material::Ed25519(bytes.into())))
    }

    pub fn key_type(&self) -> KeyType {
        match self.0 {
            Material::Rsa { .. } => KeyType::Rsa,
            Material::P256(_) => KeyType::P256,
            Material::P384(_) => KeyType::P384,
            Material::Ed25519(_) => KeyType::Ed25519,
        }
    }

    pub(super) fn material(&self) -> &Material {
        &self.0
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({:?})", self.key_type())
    }
}

/// ring checks a point only where it uses one, so it is used once, in a key agreement whose result is thrown away.
fn check_point(curve: &'static agreement::Algorithm, point: &[u8]) -> Result<(), InvalidPublicKey> {
    let scratch =
        agreement::EphemeralPrivateKey::generate(curve, &SystemRandom::new()).map_err(|_| InvalidPublicKey::Point)?;
    agreement::agree_ephemeral(scratch, &agreement::UnparsedPublicKey::new(curve, point), |_| ())
        .map_err(|_| InvalidPublicKey::Point)
}
