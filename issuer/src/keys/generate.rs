//! New key pairs. graviola makes RSA keys (ring cannot), ring the others.

use common::jose::{Alg, SigningKey, graviola_runs};
use graviola::signing::rsa;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use zeroize::Zeroizing;

use super::error::KeyError;

/// An RSA-2048 key in PKCS#8 takes about 1,220 bytes.
const RSA_PKCS8_BYTES: usize = 2_048;

/// The processor lacks instructions that key generation is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this processor cannot run the issuer's RSA code: x86-64 with AES, PCLMULQDQ, BMI1, BMI2, ADX and AVX2 (since about 2014) \
     or 64-bit ARM with AES, PMULL and SHA-256 is needed; in a virtual machine, pass the host's processor model through"
)]
pub struct UnsupportedCpu;

/// Ask at start: graviola would panic at the first RSA key otherwise.
pub fn check_cpu() -> Result<(), UnsupportedCpu> {
    if graviola_runs() { Ok(()) } else { Err(UnsupportedCpu) }
}

/// A key pair, ready to sign, with the form in which it is stored.
pub(super) struct Generated {
    pub(super) key: SigningKey,
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
}

/// RS256 (2048 bits), ES256 or EdDSA (Ed25519). RSA takes 30 ms and more: call it on a thread that may block.
pub(super) fn generate(alg: Alg) -> Result<Generated, KeyError> {
    let random = SystemRandom::new();
    let pkcs8 = match alg {
        Alg::RS256 => rsa_2048()?,
        Alg::ES256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| KeyError::Generate)?
            .into(),
        Alg::EdDSA => Ed25519KeyPair::generate_pkcs8(&random)
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| KeyError::Generate)?
            .into(),
        _ => return Err(KeyError::Algorithm),
    };
    Ok(Generated { key: SigningKey::from_pkcs8(alg, &pkcs8)?, pkcs8 })
}

fn rsa_2048() -> Result<Zeroizing<Vec<u8>>, KeyError> {
    check_cpu().map_err(|_| KeyError::Generate)?;
    let key = rsa::SigningKey::generate(rsa::KeySize::Rsa2048).map_err(|_| KeyError::Generate)?;
    let mut buffer = Zeroizing::new([0; RSA_PKCS8_BYTES]);
    let der = key.to_pkcs8_der(buffer.as_mut_slice()).map_err(|_| KeyError::Generate)?;
    Ok(Zeroizing::new(der.to_vec()))
}

#[cfg(test)]
mod tests {
    use common::jose::{Jwks, KeySet};

    use super::*;

    #[test]
    fn every_algorithm_of_a_pool_signs_what_its_public_key_verifies() {
        for alg in [Alg::RS256, Alg::ES256, Alg::EdDSA] {
            let made = generate(alg).unwrap();
            let set = KeySet::new("iss", Jwks::new(vec![made.key.public_jwk().clone()]).unwrap()).unwrap();
            let signature = made.key.sign(b"message").unwrap();
            let key = set.key(Some(made.key.kid())).unwrap();
            assert!(key.verifies(b"message", &signature), "{alg}");
            assert!(!key.verifies(b"another", &signature), "{alg}");
            assert_eq!(made.key.kid(), made.key.public_jwk().thumbprint());
            assert_ne!(made.key.kid(), generate(alg).unwrap().key.kid());
        }
    }

    #[test]
    fn other_algorithms_are_not_made() {
        for alg in [Alg::RS512, Alg::PS256, Alg::ES384] {
            assert_eq!(generate(alg).err(), Some(KeyError::Algorithm));
        }
    }
}
