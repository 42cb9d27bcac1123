//! USER_SRP_AUTH and its challenge PASSWORD_VERIFIER: the password is proven without being sent (COGNITO.md §3.3).
//!
//! A user that does not exist gets the same challenge, stable by name, at the same cost (I46), where the client hides who exists.

use std::collections::BTreeMap;

use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;

use super::attempt::{Attempt, Challenge};
use super::device::{self, Named};
use super::error::SignInError;
use super::guess;
use super::step::{Asked, Step, after_password, note_device};
use crate::clients::Client;
use crate::limits::lockout::Proven;
use crate::passwords::PasswordError;
use crate::passwords::srp::{Claim, Decoys, Identity, PendingChallenge, PublicValue, SrpError, Verifier};
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Batch, CommitError};
use crate::users::{self, User, credentials, login_names};

/// The answer to a challenge, as it came.
pub struct Answer<'a> {
    /// `USERNAME`.
    pub username: &'a str,
    pub secret_block: &'a str,
    pub signature: &'a str,
    pub timestamp: &'a str,
}

/// Begins the exchange for SRP_A.
pub async fn begin(
    services: &Services,
    pool: &Pool,
    client: &Client,
    username: &str,
    srp_a: &str,
    device: &Named,
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let public = PublicValue::from_hex(srp_a)
        .map_err(|_| SignInError::Parameter("SRP_A is not a valid public value.".into()))?;
    let user = users::by_name(&services.store, pool, username).await?;
    if user.is_none() && !client.settings.hides_users() {
        return Err(SignInError::NoUser);
    }
    let name = login_names::key(pool, username);
    let (verifier, user_id) = verifier(services, pool, user.as_ref(), &name, username).await?;
    let (pending, challenge) = services
        .passwords
        .run(move || PendingChallenge::begin(public, &verifier))
        .await?
        .map_err(|e| SignInError::Internal(e.to_string()))?;
    let key = services.pool_keys.key(&pool.id).await?;
    let state = Challenge::Srp { pending: pending.to_bytes().expose().to_vec(), name, user_id: user_id.clone() };
    let sub = user.as_ref().map(|user| &user.sub);
    let opened = Attempt::open(&key, client, sub, &state, Some(&challenge.secret_block), now)?;
    let parameters = BTreeMap::from([
        ("SALT".to_owned(), challenge.salt),
        ("SRP_B".to_owned(), challenge.srp_b),
        ("SECRET_BLOCK".to_owned(), challenge.secret_block),
        ("USER_ID_FOR_SRP".to_owned(), user_id.clone()),
        ("USERNAME".to_owned(), user_id),
    ]);
    let mut statements = vec![opened.statement];
    // Whether the user has it is asked once the password was proven.
    statements.extend(device.well_formed().map(|key| note_device(client, &opened.session, key.as_str())));
    Ok(Asked {
        challenge: ChallengeNameType::PasswordVerifier,
        parameters,
        session: opened.session,
        statements,
        messages: Vec::new(),
    })
}

/// Checks the answer. The attempt is used up first, with a try of the user's: a wrong answer can't be tried again. (But for [`without_device`].)
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    answer: Answer<'_>,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let Challenge::Srp { pending, name, user_id } = &attempt.challenge else { return Err(SignInError::Session) };
    // An edge has judged the answer by the name in it, so it must be the one of the attempt: as it was typed, or as the challenge has it.
    if answer.username != user_id && login_names::key(pool, answer.username) != *name {
        return Err(SignInError::Session);
    }
    let internal = |error: &dyn std::fmt::Display| SignInError::Internal(error.to_string());
    let pending = PendingChallenge::from_bytes(pending).map_err(|e| internal(&e))?;
    let user = match &attempt.sub {
        Some(sub) => users::by_sub(&services.store, pool, sub).await?,
        None => None,
    };
    let (verifier, _) = verifier(services, pool, user.as_ref(), name, user_id).await?;
    let (pool_id, user_id) = (pool.id.clone(), user_id.clone());
    let (block, signature, timestamp) =
        (answer.secret_block.to_owned(), answer.signature.to_owned(), answer.timestamp.to_owned());
    let who = guess::subject(services, pool, attempt.sub.as_ref(), name).await?;
    let attempt_is_of_user = attempt.sub.is_some();
    let lost = device::is_lost(services, pool, user.as_ref(), &attempt.device).await?;
    let used_up = if lost { Vec::new() } else { vec![attempt.consume(client)] };
    let guess = guess::take(services, who, used_up).await?;
    let outcome = services
        .passwords
        .run(move || {
            let claim = Claim { secret_block: &block, signature: &signature, timestamp: &timestamp };
            pending.verify(now, Identity::of_user(&pool_id, &user_id), &verifier, claim)
        })
        .await;
    // Nobody proves to be a user who does not exist.
    let verdict = verdict(outcome).map(|right| right && user.is_some());
    let judged = guess::judge(guess, verdict).await.map_err(|error| error.of(attempt_is_of_user));
    if lost {
        return Err(without_device(services, client, &attempt, judged).await);
    }
    let (proven, user) = (judged?, user.ok_or(SignInError::Refused)?);
    after_password(services, pool, client, user, proven, attempt.device, now).await
}

/// What comes of an answer that names a device which the user does not have. Clients repeat the very answer without it, so a right one does not
/// use the attempt up; a wrong one does.
async fn without_device(
    services: &Services,
    client: &Client,
    attempt: &Attempt,
    judged: Result<Proven, SignInError>,
) -> SignInError {
    match judged {
        Ok(proven) => match proven.give_back().await {
            Ok(()) => SignInError::NoDevice,
            Err(error) => error.into(),
        },
        Err(refusal) => {
            let mut batch = Batch::new();
            batch.add(attempt.consume(client));
            match services.store.commit(batch).await {
                Ok(()) | Err(CommitError::Missed { .. }) => refusal,
                Err(error) => error.into(),
            }
        }
    }
}

fn verdict(outcome: Result<Result<(), SrpError>, PasswordError>) -> Result<bool, SignInError> {
    match outcome? {
        Ok(()) => Ok(true),
        Err(SrpError::StoredState | SrpError::NoEntropy(_)) => {
            Err(SignInError::Internal("the SRP state is damaged".into()))
        }
        Err(_) => Ok(false),
    }
}

/// The user's verifier and USER_ID_FOR_SRP, or a decoy's. A decoy shows the name where user names are chosen by people, and a UUID
/// where they are UUIDs or the name is an alias, which no answer repeats. Where case does not count it shows the folded form: the typed
/// one would tell that no stored name took its place.
async fn verifier(
    services: &Services,
    pool: &Pool,
    user: Option<&User>,
    name: &str,
    typed: &str,
) -> Result<(Verifier, String), SignInError> {
    if let Some(user) = user
        && let Some(verifier) = credentials::srp_verifier(services, user).await?
    {
        return Ok((verifier, user.username.clone()));
    }
    let key = services.pool_keys.key(&pool.id).await?;
    let decoy = Decoys::of_pool(&key).decoy(name);
    let named_by_uuid = !pool.settings.username_attributes.is_empty() || login_names::is_address_alias(pool, typed);
    let user_id = match user {
        Some(user) => user.username.clone(),
        None if named_by_uuid => decoy.user_id,
        None if pool.settings.case_sensitive() => typed.to_owned(),
        None => name.to_owned(),
    };
    Ok((decoy.verifier, user_id))
}
