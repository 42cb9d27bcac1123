//! Where a sign-in stands after an answer.

use std::collections::BTreeMap;

use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;
use common::secret::SecretString;

use super::attempt::{Attempt, Challenge};
use super::error::SignInError;
use crate::clients::Client;
use crate::envelope::PoolKey;
use crate::pools::Pool;
use crate::store::Statement;
use crate::users::{Status, User};

/// The next challenge, or the end.
pub enum Step {
    Ask(Asked),
    Done(Authenticated),
}

/// A challenge, and what must be committed before it is sent.
pub struct Asked {
    pub challenge: ChallengeNameType,
    pub parameters: BTreeMap<String, String>,
    pub session: SecretString,
    pub statements: Vec<Statement>,
}

/// The proof that a user has passed every challenge. Minting tokens consumes it.
pub struct Authenticated {
    user: User,
    at: UnixMillis,
    statements: Vec<Statement>,
}

impl Authenticated {
    /// The user as it was read when the proof was made.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// `auth_time`.
    pub fn at(&self) -> UnixMillis {
        self.at
    }

    /// What must be committed with the tokens: it uses the attempt up.
    pub fn into_statements(self) -> Vec<Statement> {
        self.statements
    }

    pub(super) fn new(user: User, at: UnixMillis, statements: Vec<Statement>) -> Self {
        Self { user, at, statements }
    }
}

/// What follows a proven password. `statements` uses up the attempt that proved it, if there was one.
pub(super) fn after_password(
    key: &PoolKey,
    pool: &Pool,
    client: &Client,
    user: User,
    statements: Vec<Statement>,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    if !user.enabled {
        return Err(SignInError::Disabled);
    }
    match user.status {
        Status::Unconfirmed => Err(SignInError::Unconfirmed),
        Status::ResetRequired => Err(SignInError::ResetRequired),
        Status::ForceChangePassword if user.temporary_until.is_some_and(|until| until <= now) => {
            Err(SignInError::TemporaryExpired)
        }
        Status::ForceChangePassword => ask_new_password(key, pool, client, &user, statements, now).map(Step::Ask),
        Status::Confirmed => Ok(Step::Done(Authenticated::new(user, now, statements))),
    }
}

fn ask_new_password(
    key: &PoolKey,
    pool: &Pool,
    client: &Client,
    user: &User,
    mut statements: Vec<Statement>,
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let challenge = Challenge::NewPassword { authenticated_at: now.0, valid_after: user.valid_after.0 };
    let opened = Attempt::open(key, client, Some(&user.sub), &challenge, None, now)?;
    statements.push(opened.statement);
    let missing: Vec<String> = pool
        .schema()
        .required()
        .filter(|name| !user.attributes.contains_key(*name))
        .map(|name| format!("userAttributes.{name}"))
        .collect();
    let readable: BTreeMap<_, _> = user.attributes.iter().filter(|(name, _)| client.settings.may_read(name)).collect();
    let json = |value: serde_json::Result<String>| value.map_err(|e| SignInError::Internal(e.to_string()));
    let parameters = BTreeMap::from([
        ("USER_ID_FOR_SRP".to_owned(), user.username.clone()),
        ("requiredAttributes".to_owned(), json(serde_json::to_string(&missing))?),
        ("userAttributes".to_owned(), json(serde_json::to_string(&readable))?),
    ]);
    Ok(Asked { challenge: ChallengeNameType::NewPasswordRequired, parameters, session: opened.session, statements })
}
