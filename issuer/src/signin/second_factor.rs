//! The challenges SMS_MFA, EMAIL_OTP and SOFTWARE_TOKEN_MFA: a code after the first factor.
//!
//! A wrong code leaves the attempt open, as in Cognito, for a few more answers. Every answer is taken from two bounds before it is looked at, in
//! one batch: the attempt's own, and the user's budget for an hour over all attempts (SECURITY.md T59). A right code uses the attempt up, and
//! itself, in the batch of what it permits.

use std::collections::BTreeMap;

use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;

use super::attempt::{Attempt, Challenge, life};
use super::device::Presence;
use super::error::SignInError;
use super::next::Trust;
use super::proof::Proof;
use super::rows;
use super::step::{Asked, Progress, Step, go_on};
use crate::clients::Client;
use crate::codes;
use crate::factors::one_time::{self, Binding};
use crate::factors::software_token::{self, TokenError};
use crate::factors::totp::Verdict;
use crate::limits::{Budget, Spender, budget};
use crate::messages::{Channel, masked};
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::store::{Batch, CommitError, Statement};
use crate::users::User;

/// Answers to one challenge.
const TRIES: u32 = 5;

/// What the answer brings.
pub struct Answer<'a> {
    pub username: &'a str,
    pub factor: Factor,
    pub code: &'a str,
}

/// The name of the code in `ChallengeResponses`.
pub const fn code_of(factor: Factor) -> &'static str {
    match factor {
        Factor::Sms => "SMS_MFA_CODE",
        Factor::Email => "EMAIL_OTP_CODE",
        Factor::SoftwareToken => "SOFTWARE_TOKEN_MFA_CODE",
    }
}

/// The challenge for a factor; for messages also the message.
pub(super) async fn ask(
    services: &Services,
    pool: &Pool,
    client: &Client,
    user: &User,
    (factor, proof): (Factor, Proof),
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let key = services.pool_keys.key(&pool.id).await?;
    let internal = |error: &dyn std::fmt::Display| SignInError::Internal(error.to_string());
    let random = codes::opaque_token().map_err(|e| internal(&e))?;
    let binding = random.expose().to_owned();
    let mut parameters = BTreeMap::from([("USER_ID_FOR_SRP".to_owned(), user.username.clone())]);
    let (mut statements, mut messages) = (Vec::new(), Vec::new());
    if let Some(to) = one_time::destination(user, factor) {
        let who = Spender::user(&user.sub);
        budget::spend(now, &services.store, &pool.id, Budget::SecondFactorMessages, &who).await?;
        let times = (now, now.plus(life(client)));
        let sent = one_time::issue(&key, pool, user, (&to, &Binding::new(&binding, &to)), times);
        let (statement, message) = sent.map_err(|e| internal(&e))?;
        statements.push(statement);
        messages.push(message);
        let medium = match to.channel {
            Channel::Email => "EMAIL",
            Channel::Sms => "SMS",
        };
        parameters.insert("CODE_DELIVERY_DELIVERY_MEDIUM".to_owned(), medium.to_owned());
        parameters.insert("CODE_DELIVERY_DESTINATION".to_owned(), masked(to.channel, &to.to));
    } else {
        let token = software_token::of_user(services, &pool.id, &user.sub).await?;
        let name = token.as_ref().and_then(|token| token.name()).unwrap_or_default();
        parameters.insert("FRIENDLY_DEVICE_NAME".to_owned(), name.to_owned());
    }
    let challenge = Challenge::SecondFactor { factor, binding, proof };
    let opened = Attempt::open(&key, client, Some(&user.sub), &challenge, None, now)?;
    statements.push(opened.statement);
    Ok(Asked { challenge: factor.challenge(), parameters, session: opened.session, statements, messages })
}

/// Checks a code.
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    answer: Answer<'_>,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let Challenge::SecondFactor { factor, binding, proof } = &attempt.challenge else {
        return Err(SignInError::Session);
    };
    if *factor != answer.factor {
        return Err(SignInError::Session);
    }
    let user = proof.user(services, pool, &attempt, Some(answer.username), now).await?;
    take(services, pool, &attempt, &user, Budget::SecondFactor, now).await?;
    let used = match factor {
        Factor::SoftwareToken => token_code(services, pool, &user, answer.code, now).await?,
        Factor::Sms | Factor::Email => sent_code(services, pool, &user, (*factor, binding), answer.code, now).await?,
    };
    let who = Spender::user(&user.sub);
    let mut statements = vec![attempt.consume(client), used];
    let kinds = [Budget::SecondFactor, Budget::SecondFactorMessages];
    statements.extend(kinds.map(|kind| budget::give_back(&pool.id, kind, &who)));
    let device = Presence::Said(attempt.device.clone());
    let (trust, factor) = (Trust::SecondFactor, Some(*factor));
    let progress = Progress { at: proof.at(), user, trust, factor, device, statements, tried: None };
    go_on(services, pool, client, progress, now).await
}

/// Takes an answer from the bounds of the attempt and of the user, durably.
pub(super) async fn take(
    services: &Services,
    pool: &Pool,
    attempt: &Attempt,
    user: &User,
    kind: Budget,
    now: UnixMillis,
) -> Result<(), SignInError> {
    let mut batch = Batch::new();
    let of_attempt = batch.add(rows::count_try(&pool.id, &attempt.digest, TRIES, now));
    batch.add(budget::spending(now, &pool.id, kind, &Spender::user(&user.sub)));
    services.store.commit(batch).await.map_err(|error| match error {
        CommitError::Missed { index } if index == of_attempt => SignInError::Session,
        CommitError::Missed { .. } => SignInError::TooMany,
        other => other.into(),
    })
}

async fn token_code(
    services: &Services,
    pool: &Pool,
    user: &User,
    code: &str,
    now: UnixMillis,
) -> Result<Statement, SignInError> {
    let key = services.pool_keys.key(&pool.id).await?;
    let token = software_token::of_user(services, &pool.id, &user.sub).await?.ok_or(TokenError::Absent)?;
    match token.judge(&key, code, now)? {
        (Verdict::Fresh(_), Some(used)) => Ok(used),
        (Verdict::Used, _) => Err(SignInError::CodeUsed),
        _ => Err(SignInError::Code("Invalid code received for user")),
    }
}

async fn sent_code(
    services: &Services,
    pool: &Pool,
    user: &User,
    (factor, binding): (Factor, &str),
    code: &str,
    now: UnixMillis,
) -> Result<Statement, SignInError> {
    let key = services.pool_keys.key(&pool.id).await?;
    // The address may have changed since: then the code proves nothing.
    let to = one_time::destination(user, factor).ok_or(SignInError::Session)?;
    Ok(one_time::check(&services.store, &key, user, &Binding::new(binding, &to), code, now).await?)
}

/// `["SMS_MFA","SOFTWARE_TOKEN_MFA"]`
pub(super) fn list(factors: &[Factor]) -> Result<String, SignInError> {
    serde_json::to_string(factors).map_err(|e| SignInError::Internal(e.to_string()))
}

/// A challenge without a message, of which the attempt is all that is stored.
pub(super) async fn ask_plainly(
    services: &Services,
    client: &Client,
    user: &User,
    (name, challenge): (ChallengeNameType, Challenge),
    (parameter, value): (&str, String),
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let key = services.pool_keys.key(&user.pool).await?;
    let opened = Attempt::open(&key, client, Some(&user.sub), &challenge, None, now)?;
    let parameters =
        BTreeMap::from([("USER_ID_FOR_SRP".to_owned(), user.username.clone()), (parameter.to_owned(), value)]);
    let statements = vec![opened.statement];
    Ok(Asked { challenge: name, parameters, session: opened.session, statements, messages: Vec::new() })
}
