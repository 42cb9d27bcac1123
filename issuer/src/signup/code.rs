//! The confirmation code of a sign-up, as messages and checks need it.

use std::time::Duration;

use cognito_model::Fault;

use crate::codes::{self, CodeSlot};
use crate::pools::Pool;
use crate::users::User;
use crate::users::deliveries::Destination;

/// Cognito: 24 hours.
pub const LIFE: Duration = Duration::from_secs(24 * 3600);

const PURPOSE: &str = "confirm sign-up";

/// Bound to the address that it proves: when that changes, the code is void.
pub fn slot<'a>(pool: &'a Pool, user: &'a User, to: &'a Destination) -> CodeSlot<'a> {
    CodeSlot { pool: &pool.id, purpose: PURPOSE, subject: user.sub.as_str(), target: &to.to }
}

/// A fresh code, with the statement that stores it.
pub fn issue(
    now: common::clock::UnixMillis,
    key: &crate::envelope::PoolKey,
    slot: CodeSlot<'_>,
) -> Result<codes::Code, Fault> {
    codes::issue(now, key, slot, LIFE).map_err(Fault::internal)
}
