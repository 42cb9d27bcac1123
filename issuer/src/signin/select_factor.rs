//! The challenge SELECT_MFA_TYPE: the user has several second factors and prefers none.

use cognito_model::idp::types::ChallengeNameType;
use common::clock::UnixMillis;

use super::attempt::{Attempt, Challenge};
use super::error::SignInError;
use super::proof::Proof;
use super::second_factor::{self, ask_plainly};
use super::step::{Asked, Step, carry_device};
use crate::clients::Client;
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::services::Services;
use crate::users::User;

pub(super) async fn ask(
    services: &Services,
    client: &Client,
    user: &User,
    (factors, proof): (Vec<Factor>, Proof),
    now: UnixMillis,
) -> Result<Asked, SignInError> {
    let shown = ("MFAS_CAN_CHOOSE", second_factor::list(&factors)?);
    let challenge = Challenge::SelectFactor { factors, proof };
    ask_plainly(services, client, user, (ChallengeNameType::SelectMfaType, challenge), shown, now).await
}

/// Takes the choice. One that was not offered leaves the challenge open.
pub async fn check(
    services: &Services,
    pool: &Pool,
    client: &Client,
    attempt: Attempt,
    (username, choice): (&str, &str),
    now: UnixMillis,
) -> Result<Step, SignInError> {
    let Challenge::SelectFactor { factors, proof } = &attempt.challenge else { return Err(SignInError::Session) };
    let user = proof.user(services, pool, &attempt, Some(username), now).await?;
    let chosen = factors.iter().find(|factor| factor.as_str() == choice);
    let chosen = chosen.ok_or_else(|| SignInError::Parameter("ANSWER is none of MFAS_CAN_CHOOSE.".into()))?;
    let mut asked = second_factor::ask(services, pool, client, &user, (*chosen, proof.clone()), now).await?;
    asked.statements.insert(0, attempt.consume(client));
    asked.statements.extend(carry_device(client, &asked.session, &attempt.device));
    Ok(Step::Ask(asked))
}
