//! AES-256-GCM with a version byte and a random nonce.

use common::secret::SecretBytes;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::entropy::{self, NoEntropy};

/// What sealing adds to the length of a value.
pub const OVERHEAD_BYTES: usize = 1 + NONCE_LEN + 16;

const VERSION: u8 = 1;

/// Why a value could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error("the value is too long to seal")]
    TooLong,
}

/// Why a sealed value did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the sealed value is cut short")]
    Truncated,
    #[error("the sealed value has the unknown version {0}")]
    UnknownVersion(u8),
    /// Altered, moved from another cell, or sealed with another key: the cipher cannot tell which.
    #[error("the sealed value does not belong here, or was sealed with another key")]
    Refused,
}

pub(super) struct Cipher(LessSafeKey);

impl Cipher {
    /// `None` unless the key has 32 bytes.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    pub(super) fn seal(&self, additional: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_LEN] = entropy::bytes()?;
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let body = sealed.get_mut(1 + NONCE_LEN..).ok_or(SealError::TooLong)?;
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(additional), body)
            .map_err(|_| SealError::TooLong)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub(super) fn open(&self, additional: &[u8], sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let (&version, rest) = sealed.split_first().ok_or(OpenError::Truncated)?;
        if version != VERSION {
            return Err(OpenError::UnknownVersion(version));
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Truncated)?;
        let mut body = zeroize::Zeroizing::new(body.to_vec());
        let plaintext = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(additional), &mut body)
            .map_err(|_| OpenError::Refused)?;
        Ok(SecretBytes::new(&*plaintext))
    }
}
