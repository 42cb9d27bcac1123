//! Why there is no backup, or no restored database. Each text is one line for an operator.

use std::path::PathBuf;
use std::time::Duration;

use crate::envelope::{PoolKeyError, SealError};
use crate::keys::KeyError;
use crate::publish::KeysError;
use crate::store::{CommitError, LoadError, OpenError, RowError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(transparent)]
    Storage(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("the root key gives no key for a backup")]
    NoKey,
    #[error(
        "the database has the migration {0}, which this program does not know: a newer issuer must make the backup"
    )]
    Newer(String),
    #[error("a row of more than {limit} bytes does not fit into a backup")]
    RowTooLong { limit: usize },
    #[error("whoever takes the backup has taken nothing for {} s", .0.as_secs())]
    Stalled(Duration),
}

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("this is no Tollgate backup")]
    NotABackup,
    #[error("the backup has format {0}, which this program does not know: a newer one made it")]
    Format(String),
    #[error(
        "the backup was made under the root key {made_under}, but {configured} is configured: restore with the root key of that issuer"
    )]
    WrongRootKey { made_under: String, configured: String },
    /// Cut off, or not yet copied whole.
    #[error("the backup is cut short after {0} bytes")]
    Truncated(u64),
    #[error("the backup was altered or damaged: frame {0} does not open")]
    Damaged(u64),
    #[error("the backup goes on after its end")]
    Trailing,
    #[error("the backup has no table {0}, which its migrations make")]
    Incomplete(String),
    #[error("this machine's clock is {} s behind the moment at which the backup was made: set it first", .0.as_secs())]
    ClockBehind(Duration),
    #[error("--keep-admin-key {0}: the backup has no such key")]
    NoSuchAdminKey(String),
    #[error("--revoke-edge {0}: the backup has no such edge")]
    NoSuchEdge(String),
    #[error(transparent)]
    EdgeKeys(#[from] KeysError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Storage(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    PoolKeys(#[from] PoolKeyError),
    /// Beside the first error: what could not be undone is refused by every issuer, and cleared away by the next restore.
    #[error("{0}; and the database could not be emptied again: {1}")]
    NotUndone(Box<RestoreError>, LoadError),
}

impl RestoreError {
    /// Whether an issuer, or another offline command, has the database open.
    pub fn in_use(&self) -> bool {
        matches!(self, Self::Load(LoadError::Open(OpenError::InUse(_))))
    }
}

impl From<RowError> for RestoreError {
    fn from(error: RowError) -> Self {
        Self::Storage(error.into())
    }
}
