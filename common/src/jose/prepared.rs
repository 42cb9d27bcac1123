//! Verification with what can be computed once for a key computed once.
//!
//! ring reads an RSA modulus anew at every call. graviola keeps the Montgomery form, which takes a quarter off RS256 (docs/BENCHMARKS.md has
//! both). Where the processor lacks what graviola is compiled for, and for all other algorithms, ring does it.

use std::sync::Arc;

use graviola::signing::rsa;
use jsonwebtoken::signature::Verifier;

use crate::jose::alg::{Alg, UnsupportedAlg};
use crate::jose::provider::RingVerifier;
use crate::jose::public_key::{Material, PublicKey};

/// Tag and longest length of a DER value (X.690 §8.1).
const HEADER_BYTES: usize = 4;
const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// Whether this processor has all that graviola is compiled for; it panics where something is missing. Its own check forgets BMI2.
pub fn graviola_runs() -> bool {
    graviola::util::is_cpu_supported() && has_bmi2()
}

#[cfg(target_arch = "x86_64")]
fn has_bmi2() -> bool {
    std::arch::is_x86_feature_detected!("bmi2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_bmi2() -> bool {
    true
}

/// A public key with the one algorithm that it verifies.
#[derive(Clone, Debug)]
pub(super) struct PreparedVerifier {
    ring: RingVerifier,
    /// For RSASSA-PKCS1-v1_5, where graviola runs.
    rsa: Option<Arc<rsa::VerifyingKey>>,
}

impl PreparedVerifier {
    /// Fails where the algorithm needs another kind of key.
    pub(super) fn new(alg: Alg, key: PublicKey) -> Result<Self, UnsupportedAlg> {
        let rsa = if graviola_runs() { prepare(alg, &key) } else { None };
        Ok(Self { ring: RingVerifier::new(alg, key)?, rsa: rsa.map(Arc::new) })
    }

    pub(super) fn alg(&self) -> Alg {
        self.ring.alg()
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        let by_graviola = self.rsa.as_ref().and_then(|key| match self.alg() {
            Alg::RS256 => Some(key.verify_pkcs1_sha256(signature, message)),
            Alg::RS384 => Some(key.verify_pkcs1_sha384(signature, message)),
            Alg::RS512 => Some(key.verify_pkcs1_sha512(signature, message)),
            _ => None,
        });
        by_graviola.map_or_else(|| self.ring.verify(message, signature).is_ok(), |verdict| verdict.is_ok())
    }
}

fn prepare(alg: Alg, key: &PublicKey) -> Option<rsa::VerifyingKey> {
    match (alg, key.material()) {
        (Alg::RS256 | Alg::RS384 | Alg::RS512, Material::Rsa { n, e }) => {
            rsa::VerifyingKey::from_pkcs1_der(&pkcs1(n, e)).ok()
        }
        _ => None,
    }
}

/// `RSAPublicKey` of RFC 8017 §A.1.1, from big-endian numbers without leading zeros.
fn pkcs1(n: &[u8], e: &[u8]) -> Vec<u8> {
    let numbers = [integer(n), integer(e)].concat();
    tagged(SEQUENCE, &numbers)
}

/// A positive number: a zero goes before a set sign bit.
fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_some_and(|top| top & 0x80 != 0) { &[0] } else { &[] };
    tagged(INTEGER, &[sign, number].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = Vec::with_capacity(HEADER_BYTES + content.len());
    der.push(tag);
    // An RSA key of 8192 bits takes about 1 KB, so two bytes hold every length.
    let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => der.push(low),
        (0, _) => der.extend([0x81, low]),
        _ => der.extend([0x82, high, low]),
    }
    der.extend(content);
    der
}

#[cfg(test)]
mod tests {
    use graviola::signing::rsa::{KeySize, SigningKey};
    use ring::rsa::{KeyPair, PublicKeyComponents};

    use super::*;

    /// A fresh RSA key of graviola's, and its public part as a JWK has it.
    fn key() -> (SigningKey, PublicKey) {
        let key = SigningKey::generate(KeySize::Rsa2048).unwrap();
        let mut der = [0; 4096];
        let pair = KeyPair::from_pkcs8(key.to_pkcs8_der(&mut der).unwrap()).unwrap();
        let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public());
        let public = PublicKey::rsa(&parts.n, &parts.e).unwrap();
        (key, public)
    }

    #[test]
    fn the_encoding_is_that_of_another_writer() {
        let (key, public) = key();
        let mut theirs = [0; 1024];
        let theirs = key.public_key().to_pkcs1_der(&mut theirs).unwrap().to_vec();
        let Material::Rsa { n, e } = public.material() else { panic!("an RSA key") };
        // graviola writes the exponent in four bytes; the numbers are the same.
        let ours = pkcs1(n, e);
        assert_eq!(rsa::VerifyingKey::from_pkcs1_der(&ours).unwrap().to_pkcs1_der(&mut [0; 1024]).unwrap(), theirs);
        assert_eq!((tagged(4, &[7; 0x7f])[1], tagged(4, &[7; 0x80])[1..3].to_vec()), (0x7f, vec![0x81, 0x80]));
        assert_eq!(integer(&[0x80]), [INTEGER, 2, 0, 0x80]);
    }

    #[test]
    fn both_libraries_give_the_same_verdict() {
        let (key, public) = key();
        let (message, mut signature) = (b"header.claims", vec![0; 256]);
        key.sign_pkcs1_sha256(&mut signature, message).unwrap();
        let prepared = PreparedVerifier::new(Alg::RS256, public.clone()).unwrap();
        let by_ring = PreparedVerifier { rsa: None, ..prepared.clone() };
        let longer = [&[0], &*signature].concat();
        let changed: Vec<u8> = signature.iter().enumerate().map(|(i, byte)| byte ^ u8::from(i == 200)).collect();
        let cases =
            [(signature.clone(), true), (longer, false), (changed, false), (vec![0xff; 256], false), (vec![], false)];
        for (signature, good) in cases {
            assert_eq!(prepared.verifies(message, &signature), good);
            assert_eq!(by_ring.verifies(message, &signature), good);
        }
        let other_hash = PreparedVerifier::new(Alg::RS384, public).unwrap();
        assert!(!other_hash.verifies(message, &signature));
    }

    #[test]
    fn other_algorithms_stay_with_ring() {
        let (_, public) = key();
        assert!(PreparedVerifier::new(Alg::PS256, public.clone()).unwrap().rsa.is_none());
        assert!(PreparedVerifier::new(Alg::ES256, public.clone()).is_err());
        assert_eq!(PreparedVerifier::new(Alg::RS256, public).unwrap().rsa.is_some(), graviola_runs());
    }
}
