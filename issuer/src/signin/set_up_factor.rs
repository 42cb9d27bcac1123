//! The challenge MFA_SETUP: a second factor is required and the user has none. The Session goes through AssociateSoftwareToken and
//! VerifySoftwareToken, each of which answers with another one, and the last one answers the challenge.
//!
//! The seed lies in the attempt until its first code: who has no more than a password changes nothing of the user's before.

use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;
use common::ids::ClientId;
use common::secret::SecretString;

use super::attempt::{Attempt, Challenge, SetUp};
use super::device::Presence;
use super::error::SignInError;
use super::next::Trust;
use super::proof::Proof;
use super::second_factor::{self, ask_plainly, take};
use super::step::{Asked, Progress, Step, carry_device, go_on};
use crate::clients::{Client, rows as client_rows};
use crate::devices;
use crate::factors::software_token::{self, Seed};
use crate::factors::totp::{self, Verdict};
use crate::factors::{Demand, demand_of};
use crate::limits::{Budget, Spender, budget};
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::store::Statement;
use crate::users::{User, rows as user_rows};

pub(super) async fn ask(
    services: &Services,
    client: &Client,
    user: &User,
    (factors, proof): (Vec<Factor>, Proof),
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let shown = ("MFAS_CAN_SETUP", second_factor::list(&factors)?);
    let challenge = Challenge::SetUpFactor { factors, setup: SetUp::Asked, proof };
    ask_plainly(services, client, user, (ChallengeNameType::MfaSetup, challenge), shown, now).await
}

/// What a step of the setting up comes to: another Session, what must be committed with it, and of whom.
pub struct Advanced {
    pub user: User,
    pub session: SecretString,
    pub statements: Vec<Statement>,
}

/// AssociateSoftwareToken by Session: a seed for this sign-in.
///
/// # Errors
/// [`SignInError::Session`]; [`SignInError::Parameter`] where no software token can be set up.
pub async fn associate(
    services: &Services,
    pool: &Pool,
    session: &SecretString,
    now: UnixMillis,
) -> Result<(Seed, Advanced), SignInError> {
    let attempt = Attempt::of_session(services, &pool.id, session, now).await?;
    let (factors, proof) = match &attempt.challenge {
        Challenge::SetUpFactor { factors, setup: SetUp::Asked | SetUp::Associated { .. }, proof } => (factors, proof),
        _ => return Err(SignInError::Session),
    };
    let user = proof.user(services, pool, &attempt, None, now).await?;
    if !factors.contains(&Factor::SoftwareToken) {
        return Err(SignInError::Session);
    }
    still_lacks(services, pool, &user).await?;
    let seed = Seed::draw()?;
    let setup = SetUp::Associated { seed: seed.bytes().to_vec() };
    let advanced = advance(services, &attempt, user, (factors, setup, proof), now).await?;
    Ok((seed, advanced))
}

/// VerifySoftwareToken by Session. `None`: the code is wrong; the Session may be tried again.
pub async fn verify(
    services: &Services,
    pool: &Pool,
    session: &SecretString,
    (code, name): (&str, Option<&str>),
    now: UnixMillis,
) -> Result<Option<Advanced>, SignInError> {
    let attempt = Attempt::of_session(services, &pool.id, session, now).await?;
    let Challenge::SetUpFactor { factors, setup: SetUp::Associated { seed }, proof } = &attempt.challenge else {
        return Err(SignInError::Session);
    };
    let user = proof.user(services, pool, &attempt, None, now).await?;
    still_lacks(services, pool, &user).await?;
    take(services, pool, &attempt, &user, Budget::VerifySoftwareToken, now).await?;
    let seed = Seed::from_bytes(seed);
    let Verdict::Fresh(step) = totp::judge(seed.bytes(), code, now, None) else { return Ok(None) };
    let key = services.pool_keys.key(&pool.id).await?;
    let token = software_token::keep_first(&key, &user, &seed, (name, step), now)?;
    let mfa = user.mfa.clone().with(Factor::SoftwareToken);
    let enabled = user_rows::set_mfa(&user, &mfa, now);
    let distrust = devices::rows::distrust(&pool.id, &user.sub);
    let proof = proof.following(&mfa);
    let whole = budget::give_back(&pool.id, Budget::VerifySoftwareToken, &Spender::user(&user.sub));
    let mut advanced = advance(services, &attempt, user, (factors, SetUp::Verified, &proof), now).await?;
    advanced.statements.extend([enabled, token, whole, distrust]);
    Ok(Some(advanced))
}

/// The answer to the challenge itself.
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    username: &str,
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let Challenge::SetUpFactor { setup, proof, .. } = &attempt.challenge else { return Err(SignInError::Session) };
    let user = proof.user(services, pool, &attempt, Some(username), now).await?;
    if !matches!(setup, SetUp::Verified) {
        return Err(SignInError::Parameter("No MFA factor was set up with this session.".into()));
    }
    let statements = vec![attempt.consume(client)];
    let device = Presence::Said(attempt.device.clone());
    let (trust, factor) = (Trust::SecondFactor, Some(Factor::SoftwareToken));
    let progress = Progress { at: proof.at(), user, trust, factor, device, statements, tried: None };
    go_on(services, pool, client, progress, now).await
}

/// A factor that came meanwhile is asked for, not set up anew by whoever has the password.
async fn still_lacks(services: &Services, pool: &Pool, user: &User) -> Result<(), SignInError> {
    match demand_of(services, pool, user).await? {
        Demand::SetUp(_) => Ok(()),
        Demand::Nothing | Demand::Ask(_) | Demand::Choose(_) => Err(SignInError::Session),
    }
}

/// Another attempt in the place of this one.
async fn advance(
    services: &Services,
    attempt: &Attempt,
    user: User,
    (factors, setup, proof): (&[Factor], SetUp, &Proof),
    now: UnixMillis,
) -> Result<Advanced, SignInError> {
    let client = client_of(services, &user, &attempt.client).await?;
    let key = services.pool_keys.key(&user.pool).await?;
    let challenge = Challenge::SetUpFactor { factors: factors.to_vec(), setup, proof: proof.clone() };
    let opened = Attempt::open(&key, &client, Some(&user.sub), &challenge, None, now)?;
    let mut statements = vec![attempt.consume(&client), opened.statement];
    statements.extend(carry_device(&client, &opened.session, &attempt.device));
    Ok(Advanced { user, session: opened.session, statements })
}

/// A client that was deleted meanwhile ends its sign-ins.
async fn client_of(services: &Services, user: &User, client: &ClientId) -> Result<Client, SignInError> {
    let row = services.store.one(client_rows::by_id(&user.pool, client)).await?.ok_or(SignInError::Session)?;
    Ok(client_rows::client(&row)?)
}
