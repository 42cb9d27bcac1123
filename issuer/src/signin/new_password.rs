//! The challenge NEW_PASSWORD_REQUIRED: an invited user sets an own password, and attributes that the pool requires.

use std::collections::BTreeMap;

use common::clock::UnixMillis;
use common::secret::SecretString;

use super::attempt::{Attempt, Challenge};
use super::device::{self, Presence};
use super::error::SignInError;
use super::next::Trust;
use super::step::{Progress, Step, go_on};
use crate::clients::Client;
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Batch, CommitError};
use crate::users::attributes::{self, Author, Edits, Prepared};
use crate::users::{Status, credentials, rows};

/// Answers to one challenge.
const TRIES: u32 = 10;

/// What the answer brings.
pub struct Answer<'a> {
    pub username: &'a str,
    pub password: &'a SecretString,
    /// By attribute name, without the prefix `userAttributes.`.
    pub attributes: BTreeMap<String, String>,
}

/// Checks the answer. A password or attribute that is refused leaves the challenge open: the same Session may try again.
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    answer: Answer<'_>,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let (Challenge::NewPassword { authenticated_at, valid_after }, Some(sub)) = (&attempt.challenge, &attempt.sub)
    else {
        return Err(SignInError::Session);
    };
    let mut user = device::user(services, pool, Some(sub), answer.username).await?;
    if !user.enabled {
        return Err(SignInError::Disabled);
    }
    if user.status != Status::ForceChangePassword || user.valid_after.0 != *valid_after {
        return Err(SignInError::Session);
    }
    // Each answer may cost many hashes.
    let mut taken = Batch::new();
    taken.add(super::rows::count_try(&pool.id, &attempt.digest, TRIES, now));
    services.store.commit(taken).await.map_err(|error| match error {
        CommitError::Missed { .. } => SignInError::Session,
        other => other.into(),
    })?;
    let plan =
        attributes::plan(pool, &user, &Edits::of_answers(answer.attributes), Author::Newcomer(&client.settings))?;
    let fresh = credentials::replace(services, pool, &user, answer.password).await?;
    let key = services.pool_keys.key(&pool.id).await?;
    let change = Prepared::new(&services.store, &key, pool, &user, &plan, Status::Confirmed, now).await?;
    let mut statements = vec![attempt.consume(client)];
    statements.extend(change.statements);
    statements.push(rows::update_credentials(&user, &fresh, Status::Confirmed, None, now));
    for message in &change.messages {
        // The minting commits it, whose request is not known here; the courier finds it when it looks next, within a second.
        statements.push(services.courier.queue(&key, message, "", now).map_err(SignInError::Internal)?);
    }
    user.status = Status::Confirmed;
    user.attributes = plan.attributes;
    user.credentials = Some(fresh.credentials);
    let at = UnixMillis(*authenticated_at);
    let device = Presence::Said(attempt.device);
    let progress = Progress { user, at, trust: Trust::Nothing, factor: None, device, statements, tried: None };
    go_on(services, pool, client, progress, now).await
}
