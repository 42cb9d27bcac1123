//! The challenges DEVICE_SRP_AUTH and DEVICE_PASSWORD_VERIFIER: a remembered device proves itself by SRP, with its group and key in the
//! place of pool and user (COGNITO.md §3.3).
//!
//! It is the last challenge of a sign-in, or the one before tokens where the device stands for a second factor. What must be true of user and
//! device is asked of their rows when the proof is there, not when it was asked for.

use std::collections::BTreeMap;

use cognito_model::Fault;
use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;
use common::secret::SecretString;

use super::attempt::{Attempt, Challenge};
use super::device::{self, Owed, Presence, Seen};
use super::error::SignInError;
use super::next::{Standing, Trust};
use super::step::{Asked, Progress, Step, go_on};
use crate::clients::Client;
use crate::devices::{self, Device, DeviceKey, rules};
use crate::passwords::srp::{Claim, Identity, PendingChallenge, PublicValue, SrpError, Verifier};
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::store::{Batch, CommitError};
use crate::users::{self, User};

/// The answer to DEVICE_SRP_AUTH.
pub struct Begin<'a> {
    pub session: Option<&'a SecretString>,
    pub username: &'a str,
    pub device_key: &'a str,
    pub srp_a: &'a str,
}

/// The answer to DEVICE_PASSWORD_VERIFIER.
pub struct Answer<'a> {
    pub username: &'a str,
    pub device_key: &'a str,
    pub secret_block: &'a str,
    pub signature: &'a str,
    pub timestamp: &'a str,
}

/// Asks the device that is there to prove itself. `standing` is its, and says what the proof will be worth.
pub(super) async fn ask(
    services: &Services,
    client: &Client,
    (user, at, trust, factor): (&User, UnixMillis, Trust, Option<Factor>),
    seen: &Seen,
    standing: Standing,
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let key = services.pool_keys.key(&client.pool).await?;
    let then = match standing {
        Standing::Remembered { for_factor: true } if trust == Trust::Nothing => Trust::Device,
        _ => trust,
    };
    let owed = Owed {
        device: seen.device.key.as_str().to_owned(),
        authenticated_at: at.0,
        valid_after: user.valid_after.0,
        password: rules::ground(user),
        then,
        factor,
    };
    let opened = Attempt::open(&key, client, Some(&user.sub), &Challenge::Device(owed), None, now)?;
    Ok(Asked {
        challenge: ChallengeNameType::DeviceSrpAuth,
        parameters: BTreeMap::from([
            ("DEVICE_KEY".to_owned(), seen.device.key.as_str().to_owned()),
            ("USERNAME".to_owned(), user.username.clone()),
        ]),
        session: opened.session,
        statements: vec![opened.statement],
        messages: Vec::new(),
    })
}

/// Begins the exchange for SRP_A. SDKs send no Session here, or that of the challenge before.
pub async fn begin(
    services: &Services,
    pool: &Pool,
    client: &Client,
    answer: Begin<'_>,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let public = PublicValue::from_hex(answer.srp_a)
        .map_err(|_| SignInError::Parameter("SRP_A is not a valid public value.".into()))?;
    let named = users::by_name(&services.store, pool, answer.username).await?;
    let attempt = attempt(services, client, named.as_ref(), &answer, now).await?;
    let named = named.ok_or(SignInError::Session)?;
    let Challenge::Device(owed) = &attempt.challenge else { return Err(SignInError::Session) };
    if attempt.sub.as_ref() != Some(&named.sub) || owed.device != answer.device_key {
        return Err(SignInError::Session);
    }
    let device = device::again(services, &named, &owed.device).await?;
    let verifier = verifier(services, &device).await?;
    let (pending, challenge) = services
        .passwords
        .run(move || PendingChallenge::begin(public, &verifier))
        .await?
        .map_err(|e| SignInError::Internal(e.to_string()))?;
    let state = Challenge::DeviceSrp { pending: pending.to_bytes().expose().to_vec(), owed: owed.clone() };
    let key = services.pool_keys.key(&pool.id).await?;
    let opened = Attempt::open(&key, client, Some(&named.sub), &state, Some(&challenge.secret_block), now)?;
    Ok(Step::Ask(Asked {
        challenge: ChallengeNameType::DevicePasswordVerifier,
        parameters: BTreeMap::from([
            ("DEVICE_KEY".to_owned(), owed.device.clone()),
            ("SALT".to_owned(), challenge.salt),
            ("SECRET_BLOCK".to_owned(), challenge.secret_block),
            ("SRP_B".to_owned(), challenge.srp_b),
            ("USERNAME".to_owned(), named.username),
        ]),
        session: opened.session,
        statements: vec![attempt.consume(client), opened.statement],
        messages: Vec::new(),
    }))
}

async fn attempt(
    services: &Services,
    client: &Client,
    user: Option<&User>,
    answer: &Begin<'_>,
    now: UnixMillis,
) -> Result<Attempt, SignInError> {
    if answer.session.is_some() {
        match Attempt::find(services, client, answer.session, None, now).await {
            Ok(attempt) if matches!(attempt.challenge, Challenge::Device(_)) => return Ok(attempt),
            Ok(_) | Err(SignInError::Session) => {}
            Err(error) => return Err(error),
        }
    }
    // Names of nobody cost the same, and are told the same (I41).
    let sub = device::sub_or_nobodys(user)?;
    let key = DeviceKey::parse(answer.device_key).ok_or(SignInError::Session)?;
    Attempt::find_device(services, client, &sub, key.as_str(), now).await
}

/// Checks the answer. The attempt is used up first: a wrong answer can't be tried again. It counts for no lockout, since what a device knows
/// cannot be guessed.
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    answer: Answer<'_>,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let Challenge::DeviceSrp { pending, owed } = &attempt.challenge else { return Err(SignInError::Session) };
    let user = device::user(services, pool, attempt.sub.as_ref(), answer.username).await?;
    if owed.device != answer.device_key {
        return Err(SignInError::Session);
    }
    use_up(services, client, &attempt).await?;
    let device = device::again(services, &user, &owed.device).await?;
    let verifier = verifier(services, &device).await?;
    let pending = PendingChallenge::from_bytes(pending).map_err(|e| SignInError::Internal(e.to_string()))?;
    let (group, key) = (device.group_key.clone(), device.key.as_str().to_owned());
    let [block, signature, timestamp] = [answer.secret_block, answer.signature, answer.timestamp].map(str::to_owned);
    let outcome = services
        .passwords
        .run(move || {
            let claim = Claim { secret_block: &block, signature: &signature, timestamp: &timestamp };
            pending.verify(now, Identity { realm: &group, name: &key }, &verifier, claim)
        })
        .await?;
    match outcome {
        Ok(()) => {}
        Err(SrpError::StoredState | SrpError::NoEntropy(_)) => {
            return Err(SignInError::Internal("the SRP state of a device is damaged".into()));
        }
        Err(_) => return Err(SignInError::Refused),
    }
    if !still_owed(owed, &user, &device) {
        return Err(SignInError::Session);
    }
    let progress = Progress {
        user,
        at: UnixMillis(owed.authenticated_at),
        trust: owed.then,
        factor: owed.factor,
        device: Presence::Proven(device),
        statements: Vec::new(),
        tried: None,
    };
    go_on(services, pool, client, progress, now).await
}

/// Whether what the challenge rested on is still so: the password, no sign-out, and trust where the device stands for a factor.
fn still_owed(owed: &Owed, user: &User, device: &Device) -> bool {
    let trusted = owed.then != Trust::Device || device.trust == Some(owed.password);
    user.valid_after.0 == owed.valid_after && rules::ground(user) == owed.password && device.remembered && trusted
}

async fn use_up(services: &Services, client: &Client, attempt: &Attempt) -> Result<(), SignInError> {
    let mut batch = Batch::new();
    batch.add(attempt.consume(client));
    match services.store.commit(batch).await {
        Err(CommitError::Missed { .. }) => Err(SignInError::Session),
        outcome => Ok(outcome?),
    }
}

async fn verifier(services: &Services, device: &Device) -> Result<Verifier, SignInError> {
    let found = devices::verifier(services, device).await;
    found.map_err(|fault: Fault| SignInError::Internal(fault.message.into_owned()))?.ok_or(SignInError::Session)
}
