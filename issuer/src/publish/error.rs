//! Why the feed's server does not start, and why an admin command on edges fails.

use super::deployment_keys::KeysError;
use crate::store::{CommitError, StoreError};

/// Why [`super::start`] failed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the feed's authority could not be made or read")]
    Authority,
    #[error("the feed authority's key can't be opened: another root key sealed it")]
    Sealed,
    #[error("the feed's TLS settings: {0}")]
    Tls(String),
    #[error("the feed can't listen: {0}")]
    Listen(std::io::Error),
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Keys(#[from] KeysError),
}

/// Why an enrolment or a revocation of an edge failed.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    #[error("there is no such edge")]
    Unknown,
    #[error("more than 1024 pools, or none")]
    Pools,
    #[error("storage is unavailable")]
    Storage,
}
