//! Why a signed request is not let in, and how AWS says it.

use cognito_model::{Exception, Fault};
use common::sigv4::Sigv4Error;

use crate::store::{CommitError, RowError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error(transparent)]
    Signature(#[from] Sigv4Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error(transparent)]
    Commit(CommitError),
    /// AWS's sentence: who may not do what on which resource.
    #[error("{0}")]
    Denied(String),
    #[error("This request was received before. Sign each request anew.")]
    Replayed,
    #[error("{0}")]
    Internal(String),
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Signature(error) => {
                let exception = match &error {
                    Sigv4Error::Missing => Exception::MissingAuthenticationToken,
                    Sigv4Error::Incomplete(_) => Exception::IncompleteSignature,
                    Sigv4Error::UnknownKey => Exception::UnrecognizedClient,
                    Sigv4Error::Scope(_)
                    | Sigv4Error::Unsigned { .. }
                    | Sigv4Error::Expired { .. }
                    | Sigv4Error::NotYetCurrent { .. }
                    | Sigv4Error::Mismatch => Exception::InvalidSignature,
                };
                Self::new(exception, error.to_string())
            }
            AccessError::Denied(text) => Self::new(Exception::AccessDenied, text),
            AccessError::Replayed => Self::new(Exception::InvalidSignature, error.to_string()),
            AccessError::Commit(error) => error.into(),
            AccessError::Store(error) => error.into(),
            AccessError::Row(error) => error.into(),
            AccessError::Internal(detail) => Self::internal(detail),
        }
    }
}
