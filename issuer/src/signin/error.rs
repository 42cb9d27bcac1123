//! Why a sign-in does not go on, and how Cognito says it.

use cognito_model::{Exception, Fault};

use crate::codes::CodeError;
use crate::devices;
use crate::envelope::PoolKeyError;
use crate::factors::software_token::TokenError;
use crate::limits::{LockoutError, SpendError};
use crate::passwords::PasswordError;
use crate::store::{CommitError, RowError, StoreError};
use crate::users::UserError;

#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Wrong password, wrong signature, or a user that is not told apart from a wrong password.
    #[error("wrong user name or password")]
    Refused,
    /// As [`SignInError::Refused`] to everybody but edges: there is no such user.
    #[error("wrong user name or password")]
    Nobody,
    /// Only to clients that don't hide who exists.
    #[error("no such user")]
    NoUser,
    #[error("the user is disabled")]
    Disabled,
    #[error("the user is not confirmed")]
    Unconfirmed,
    #[error("the password must be reset")]
    ResetRequired,
    #[error("the temporary password has expired")]
    TemporaryExpired,
    /// The session is unknown, used, or over.
    #[error("the sign-in session is invalid")]
    Session,
    /// The sign-in names a device that the user does not have.
    #[error("no such device")]
    NoDevice,
    #[error("{0}")]
    Parameter(String),
    /// A wrong code of a second factor; the text is Cognito's for its kind.
    #[error("{0}")]
    Code(&'static str),
    /// The code was right, and has been used.
    #[error("the code has been used")]
    CodeUsed,
    /// The code of a message has ended, or another one was sent.
    #[error("the code has ended")]
    CodeEnded,
    /// Too many wrong codes, or too many messages.
    #[error("too many tries at second factors")]
    TooMany,
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Too many wrong passwords, or too many attempts at once.
    #[error(transparent)]
    Lockout(LockoutError),
    #[error(transparent)]
    User(#[from] UserError),
    #[error("an internal failure: {0}")]
    Internal(String),
    #[error("storage: {0}")]
    Unavailable(String),
}

impl SignInError {
    /// A refusal, where no user may be behind the name.
    pub fn of(self, is_user: bool) -> Self {
        match self {
            Self::Refused if !is_user => Self::Nobody,
            other => other,
        }
    }
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<RowError> for SignInError {
    fn from(error: RowError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<CommitError> for SignInError {
    fn from(error: CommitError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<PoolKeyError> for SignInError {
    fn from(error: PoolKeyError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<CodeError> for SignInError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Mismatch => Self::Code("Invalid code or auth state for the user."),
            CodeError::Absent | CodeError::Expired => Self::CodeEnded,
            CodeError::Exhausted => Self::TooMany,
            CodeError::Storage(error) => error.into(),
            CodeError::Commit(error) => error.into(),
        }
    }
}

impl From<SpendError> for SignInError {
    fn from(error: SpendError) -> Self {
        match error {
            SpendError::Exhausted => Self::TooMany,
            SpendError::Commit(error) => error.into(),
        }
    }
}

impl From<LockoutError> for SignInError {
    fn from(error: LockoutError) -> Self {
        match error {
            // What goes with a try is the end of the session that it answers.
            LockoutError::Missed(_) => Self::Session,
            other => Self::Lockout(other),
        }
    }
}

impl From<PasswordError> for SignInError {
    fn from(error: PasswordError) -> Self {
        Self::User(error.into())
    }
}

impl From<SignInError> for Fault {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused => Self::not_authorized("Incorrect username or password."),
            SignInError::Nobody => Self::from(SignInError::Refused).of_nobody(),
            SignInError::NoUser => Self::user_not_found("User does not exist."),
            SignInError::Disabled => Self::not_authorized("User is disabled."),
            SignInError::Unconfirmed => Self::new(Exception::UserNotConfirmed, "User is not confirmed."),
            SignInError::ResetRequired => {
                Self::new(Exception::PasswordResetRequired, "Password reset required for the user")
            }
            SignInError::TemporaryExpired => {
                Self::not_authorized("Temporary password has expired and must be reset by an administrator.")
            }
            SignInError::Session => Self::not_authorized("Invalid session for the user."),
            SignInError::NoDevice => devices::absent(),
            SignInError::Parameter(text) => Self::invalid_parameter(text),
            SignInError::Code(text) => Self::new(Exception::CodeMismatch, text),
            SignInError::CodeUsed => {
                Self::new(Exception::ExpiredCode, "Your software token has already been used once.")
            }
            SignInError::CodeEnded => CodeError::Expired.into(),
            SignInError::TooMany => Self::new(Exception::TooManyRequests, "Too many requests"),
            SignInError::Token(error) => error.into(),
            SignInError::Lockout(error) => error.into(),
            SignInError::User(error) => error.into(),
            SignInError::Internal(detail) => Self::internal(detail),
            SignInError::Unavailable(detail) => Self::unavailable(detail),
        }
    }
}
