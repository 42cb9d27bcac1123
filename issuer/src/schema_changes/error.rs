//! Why a change is not made.

use cognito_model::{Exception, Fault};

use super::model::Report;
use crate::envelope::PoolKeyError;
use crate::pools::PoolError;
use crate::store::{CommitError, RowError, StoreError};
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The change makes no sense for this pool.
    #[error("{0}")]
    Senseless(String),
    #[error("a change of this pool's schema is under way already: {0}; go on with `tollgate admin schema resume`")]
    UnderWay(String),
    #[error("no change of this pool's schema is under way")]
    None,
    /// Users, or values, stand in the way; nothing is changed.
    #[error("nothing was changed: {}", .0.summary())]
    InTheWay(Box<Report>),
    #[error("another command works at this change, or the pool is being changed; try again")]
    Busy,
    #[error("whoever asked has left; go on with `tollgate admin schema resume`")]
    Left,
    #[error(transparent)]
    Pool(#[from] PoolError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error(transparent)]
    Key(#[from] PoolKeyError),
    #[error(transparent)]
    Read(#[from] StoreError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<ChangeError> for Fault {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Pool(error) => error.into(),
            ChangeError::User(error) => error.into(),
            ChangeError::Read(error) => error.into(),
            ChangeError::Commit(error) => error.into(),
            ChangeError::Row(error) => Self::internal(error),
            ChangeError::Key(error) => Self::internal(error),
            ChangeError::None => Self::resource_not_found(error.to_string()),
            ChangeError::UnderWay(_) | ChangeError::Busy => {
                Self::new(Exception::ConcurrentModification, error.to_string())
            }
            other => Self::invalid_parameter(other.to_string()),
        }
    }
}
