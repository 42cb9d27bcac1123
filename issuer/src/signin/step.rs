//! Where a sign-in stands after an answer.

use std::collections::BTreeMap;

use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;
use common::secret::SecretString;

use super::attempt::{Attempt, Challenge};
use super::device::{self, Named, Presence, Seen};
use super::device_srp;
use super::error::SignInError;
use super::methods::Methods;
use super::next::{Next, Trust, next};
use super::proof::Proof;
use super::{rows, second_factor, select_factor, set_up_factor};
use crate::clients::Client;
use crate::codes;
use crate::factors;
use crate::limits::lockout::Proven;
use crate::messages::Message;
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::store::Statement;
use crate::users::User;

/// The next challenge, or the end.
pub enum Step {
    Ask(Asked),
    Done(Box<Authenticated>),
}

/// A challenge, and what must be committed before it is sent.
pub struct Asked {
    pub challenge: ChallengeNameType,
    pub parameters: BTreeMap<String, String>,
    pub session: SecretString,
    pub statements: Vec<Statement>,
    pub messages: Vec<Message>,
}

/// How far a sign-in has come: who it is, what was proven, and what must be committed with whatever comes next.
pub(super) struct Progress {
    pub user: User,
    /// `auth_time`: when the first factor was proven.
    pub at: UnixMillis,
    pub trust: Trust,
    /// The second factor that was shown.
    pub factor: Option<Factor>,
    pub device: Presence,
    /// What the proof uses up and changes.
    pub statements: Vec<Statement>,
    /// The try at the password, if this answer made one.
    pub tried: Option<Box<Proven>>,
}

/// The proof that a user has passed every challenge. Minting tokens consumes it.
pub struct Authenticated {
    user: User,
    at: UnixMillis,
    device: Option<Seen>,
    methods: Methods,
    statements: Vec<Statement>,
    /// The try at the password, if this sign-in made one; dropped with the proof, it is given back.
    tried: Option<Box<Proven>>,
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

    pub fn methods(&self) -> Methods {
        self.methods
    }

    /// The device that the sign-in comes from, where it is a known one.
    pub fn device(&self) -> Option<&Seen> {
        self.device.as_ref()
    }

    /// The same proof, with more to be committed with the tokens.
    #[must_use]
    pub fn and(mut self, statements: Vec<Statement>) -> Self {
        self.statements.extend(statements);
        self
    }

    /// What must be committed with the tokens: it uses the attempt up, and forgets the failures.
    pub fn into_statements(self) -> Vec<Statement> {
        let mut statements = self.statements;
        statements.extend(self.tried.map(|tried| tried.cleared()));
        statements
    }
}

/// What follows a proven password. The failures are forgotten with what it permits; where it permits nothing, only the try is given back.
pub(super) async fn after_password(
    services: &Services,
    pool: &Pool,
    client: &Client,
    user: User,
    proven: Proven,
    device: Named,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let tried = Some(Box::new(proven));
    let progress = Progress {
        user,
        at: now,
        trust: Trust::Nothing,
        factor: None,
        device: Presence::Said(device),
        statements: Vec::new(),
        tried,
    };
    go_on(services, pool, client, progress, now).await
}

/// What follows any proof: [`next`] says what, and here it is asked. The challenge is stored in the batch that uses the proof up.
pub(super) async fn go_on(
    services: &Services,
    pool: &Pool,
    client: &Client,
    progress: Progress,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let Progress { user, at, trust, factor, device, statements, tried } = progress;
    let (mut asked, seen) = match ask_next(services, pool, client, (&user, at, trust, factor), device, now).await {
        Ok((Some(asked), seen)) => (asked, seen),
        Ok((None, device)) => {
            let proven = device.as_ref().is_some_and(|seen| seen.proven);
            let methods = Methods::of(factor, trust, proven);
            return Ok(Step::Done(Box::new(Authenticated { user, at, device, methods, statements, tried })));
        }
        Err(refusal) => {
            // What permits nothing is no failure either.
            if let Some(tried) = tried {
                tried.give_back().await?;
            }
            return Err(refusal);
        }
    };
    asked.statements.extend(seen.map(|seen| note_device(client, &asked.session, seen.device.key.as_str())));
    // First what is used up: who comes second learns that the session is over.
    let cleared = tried.map(|tried| tried.cleared());
    let statements = statements.into_iter().chain(asked.statements).chain(cleared).collect();
    Ok(Step::Ask(Asked { statements, ..asked }))
}

/// The challenge for what is lacking, `None` where nothing is; and the device that is there.
async fn ask_next(
    services: &Services,
    pool: &Pool,
    client: &Client,
    (user, at, trust, factor): (&User, UnixMillis, Trust, Option<Factor>),
    device: Presence,
    now: UnixMillis,
) -> Result<(Option<Asked>, Option<Seen>), SignInError> {
    let seen = device::seen(services, pool, user, device).await?;
    let standing = device::standing(pool, user, seen.as_ref());
    let demand = factors::demand_of(services, pool, user).await?;
    let proof = || Proof::new(user, at);
    let asked = match next(user, demand, trust, standing, now)? {
        Next::Done => return Ok((None, seen)),
        Next::NewPassword => ask_new_password(services, pool, client, user, now).await?,
        Next::SecondFactor(factor) => second_factor::ask(services, pool, client, user, (factor, proof()), now).await?,
        Next::SelectFactor(factors) => select_factor::ask(services, client, user, (factors, proof()), now).await?,
        Next::SetUpFactor(factors) => set_up_factor::ask(services, client, user, (factors, proof()), now).await?,
        Next::Device => {
            let seen = seen.as_ref().ok_or(SignInError::Session)?;
            device_srp::ask(services, client, (user, at, trust, factor), seen, standing, now).await?
        }
    };
    Ok((Some(asked), seen))
}

/// For the batch that stores a challenge in the place of another one: it comes from the same device.
pub(super) fn carry_device(client: &Client, session: &SecretString, device: &Named) -> Option<Statement> {
    device.well_formed().map(|key| note_device(client, session, key.as_str()))
}

/// For the batch that stores a challenge: which device the sign-in comes from.
pub(super) fn note_device(client: &Client, session: &SecretString, device: &str) -> Statement {
    rows::note_device(&client.pool, &codes::token_digest(session.expose()), device)
}

async fn ask_new_password(
    services: &Services,
    pool: &Pool,
    client: &Client,
    user: &User,
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let key = services.pool_keys.key(&pool.id).await?;
    let challenge = Challenge::NewPassword { authenticated_at: now.0, valid_after: user.valid_after.0 };
    let opened = Attempt::open(&key, client, Some(&user.sub), &challenge, None, now)?;
    let statements = vec![opened.statement];
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
    Ok(Asked {
        challenge: ChallengeNameType::NewPasswordRequired,
        parameters,
        session: opened.session,
        statements,
        messages: Vec::new(),
    })
}
