//! RSA private keys. AWS-LC does the private-key operation where the feature `aws-lc` is on (issuers): it signs RS256 in half of ring's processor
//! time on processors with AVX-512 IFMA (docs/BENCHMARKS.md, OAuth). ring does it elsewhere.

#[cfg(feature = "aws-lc")]
use aws_lc_rs::{rand::SystemRandom, signature as backend};
use ring::rsa::PublicKeyComponents;
#[cfg(not(feature = "aws-lc"))]
use ring::{rand::SystemRandom, signature as backend};

use crate::jose::InvalidPublicKey;
use crate::jose::alg::Alg;
use crate::jose::public_key::PublicKey;

pub(super) struct RsaSigner {
    pair: backend::RsaKeyPair,
    /// Bytes of the modulus and of every signature.
    length: usize,
    public: Result<PublicKey, InvalidPublicKey>,
    random: SystemRandom,
}

impl RsaSigner {
    /// ring reads every key first: it refuses more kinds of broken ones.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let checked = ring::signature::RsaKeyPair::from_pkcs8(der).ok()?;
        let parts = PublicKeyComponents::<Vec<u8>>::from(checked.public());
        Some(Self {
            pair: backend::RsaKeyPair::from_pkcs8(der).ok()?,
            length: checked.public().modulus_len(),
            public: PublicKey::rsa(&parts.n, &parts.e),
            random: SystemRandom::new(),
        })
    }

    pub fn public_key(&self) -> Result<PublicKey, InvalidPublicKey> {
        self.public.clone()
    }

    /// `None` where `alg` is none of RSA's, or the operation failed.
    pub fn sign(&self, alg: Alg, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.length];
        self.pair.sign(encoding(alg)?, &self.random, message, &mut signature).ok()?;
        Some(signature)
    }
}

fn encoding(alg: Alg) -> Option<&'static dyn backend::RsaEncoding> {
    match alg {
        Alg::RS256 => Some(&backend::RSA_PKCS1_SHA256),
        Alg::RS384 => Some(&backend::RSA_PKCS1_SHA384),
        Alg::RS512 => Some(&backend::RSA_PKCS1_SHA512),
        Alg::PS256 => Some(&backend::RSA_PSS_SHA256),
        Alg::PS384 => Some(&backend::RSA_PSS_SHA384),
        Alg::PS512 => Some(&backend::RSA_PSS_SHA512),
        Alg::ES256 | Alg::ES384 | Alg::EdDSA => None,
    }
}
