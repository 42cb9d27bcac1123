//! EdDSA over Ed25519 (RFC 8037 §3.1).

use std::hint::black_box;
use std::path::Path;

use graviola::signing::eddsa::{Ed25519SigningKey, Ed25519VerifyingKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::{Limit, LimitError, SIGNED_BYTES, Work};

/// EdDSA by one library, in one direction.
#[derive(Clone, Copy, Debug)]
pub enum EdDsa {
    RingVerify,
    RingSign,
    GraviolaVerify,
    GraviolaSign,
}

impl EdDsa {
    pub const ALL: [Self; 4] = [Self::RingVerify, Self::GraviolaVerify, Self::RingSign, Self::GraviolaSign];
}

impl Limit for EdDsa {
    fn name(&self) -> &'static str {
        match self {
            Self::RingVerify => "ring_eddsa_verify",
            Self::RingSign => "ring_eddsa_sign",
            Self::GraviolaVerify => "graviola_eddsa_verify",
            Self::GraviolaSign => "graviola_eddsa_sign",
        }
    }

    fn title(&self) -> String {
        match self {
            Self::RingVerify => "EdDSA verification, ring",
            Self::RingSign => "EdDSA signature, ring",
            Self::GraviolaVerify => "EdDSA verification, graviola",
            Self::GraviolaSign => "EdDSA signature, graviola",
        }
        .into()
    }

    fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
        let no_key = || LimitError::Key("EdDSA");
        let failed = || LimitError::Arithmetic("EdDSA");
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| no_key())?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| no_key())?;
        let key = Ed25519SigningKey::from_bytes(&seed).map_err(|_| no_key())?;
        let public = pair.public_key().as_ref().to_vec();
        let message = [b'a'; SIGNED_BYTES];
        let signature = key.sign(&message);
        Ok(match self {
            Self::RingVerify => {
                let public = UnparsedPublicKey::new(&ED25519, public);
                Box::new(move || public.verify(black_box(&message), &signature).map_err(|_| failed()))
            }
            Self::RingSign => Box::new(move || {
                black_box(pair.sign(black_box(&message)));
                Ok(())
            }),
            Self::GraviolaVerify => {
                let public = Ed25519VerifyingKey::from_bytes(&public).map_err(|_| no_key())?;
                Box::new(move || public.verify(&signature, black_box(&message)).map_err(|_| failed()))
            }
            Self::GraviolaSign => Box::new(move || {
                black_box(key.sign(black_box(&message)));
                Ok(())
            }),
        })
    }
}
