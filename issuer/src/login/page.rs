//! The same sign-in for pages of the issuer's own: it ends in the proof of who the user is, not in tokens.
//!
//! A page needs no `ExplicitAuthFlows` entry of its client and no SECRET_HASH: the client does not see the password, and has no secret in a
//! browser. All else is as for the API's calls: limits, lockouts, the silence about who exists, auth events.

use cognito_model::Fault;
use cognito_model::idp::types::ChallengeNameType;
use common::secret::SecretString;

use super::answer::Challenged;
use super::parameters::Parameters;
use super::steps::ask;
use super::{challenges, flows};
use crate::aws_json::Call;
use crate::clients::Client;
use crate::pools::Pool;
use crate::signin::{Authenticated, Step};

/// How far a sign-in has come.
pub enum Stage {
    /// This is to be asked next. It is stored.
    Ask(Challenged),
    /// Everything is proven. Nothing is stored yet: the proof's statements go into the batch of what it permits.
    Done(Box<Authenticated>),
}

/// Begins by the password.
///
/// # Errors
/// Those of InitiateAuth with USER_PASSWORD_AUTH.
pub async fn begin(
    call: &Call,
    pool: &Pool,
    client: &Client,
    username: &str,
    password: &SecretString,
) -> Result<Stage, Fault> {
    let parameters = Parameters::of([("USERNAME", SecretString::new(username)), ("PASSWORD", password.clone())])?;
    let step = flows::check_password(call, pool, client, &parameters).await?;
    stage(call, pool, step).await
}

/// Goes on by the answer to a challenge, in the members of RespondToAuthChallenge's `ChallengeResponses`.
///
/// # Errors
/// Those of RespondToAuthChallenge.
pub async fn answer(
    call: &Call,
    pool: &Pool,
    client: &Client,
    challenge: ChallengeNameType,
    session: &SecretString,
    answers: &Parameters,
) -> Result<Stage, Fault> {
    let step = challenges::check_answer(call, pool, client, challenge, Some(session), answers).await?;
    stage(call, pool, step).await
}

async fn stage(call: &Call, pool: &Pool, step: Step) -> Result<Stage, Fault> {
    Ok(match step {
        Step::Ask(asked) => Stage::Ask(ask(call, pool, asked).await?),
        Step::Done(proof) => Stage::Done(proof),
    })
}
