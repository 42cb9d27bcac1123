//! What can go wrong with signing keys.

use common::jose::{JwkError, JwksError, SignError};

use crate::entropy::NoEntropy;
use crate::envelope::{OpenError, PoolKeyError, SealError};
use crate::store::{CommitError, RowError, StoreError};

/// Why there is no signature, or no key. Outside it is always an internal error, or 503 for storage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the pool has no active key for this purpose")]
    NoActiveKey,
    #[error("keys of this algorithm are not made here")]
    Algorithm,
    #[error("the key could not be generated")]
    Generate,
    #[error("the key's state does not allow this step")]
    Forbidden,
    #[error(
        "the pool has so many keys that are still needed that verifiers might not take another: wait until some retire (25 hours)"
    )]
    TooManyKeys,
    #[error("a stored key is damaged: {0}")]
    Damaged(&'static str),
    #[error(transparent)]
    PoolKey(#[from] PoolKeyError),
    #[error("a private key does not open: {0}")]
    Open(#[from] OpenError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    #[error(transparent)]
    Storage(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<RowError> for KeyError {
    fn from(error: RowError) -> Self {
        Self::Storage(error.into())
    }
}

impl From<JwkError> for KeyError {
    fn from(_: JwkError) -> Self {
        Self::Damaged("the public key is not a JWK")
    }
}

impl From<JwksError> for KeyError {
    fn from(_: JwksError) -> Self {
        Self::Damaged("the pool has too many keys")
    }
}
