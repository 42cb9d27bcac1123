//! Why a password is not recovered, and how Cognito says it.

use cognito_model::{Exception, Fault};

use crate::codes::CodeError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// AccountRecoverySetting: `admin_only`.
    #[error("only administrators may reset passwords")]
    AdminOnly,
    #[error("no such user")]
    NoUser,
    #[error("the user is disabled")]
    Disabled,
    #[error("the user's state permits no reset")]
    State,
    #[error("the user has no verified address to recover by")]
    NoAddress,
    #[error(transparent)]
    Code(#[from] CodeError),
}

impl RecoveryError {
    /// Whether the refusal would tell that there is such a user, or that there is none.
    pub fn tells_who_exists(&self) -> bool {
        match self {
            Self::NoUser | Self::Disabled | Self::State | Self::NoAddress => true,
            // An end or a count is of a code that was sent to somebody.
            Self::Code(CodeError::Absent | CodeError::Expired | CodeError::Exhausted) => true,
            Self::Code(CodeError::Mismatch | CodeError::Storage(_) | CodeError::Commit(_)) | Self::AdminOnly => false,
        }
    }
}

impl From<RecoveryError> for Fault {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::AdminOnly => Self::not_authorized("Contact administrator to reset password."),
            RecoveryError::NoUser => Self::new(Exception::UserNotFound, "Username/client id combination not found."),
            RecoveryError::Disabled => Self::not_authorized("User is disabled."),
            RecoveryError::State => Self::not_authorized("User password cannot be reset in the current state."),
            RecoveryError::NoAddress => Self::invalid_parameter(
                "Cannot reset password for the user as there is no registered/verified email or phone_number",
            ),
            RecoveryError::Code(error) => error.into(),
        }
    }
}
