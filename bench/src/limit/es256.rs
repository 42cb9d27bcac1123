//! ES256 (RFC 7518 §3.4), ECDSA over P-256.

use std::hint::black_box;
use std::path::Path;

use graviola::hashing::Sha256;
use graviola::signing::ecdsa::{P256, SigningKey, VerifyingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};

use super::{Limit, LimitError, SIGNED_BYTES, Work};

/// r ‖ s.
const SIGNATURE_BYTES: usize = 64;

/// ES256 by one library, in one direction.
#[derive(Clone, Copy, Debug)]
pub enum Es256 {
    RingVerify,
    RingSign,
    GraviolaVerify,
    GraviolaSign,
}

impl Es256 {
    pub const ALL: [Self; 4] = [Self::RingVerify, Self::GraviolaVerify, Self::RingSign, Self::GraviolaSign];
}

impl Limit for Es256 {
    fn name(&self) -> &'static str {
        match self {
            Self::RingVerify => "ring_es256_verify",
            Self::RingSign => "ring_es256_sign",
            Self::GraviolaVerify => "graviola_es256_verify",
            Self::GraviolaSign => "graviola_es256_sign",
        }
    }

    fn title(&self) -> String {
        match self {
            Self::RingVerify => "ES256 verification, ring",
            Self::RingSign => "ES256 signature, ring",
            Self::GraviolaVerify => "ES256 verification, graviola with a prepared key",
            Self::GraviolaSign => "ES256 signature, graviola",
        }
        .into()
    }

    fn prepare(&self, _: &Path) -> Result<Box<dyn Work>, LimitError> {
        let no_key = || LimitError::Key("ES256");
        let failed = || LimitError::Arithmetic("ES256");
        let random = SystemRandom::new();
        let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(signing, &random).map_err(|_| no_key())?;
        let pair = EcdsaKeyPair::from_pkcs8(signing, pkcs8.as_ref(), &random).map_err(|_| no_key())?;
        let key = SigningKey::<P256>::from_pkcs8_der(pkcs8.as_ref()).map_err(|_| no_key())?;
        let point = pair.public_key().as_ref().to_vec();
        let message = [b'a'; SIGNED_BYTES];
        let mut signature = [0; SIGNATURE_BYTES];
        key.sign::<Sha256>(&[&message], &mut signature).map_err(|_| failed())?;
        Ok(match self {
            Self::RingVerify => {
                let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                Box::new(move || public.verify(black_box(&message), &signature).map_err(|_| failed()))
            }
            Self::RingSign => Box::new(move || {
                black_box(pair.sign(&random, black_box(&message)).map_err(|_| failed())?);
                Ok(())
            }),
            Self::GraviolaVerify => {
                let public = VerifyingKey::<P256>::from_x962_uncompressed(&point).map_err(|_| no_key())?;
                Box::new(move || public.verify::<Sha256>(&[black_box(&message)], &signature).map_err(|_| failed()))
            }
            Self::GraviolaSign => Box::new(move || {
                let mut made = [0; SIGNATURE_BYTES];
                key.sign::<Sha256>(&[black_box(&message)], &mut made).map_err(|_| failed())?;
                black_box(made);
                Ok(())
            }),
        })
    }
}
