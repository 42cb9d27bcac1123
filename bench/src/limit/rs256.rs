//! RS256 (RFC 7518 §3.3) with a key of 2048 bits: what a token's check and its making cost at least.

use std::hint::black_box;
use std::path::Path;

use common::jose::{Alg, SigningKey};
use graviola::signing::rsa;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents};

use super::{Limit, LimitError, SIGNED_BYTES, Work};

/// RSA-2048 in PKCS#8 takes about 1,220 bytes.
const DER_LIMIT: usize = 4096;
const MODULUS_BYTES: usize = 256;

/// RS256 by one library, in one direction.
#[derive(Clone, Copy, Debug)]
pub enum Rs256 {
    RingVerify,
    RingSign,
    GraviolaVerify,
    GraviolaSign,
    /// By the key type that issuers sign with, whichever library is behind it in this build.
    IssuerSign,
}

impl Rs256 {
    pub const ALL: [Self; 5] =
        [Self::RingVerify, Self::GraviolaVerify, Self::RingSign, Self::GraviolaSign, Self::IssuerSign];
}

impl Limit for Rs256 {
    fn name(&self) -> &'static str {
        match self {
            Self::RingVerify => "ring_rs256_verify",
            Self::RingSign => "ring_rs256_sign",
            Self::GraviolaVerify => "graviola_rs256_verify",
            Self::GraviolaSign => "graviola_rs256_sign",
            Self::IssuerSign => "issuer_rs256_sign",
        }
    }

    fn title(&self) -> String {
        match self {
            Self::RingVerify => "RS256 verification, ring",
            Self::RingSign => "RS256 signature, ring",
            Self::GraviolaVerify => "RS256 verification, graviola with a prepared key",
            Self::GraviolaSign => "RS256 signature, graviola",
            Self::IssuerSign => "RS256 signature, as issuers make it",
        }
        .into()
    }

    fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
        let no_key = || LimitError::Key("RS256");
        let failed = || LimitError::Arithmetic("RS256");
        let key = rsa::SigningKey::generate(rsa::KeySize::Rsa2048).map_err(|_| no_key())?;
        let mut buffer = [0; DER_LIMIT];
        let pkcs8 = key.to_pkcs8_der(&mut buffer).map_err(|_| no_key())?;
        let pair = KeyPair::from_pkcs8(pkcs8).map_err(|_| no_key())?;
        let message = [b'a'; SIGNED_BYTES];
        let mut signature = [0; MODULUS_BYTES];
        key.sign_pkcs1_sha256(&mut signature, &message).map_err(|_| failed())?;
        Ok(match self {
            Self::RingVerify => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                Box::new(move || {
                    // As a JWK has it: ring reads the two numbers anew at each call.
                    let key = RsaPublicKeyComponents { n: &public.n, e: &public.e };
                    key.verify(&RSA_PKCS1_2048_8192_SHA256, black_box(&message), &signature).map_err(|_| failed())
                })
            }
            Self::RingSign => {
                let random = SystemRandom::new();
                Box::new(move || {
                    let mut made = [0; MODULUS_BYTES];
                    pair.sign(&RSA_PKCS1_SHA256, &random, black_box(&message), &mut made).map_err(|_| failed())?;
                    black_box(made);
                    Ok(())
                })
            }
            Self::GraviolaVerify => {
                let public = key.public_key();
                Box::new(move || public.verify_pkcs1_sha256(&signature, black_box(&message)).map_err(|_| failed()))
            }
            Self::GraviolaSign => Box::new(move || {
                let mut made = [0; MODULUS_BYTES];
                key.sign_pkcs1_sha256(&mut made, black_box(&message)).map_err(|_| failed())?;
                black_box(made);
                Ok(())
            }),
            Self::IssuerSign => {
                let key = SigningKey::from_pkcs8(Alg::RS256, pkcs8).map_err(|_| no_key())?;
                Box::new(move || {
                    black_box(key.sign(black_box(&message)).map_err(|_| failed())?);
                    Ok(())
                })
            }
        })
    }
}
