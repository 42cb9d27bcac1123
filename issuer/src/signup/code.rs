//! The confirmation code of a sign-up, as messages and checks need it.

use cognito_model::{Exception, Fault};

use crate::codes::{self, CodeError, CodeSlot};
use crate::pools::Pool;
use crate::users::User;
use crate::users::deliveries::{Destination, SIGN_UP_CODE_LIFE};

const PURPOSE: &str = "confirm sign-up";

/// Bound to the address that it proves: when that changes, the code is void.
pub fn slot<'a>(pool: &'a Pool, user: &'a User, to: &'a Destination) -> CodeSlot<'a> {
    CodeSlot { pool: &pool.id, purpose: PURPOSE, subject: user.sub.as_str(), target: &to.to }
}

/// Cognito's words for a code that is not taken.
pub fn refusal(error: CodeError) -> Fault {
    match error {
        CodeError::Mismatch => mismatch(),
        CodeError::Absent | CodeError::Expired => expired(),
        CodeError::Exhausted => Fault::limit_exceeded("Attempt limit exceeded, please try after some time."),
        CodeError::Storage(error) => error.into(),
        CodeError::Commit(error) => error.into(),
    }
}

/// Also what unknown users get from clients that hide who exists.
pub fn mismatch() -> Fault {
    Fault::new(Exception::CodeMismatch, "Invalid verification code provided, please try again.")
}

pub fn expired() -> Fault {
    Fault::new(Exception::ExpiredCode, "Invalid code provided, please request a code again.")
}

/// A fresh code, with the statement that stores it.
pub fn issue(
    now: common::clock::UnixMillis,
    key: &crate::envelope::PoolKey,
    slot: CodeSlot<'_>,
) -> Result<codes::Code, Fault> {
    codes::issue(now, key, slot, SIGN_UP_CODE_LIFE).map_err(Fault::internal)
}
