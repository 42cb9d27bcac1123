//! Storage errors in Cognito's words: `InternalErrorException` with HTTP 503 and Retry-After (DESIGN §3 "Storage").

use cognito_model::Fault;

use crate::envelope::PoolKeyError;
use crate::store::{CommitError, RowError, StoreError};

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::unavailable(error),
            StoreError::Refused(_) | StoreError::TooMany { .. } | StoreError::Corrupt(_) => Self::internal(error),
        }
    }
}

impl From<RowError> for Fault {
    fn from(error: RowError) -> Self {
        Self::internal(error)
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unavailable(_) => Self::unavailable(error),
            // A miss that the operation gave no meaning to: others keep changing the same row.
            CommitError::Missed { .. } => Self::unavailable(error),
            CommitError::Refused { .. } => Self::internal(error),
        }
    }
}

impl From<PoolKeyError> for Fault {
    fn from(error: PoolKeyError) -> Self {
        match error {
            PoolKeyError::Storage(error) => error.into(),
            PoolKeyError::NoSuchPool | PoolKeyError::WrongRoot { .. } | PoolKeyError::Damaged(_) => {
                Self::internal(error)
            }
        }
    }
}
