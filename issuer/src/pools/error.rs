//! What can be wrong with a pool, and how Cognito says it.

use cognito_model::{Exception, Fault};
use common::ids::PoolId;

use crate::store::{CommitError, RowError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    #[error("user pool {0} does not exist")]
    Absent(PoolId),
    #[error("'{0}' is not a user pool id")]
    Malformed(String),
    #[error("{0} is not the ARN of a user pool of this deployment")]
    NoArn(String),
    #[error("{0}")]
    Settings(String),
    #[error("{0}")]
    Tags(String),
    #[error("the pool was changed by another request")]
    Changed,
    #[error("the pool has a domain")]
    HasDomain,
    #[error("the pool is protected from deletion")]
    Protected,
    #[error("storage: {0}")]
    Storage(String),
}

impl From<StoreError> for PoolError {
    fn from(error: StoreError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<RowError> for PoolError {
    fn from(error: RowError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<CommitError> for PoolError {
    fn from(error: CommitError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Absent(pool) => {
                Self::new(Exception::ResourceNotFound, format!("User pool {pool} does not exist."))
            }
            PoolError::Malformed(id) => {
                Self::new(Exception::ResourceNotFound, format!("User pool {id} does not exist."))
            }
            PoolError::NoArn(arn) => Self::new(Exception::ResourceNotFound, format!("Resource {arn} does not exist.")),
            PoolError::Settings(why) => Self::invalid_parameter(why),
            PoolError::Tags(why) => Self::new(Exception::UserPoolTagging, why),
            PoolError::HasDomain => Self::invalid_parameter(
                "User pool cannot be deleted. It has a domain configured that should be deleted first.",
            ),
            PoolError::Changed => {
                Self::new(Exception::ConcurrentModification, "The user pool was changed by another request. Try again.")
            }
            PoolError::Protected => Self::invalid_parameter(
                "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
            ),
            PoolError::Storage(detail) => Self::unavailable(detail),
        }
    }
}
