//! The confirmation code of a sign-up, as messages and checks need it.

use cognito_model::Fault;

use crate::codes::{self, CodeSlot};
use crate::pools::Pool;
use crate::store::Statement;
use crate::users::User;
use crate::users::deliveries::{Destination, SIGN_UP_CODE_LIFE};

const PURPOSE: &str = "confirm sign-up";

/// Bound to the address that it proves: when that changes, the code is void.
pub fn slot<'a>(pool: &'a Pool, user: &'a User, to: &'a Destination) -> CodeSlot<'a> {
    CodeSlot { pool: &pool.id, purpose: PURPOSE, subject: user.sub.as_str(), target: &to.to }
}

/// Withdraws the code of a user who needs none any more.
pub fn withdraw(user: &User) -> Statement {
    codes::discard(CodeSlot { pool: &user.pool, purpose: PURPOSE, subject: user.sub.as_str(), target: "" })
}

/// A fresh code, with the statement that stores it.
pub fn issue(
    now: common::clock::UnixMillis,
    key: &crate::envelope::PoolKey,
    slot: CodeSlot<'_>,
) -> Result<codes::Code, Fault> {
    codes::issue(now, key, slot, SIGN_UP_CODE_LIFE).map_err(Fault::internal)
}
