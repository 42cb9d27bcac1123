//! `jsonwebtoken`'s cryptography by ring.
//!
//! The crate calls a process-wide table of functions, which panics where nothing was installed; [`install`] fills it, so a
//! process calls it first. Our own hot path does not go through the table: it holds a verifier per key (`prepared`) and calls the
//! same trait, because the table's factories copy the key and decode the token once more on each call.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result as JwtResult, new_error};
use jsonwebtoken::jwk::{EllipticCurve, ThumbprintHash};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::digest;
use ring::signature as ring_signature;

use crate::jose::alg::{Alg, KeyType, UnsupportedAlg};
use crate::jose::public_key::{Material, PublicKey};
use crate::jose::sign::SigningKey;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: new_signer,
    verifier_factory: new_verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: rsa_components,
        rsa_pub_components_from_public_key: |_| Err(new_error(ErrorKind::InvalidKeyFormat)),
        ec_pub_components_from_private_key: ec_components,
        ed_pub_components_from_private_key: ed_component,
        compute_digest,
    },
};

/// Makes ring the cryptography of `jsonwebtoken` in this process. Further calls change nothing.
pub fn install() {
    // An error means that it was installed before; no other provider exists in this build.
    let _ = PROVIDER.install_default();
}

/// A public key with the algorithm that it verifies.
#[derive(Clone, Debug)]
pub struct RingVerifier {
    alg: Alg,
    key: PublicKey,
}

impl RingVerifier {
    /// Fails where the algorithm needs another kind of key.
    pub fn new(alg: Alg, key: PublicKey) -> Result<Self, UnsupportedAlg> {
        if alg.key_type() == key.key_type() { Ok(Self { alg, key }) } else { Err(UnsupportedAlg) }
    }

    pub fn alg(&self) -> Alg {
        self.alg
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let outcome = match self.key.material() {
            Material::Rsa { n, e } => ring_signature::RsaPublicKeyComponents { n, e }.verify(
                rsa_parameters(self.alg).ok_or_else(signature::Error::new)?,
                message,
                signature,
            ),
            Material::P256(point) => verify_with(&ring_signature::ECDSA_P256_SHA256_FIXED, point, message, signature),
            Material::P384(point) => verify_with(&ring_signature::ECDSA_P384_SHA384_FIXED, point, message, signature),
            Material::Ed25519(point) => verify_with(&ring_signature::ED25519, point, message, signature),
        };
        outcome.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.alg.into()
    }
}

fn verify_with(
    by: &'static dyn ring_signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), ring::error::Unspecified> {
    ring_signature::UnparsedPublicKey::new(by, key).verify(message, signature)
}

fn rsa_parameters(alg: Alg) -> Option<&'static ring_signature::RsaParameters> {
    match alg {
        Alg::RS256 => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA256),
        Alg::RS384 => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA384),
        Alg::RS512 => Some(&ring_signature::RSA_PKCS1_2048_8192_SHA512),
        Alg::PS256 => Some(&ring_signature::RSA_PSS_2048_8192_SHA256),
        Alg::PS384 => Some(&ring_signature::RSA_PSS_2048_8192_SHA384),
        Alg::PS512 => Some(&ring_signature::RSA_PSS_2048_8192_SHA512),
        Alg::ES256 | Alg::ES384 | Alg::EdDSA => None,
    }
}

fn new_verifier(algorithm: &Algorithm, key: &DecodingKey) -> JwtResult<Box<dyn JwtVerifier>> {
    let alg = supported(*algorithm)?;
    if key.family() == AlgorithmFamily::Hmac {
        return Err(new_error(ErrorKind::InvalidKeyFormat));
    }
    let key = match (key.kind(), alg.key_type()) {
        (DecodingKeyKind::RsaModulusExponent { n, e }, KeyType::Rsa) => PublicKey::rsa(n, e),
        (DecodingKeyKind::SecretOrDer(point), KeyType::P256) => PublicKey::p256(point),
        (DecodingKeyKind::SecretOrDer(point), KeyType::P384) => PublicKey::p384(point),
        (DecodingKeyKind::SecretOrDer(point), KeyType::Ed25519) => PublicKey::ed25519(point),
        _ => return Err(new_error(ErrorKind::InvalidKeyFormat)),
    };
    let key = key.map_err(|_| new_error(ErrorKind::InvalidKeyFormat))?;
    let verifier = RingVerifier::new(alg, key).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))?;
    Ok(Box::new(verifier))
}

fn new_signer(algorithm: &Algorithm, key: &EncodingKey) -> JwtResult<Box<dyn JwtSigner>> {
    Ok(Box::new(signing_key(supported(*algorithm)?, key.as_bytes())?))
}

fn supported(algorithm: Algorithm) -> JwtResult<Alg> {
    Alg::try_from(algorithm).map_err(|_| new_error(ErrorKind::UnsupportedAlgorithm))
}

fn signing_key(alg: Alg, pkcs8: &[u8]) -> JwtResult<SigningKey> {
    SigningKey::from_pkcs8(alg, pkcs8).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))
}

fn rsa_components(pkcs8: &[u8]) -> JwtResult<(Vec<u8>, Vec<u8>)> {
    match signing_key(Alg::RS256, pkcs8)?.public_jwk().key().material() {
        Material::Rsa { n, e } => Ok((n.to_vec(), e.to_vec())),
        _ => Err(new_error(ErrorKind::InvalidKeyFormat)),
    }
}

fn ec_components(pkcs8: &[u8], algorithm: Algorithm) -> JwtResult<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let key = signing_key(supported(algorithm)?, pkcs8)?;
    let (curve, point) = match key.public_jwk().key().material() {
        Material::P256(point) => (EllipticCurve::P256, point),
        Material::P384(point) => (EllipticCurve::P384, point),
        _ => return Err(new_error(ErrorKind::InvalidEcdsaKey)),
    };
    let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
    Ok((curve, x.to_vec(), y.to_vec()))
}

fn ed_component(pkcs8: &[u8], curve: &EllipticCurve) -> JwtResult<Vec<u8>> {
    match (curve, signing_key(Alg::EdDSA, pkcs8)?.public_jwk().key().material()) {
        (EllipticCurve::Ed25519, Material::Ed25519(x)) => Ok(x.to_vec()),
        _ => Err(new_error(ErrorKind::InvalidEddsaKey)),
    }
}

fn compute_digest(data: &[u8], hash: ThumbprintHash) -> JwtResult<Vec<u8>> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &digest::SHA256,
        ThumbprintHash::SHA384 => &digest::SHA384,
        ThumbprintHash::SHA512 => &digest::SHA512,
        _ => return Err(new_error(ErrorKind::UnsupportedAlgorithm)),
    };
    Ok(digest::digest(algorithm, data).as_ref().to_vec())
}
