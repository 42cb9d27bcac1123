//! Private keys, parsed once, and what they sign.

use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::signature::{self, Signer};
use jsonwebtoken::{Algorithm, Header};
use ring::rand::SystemRandom;
use ring::signature as ring_signature;
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde::Serialize;

use crate::jose::alg::{Alg, KeyType};
use crate::jose::base64url;
use crate::jose::jwk::{Jwk, JwkError};
use crate::jose::public_key::PublicKey;
use crate::jose::rsa_signer::RsaSigner;

/// A private key with its one algorithm. Its `kid` is its RFC 7638 thumbprint.
pub struct SigningKey {
    alg: Alg,
    pair: Pair,
    public: Jwk,
    random: SystemRandom,
}

enum Pair {
    Rsa(Box<RsaSigner>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// Why something was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    #[error("not a private key of the algorithm's kind in PKCS#8")]
    PrivateKey,
    #[error("the public half of the key is refused: {0}")]
    PublicKey(#[from] JwkError),
    #[error("the header names another algorithm than the key's")]
    Algorithm,
    #[error("the header or the claims do not serialise to JSON")]
    Serialise,
    #[error("the signature failed")]
    Signature,
}

impl SigningKey {
    /// From PKCS#8 DER: version 1 for RSA, with the public key inside (version 1 or 2) for the curves.
    pub fn from_pkcs8(alg: Alg, der: &[u8]) -> Result<Self, SignError> {
        let random = SystemRandom::new();
        let pair = Pair::from_pkcs8(alg, der, &random).ok_or(SignError::PrivateKey)?;
        let public = Jwk::new(pair.public_key().map_err(JwkError::from)?, Some(alg))?;
        Ok(Self { alg, pair, public, random })
    }

    pub fn alg(&self) -> Alg {
        self.alg
    }

    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    /// The key to publish.
    pub fn public_jwk(&self) -> &Jwk {
        &self.public
    }

    /// A header with this key's `alg` and `kid` and nothing else, as Cognito's tokens have it. Set `typ` where a profile
    /// wants one.
    pub fn header(&self) -> Header {
        Header { typ: None, kid: Some(self.kid().to_owned()), ..Header::new(self.alg.into()) }
    }

    /// A compact JWS over `claims` in JSON (RFC 7515 §7.1).
    pub fn sign_compact(&self, header: &Header, claims: &impl Serialize) -> Result<String, SignError> {
        if header.alg != Algorithm::from(self.alg) {
            return Err(SignError::Algorithm);
        }
        let header = serde_json::to_vec(header).map_err(|_| SignError::Serialise)?;
        let claims = serde_json::to_vec(claims).map_err(|_| SignError::Serialise)?;
        let mut token = base64url::encode(header);
        token.push('.');
        token.push_str(&base64url::encode(claims));
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&base64url::encode(signature));
        Ok(token)
    }

    /// The raw signature in the form that JWS wants (ECDSA: r ‖ s).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.pair.sign(self.alg, message, &self.random).ok_or(SignError::Signature)
    }
}

impl Signer<Vec<u8>> for SigningKey {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        self.sign(message).map_err(signature::Error::from_source)
    }
}

impl JwtSigner for SigningKey {
    fn algorithm(&self) -> Algorithm {
        self.alg.into()
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, {})", self.alg, self.kid())
    }
}

impl Pair {
    fn from_pkcs8(alg: Alg, der: &[u8], random: &SystemRandom) -> Option<Self> {
        let ec = |signing| EcdsaKeyPair::from_pkcs8(signing, der, random).ok().map(Self::Ec);
        match alg.key_type() {
            KeyType::Rsa => RsaSigner::from_pkcs8(der).map(Box::new).map(Self::Rsa),
            KeyType::P256 => ec(&ring_signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            KeyType::P384 => ec(&ring_signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            KeyType::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(Self::Ed),
        }
    }

    fn public_key(&self) -> Result<PublicKey, crate::jose::InvalidPublicKey> {
        match self {
            Self::Rsa(signer) => signer.public_key(),
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                if point.len() == 65 { PublicKey::p256(point) } else { PublicKey::p384(point) }
            }
            Self::Ed(pair) => PublicKey::ed25519(pair.public_key().as_ref()),
        }
    }

    fn sign(&self, alg: Alg, message: &[u8], random: &SystemRandom) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(signer) => signer.sign(alg, message),
            Self::Ec(pair) => Some(pair.sign(random, message).ok()?.as_ref().to_vec()),
            Self::Ed(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}
