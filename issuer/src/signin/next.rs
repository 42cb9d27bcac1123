//! What a sign-in still lacks: one pure function of the user and of what has been proven.
//!
//! Nothing but [`next`] says that a sign-in is over, and it is asked after every proof. So there is no way to tokens around a challenge
//! (SECURITY.md T58).

use common::clock::UnixMillis;
use serde::{Deserialize, Serialize};

use super::error::SignInError;
use crate::users::{Status, User};

/// What stands behind a sign-in beside its first factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    #[default]
    Nothing,
    /// A second factor was proven.
    SecondFactor,
    /// A device of the user's that the pool trusts has proven itself: nobody asks for a second factor.
    Device,
}

/// What is to be asked of the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    NewPassword,
    Done,
}

/// What is next for a user whose first factor was proven.
///
/// # Errors
/// Whoever may not go on: disabled, not confirmed, or with a password that does not count any more.
pub fn next(user: &User, _trust: Trust, now: UnixMillis) -> Result<Next, SignInError> {
    admit(user, now)?;
    if user.status == Status::ForceChangePassword {
        return Ok(Next::NewPassword);
    }
    Ok(Next::Done)
}

fn admit(user: &User, now: UnixMillis) -> Result<(), SignInError> {
    match user.status {
        _ if !user.enabled => Err(SignInError::Disabled),
        Status::Unconfirmed => Err(SignInError::Unconfirmed),
        Status::ResetRequired => Err(SignInError::ResetRequired),
        Status::ForceChangePassword if user.temporary_until.is_some_and(|until| until <= now) => {
            Err(SignInError::TemporaryExpired)
        }
        Status::ForceChangePassword | Status::Confirmed => Ok(()),
    }
}
