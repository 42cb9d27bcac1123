//! What can be wrong with a user, and how Cognito says it.

use cognito_model::{Exception, Fault};

use super::model::Status;
use crate::envelope::PoolKeyError;
use crate::passwords::{PasswordError, PolicyViolation};
use crate::store::{CommitError, RowError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("no such user")]
    Absent,
    #[error("no such group")]
    NoGroup,
    #[error("the user name is taken")]
    NameTaken,
    /// The text names the alias.
    #[error("{0}")]
    AliasTaken(&'static str),
    #[error("{0}")]
    Attributes(String),
    /// The app client may not write it, or no user may.
    #[error("the attribute is not the user's to write")]
    NotWritable,
    /// Only a user who waits for confirmation can be confirmed.
    #[error("the user does not wait for confirmation")]
    NotUnconfirmed(Status),
    #[error("{0}")]
    Password(#[from] PolicyViolation),
    #[error("the user had this password before")]
    PasswordRepeated,
    #[error("{0}")]
    Hashing(#[from] PasswordError),
    #[error(transparent)]
    PoolKey(#[from] PoolKeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A secret could not be sealed or opened.
    #[error("{0}")]
    Sealing(String),
}

impl From<UserError> for Fault {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Absent => Self::new(Exception::UserNotFound, "User does not exist."),
            UserError::NoGroup => Self::resource_not_found("Group not found."),
            UserError::NameTaken => Self::new(Exception::UsernameExists, "User already exists"),
            UserError::AliasTaken(text) => Self::new(Exception::AliasExists, text),
            UserError::Attributes(why) => Self::invalid_parameter(why),
            UserError::NotWritable => Self::not_authorized("A client attempted to write unauthorized attribute"),
            UserError::NotUnconfirmed(status) => {
                Self::not_authorized(format!("User cannot be confirmed. Current status is {}", status.as_str()))
            }
            UserError::Password(violation) => Self::new(Exception::InvalidPassword, violation.to_string()),
            UserError::PasswordRepeated => {
                Self::new(Exception::PasswordHistoryPolicyViolation, "Password has previously been used")
            }
            UserError::Hashing(PasswordError::Busy) => Self::new(Exception::TooManyRequests, "Too many requests"),
            UserError::Hashing(PasswordError::TooLong) => {
                Self::new(Exception::InvalidPassword, "Password did not conform with policy: Password too long")
            }
            UserError::Hashing(error) => Self::internal(error),
            UserError::PoolKey(error) => Self::unavailable(error),
            UserError::Store(error) => error.into(),
            UserError::Row(error) => error.into(),
            UserError::Commit(error) => error.into(),
            UserError::Sealing(detail) => Self::internal(detail),
        }
    }
}
