//! Errors of the mechanisms in Cognito's words. Storage: `InternalErrorException` with HTTP 503 and Retry-After (DESIGN §3 "Storage").

use cognito_model::{Exception, Fault};

use crate::codes::CodeError;
use crate::envelope::PoolKeyError;
use crate::keys::KeyError;
use crate::limits::{LockoutError, SpendError};
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

/// Cognito's words for a code that is not taken.
impl From<CodeError> for Fault {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Mismatch => {
                Self::new(Exception::CodeMismatch, "Invalid verification code provided, please try again.")
            }
            CodeError::Absent | CodeError::Expired => {
                Self::new(Exception::ExpiredCode, "Invalid code provided, please request a code again.")
            }
            CodeError::Exhausted => Self::limit_exceeded("Attempt limit exceeded, please try after some time."),
            CodeError::Storage(error) => error.into(),
            CodeError::Commit(error) => error.into(),
        }
    }
}

impl From<KeyError> for Fault {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Storage(error) => error.into(),
            KeyError::Commit(error) => error.into(),
            KeyError::PoolKey(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl From<SpendError> for Fault {
    fn from(error: SpendError) -> Self {
        match error {
            SpendError::Exhausted => Self::limit_exceeded("Attempt limit exceeded, please try after some time."),
            SpendError::Commit(error) => error.into(),
        }
    }
}

/// Cognito's texts for sign-ins that are held back.
impl From<LockoutError> for Fault {
    fn from(error: LockoutError) -> Self {
        match error {
            LockoutError::Locked => Self::not_authorized("Password attempts exceeded"),
            LockoutError::Busy => Self::new(Exception::TooManyRequests, "Too many requests"),
            LockoutError::Store(error) => error.into(),
            LockoutError::Row(error) => error.into(),
            LockoutError::Commit(error) => error.into(),
            LockoutError::Missed(_) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_that_is_away_is_503_wherever_it_was_needed() {
        let away = || StoreError::Unavailable("full".into());
        let faults: [Fault; 3] = [
            away().into(),
            PoolKeyError::Storage(away()).into(),
            KeyError::PoolKey(PoolKeyError::Storage(away())).into(),
        ];
        for fault in faults {
            assert_eq!((fault.status(), fault.retry_after.is_some()), (503, true), "{fault:?}");
        }
        assert_eq!(Fault::from(KeyError::NoActiveKey).status(), 500);
    }
}
