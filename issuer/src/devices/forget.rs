//! The end of a device: of trust in it and of every token that came from it, here and at the edges.
//!
//! One transaction: the device's row goes, if nobody signed in with it since it was read; then its sessions; the audit row; the feed's
//! records, of the device and of each session (ID tokens name the session only). *A power cut leaves all of it or nothing.* A device with
//! more sessions than one transaction ends loses the rest before, in transactions of their own, and is forgotten by the last one.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, Revoked};

use super::{absent, contended, find, rows};
use crate::aws_json::{Call, Write};
use crate::devices::model::DeviceKey;
use crate::pools::Pool;
use crate::sessions::end;
use crate::store::{Batch, CommitError};
use crate::users::{TRIES, User};

/// Sessions that end in one transaction.
pub const AT_ONCE: u64 = 200;
/// Transactions that a device is forgotten in at most, beside those that met a sign-in: with this many sessions the call is to be repeated.
const ROUNDS: u64 = 500;

/// # Errors
/// `ResourceNotFoundException: Device does not exist.`, storage; `TooManyRequestsException` when sign-ins keep it from happening.
pub async fn forget(call: &Call, pool: &Pool, user: &User, key: &str) -> Result<(), Fault> {
    let store = &call.services.store;
    let key = DeviceKey::parse(key).ok_or_else(absent)?;
    let mut tries = 0;
    for round in 0..ROUNDS {
        // The audit record has a row for each transaction; those of one request differ in their instant.
        let mut part = call.clone();
        part.now = UnixMillis(call.now.0.saturating_add(round));
        let device = find(store, user, &key).await?.ok_or_else(absent)?;
        let whose = (&pool.id, &user.sub, user.valid_after);
        let (statements, mut changes) = end::of_device(store, whose, key.as_str(), AT_ONCE + 1, call.now).await?;
        let is_last = statements.len() as u64 <= AT_ONCE;
        let mut batch = Batch::new();
        if is_last {
            batch.add(rows::delete(&device));
            let device_key = key.as_str().to_owned();
            changes.push(Change::Revoked(Revoked::Device { device_key, until: call.now }));
        }
        batch.extend(statements);
        match part.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).changes(changes)).await {
            Ok(()) if is_last => return Ok(()),
            Ok(()) => {}
            Err(CommitError::Missed { .. }) if tries < TRIES => tries += 1,
            Err(CommitError::Missed { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Err(contended())
}
