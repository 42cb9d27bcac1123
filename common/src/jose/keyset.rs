//! The keys of one issuer, ready to verify with.

use std::collections::HashMap;
use std::sync::Arc;

use crate::jose::alg::Alg;
use crate::jose::compact::Jws;
use crate::jose::jwk::{Jwk, JwkError};
use crate::jose::jwks::Jwks;
use crate::jose::prepared::PreparedVerifier;

/// The public keys of exactly one issuer. A token that names another issuer never meets these keys (SECURITY.md E04: a key
/// store shared between issuers is how a consumer key came to sign enterprise tokens).
#[derive(Clone, Debug)]
pub struct KeySet {
    issuer: Arc<str>,
    keys: HashMap<Box<str>, Key>,
    jwks: Jwks,
}

/// One key, pinned to one algorithm.
#[derive(Clone, Debug)]
pub struct Key {
    kid: Arc<str>,
    verifier: PreparedVerifier,
}

/// Why none of the keys stands behind a JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("no key of that name")]
    UnknownKey,
    #[error("the header's alg is not the key's")]
    Algorithm,
    #[error("the signature is not the key's")]
    Signature,
}

impl KeySet {
    /// RSA keys without `alg` are pinned to RS256.
    pub fn new(issuer: impl Into<Arc<str>>, jwks: Jwks) -> Result<Self, JwkError> {
        Self::with_rsa_alg(issuer, jwks, Alg::RS256)
    }

    /// RSA keys without `alg` are pinned to `rsa_alg`; elliptic curve keys to the one algorithm of their curve.
    pub fn with_rsa_alg(issuer: impl Into<Arc<str>>, jwks: Jwks, rsa_alg: Alg) -> Result<Self, JwkError> {
        Self::with_algorithms(issuer, jwks, rsa_alg, &Alg::ALL)
    }

    /// The same, with those keys alone that are pinned to one of `allowed`; the others verify nothing, as if they had not been published.
    pub fn with_algorithms(
        issuer: impl Into<Arc<str>>,
        jwks: Jwks,
        rsa_alg: Alg,
        allowed: &[Alg],
    ) -> Result<Self, JwkError> {
        let chosen = jwks.keys().iter().filter(|jwk| allowed.contains(&jwk.pinned_alg(rsa_alg)));
        let keys = chosen.map(|jwk| Ok((jwk.kid().into(), Key::pinned(jwk, rsa_alg)?)));
        Ok(Self { issuer: issuer.into(), keys: keys.collect::<Result<_, JwkError>>()?, jwks })
    }

    /// The `iss` that every token under these keys must carry, to the letter.
    pub fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// The key that signed `jws`. The header's `alg` never chooses: it must be the one that the key is pinned to.
    pub fn verify(&self, jws: &Jws<'_>) -> Result<&Key, SignatureError> {
        let key = self.key(jws.header.kid.as_deref()).ok_or(SignatureError::UnknownKey)?;
        if key.alg() != jws.header.alg {
            Err(SignatureError::Algorithm)
        } else if !key.verifies(jws.signing_input.as_bytes(), &jws.signature) {
            Err(SignatureError::Signature)
        } else {
            Ok(key)
        }
    }

    /// The key that a token names. A token without `kid` means the only key there is.
    pub fn key(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.keys.get(kid),
            None if self.keys.len() == 1 => self.keys.values().next(),
            None => None,
        }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The set as it was read.
    pub fn jwks(&self) -> &Jwks {
        &self.jwks
    }
}

impl Key {
    fn pinned(jwk: &Jwk, rsa_alg: Alg) -> Result<Self, JwkError> {
        let verifier =
            PreparedVerifier::new(jwk.pinned_alg(rsa_alg), jwk.key().clone()).map_err(|_| JwkError::Mismatch)?;
        Ok(Self { kid: jwk.kid().into(), verifier })
    }

    pub fn kid(&self) -> &Arc<str> {
        &self.kid
    }

    /// The only algorithm that this key verifies.
    pub fn alg(&self) -> Alg {
        self.verifier.alg()
    }

    /// Whether `signature` is this key's over `signing_input`, by its own algorithm.
    pub fn verifies(&self, signing_input: &[u8], signature: &Vec<u8>) -> bool {
        self.verifier.verifies(signing_input, signature)
    }
}
