//! What pools that record auth events keep of a sign-in: that it goes on by a challenge, is over, or failed. What is right goes into the batch that
//! makes it true.

use cognito_model::Fault;
use cognito_model::idp::types::{ChallengeName, ChallengeNameType, ChallengeResponse, EventResponseType};

use crate::aws_json::Call;
use crate::events::{self, Happened};
use crate::pools::Pool;
use crate::signin::{SignInError, Step};
use crate::users;

/// Passes a step on. `username` is as it was typed; `answered` what was asked so far, the last one by this answer.
pub async fn step(
    call: &Call,
    pool: &Pool,
    username: &str,
    answered: &[ChallengeName],
    step: Result<Step, SignInError>,
) -> Result<Step, Fault> {
    if !pool.settings.records_auth_events() {
        return Ok(step?);
    }
    match step {
        // SRP has only begun.
        Ok(Step::Ask(asked)) if asked.challenge == ChallengeNameType::PasswordVerifier => Ok(Step::Ask(asked)),
        Ok(Step::Ask(mut asked)) => {
            if let Some(user) = users::by_name(&call.services.store, pool, username).await? {
                let happened = Happened::sign_in(EventResponseType::InProgress, answered);
                asked.statements.extend(events::statements(call, pool, &user, happened));
            }
            Ok(Step::Ask(asked))
        }
        Ok(Step::Done(proof)) => {
            let happened = Happened::sign_in(EventResponseType::Pass, answered);
            let statements = events::statements(call, pool, proof.user(), happened);
            Ok(Step::Done(Box::new(proof.and(statements))))
        }
        Err(error) => Err(failed(call, pool, username, answered, error).await?),
    }
}

async fn failed(
    call: &Call,
    pool: &Pool,
    username: &str,
    answered: &[ChallengeName],
    error: SignInError,
) -> Result<Fault, Fault> {
    let Some(answer) = answer(&error) else { return Ok(error.into()) };
    let refusal = Fault::from(error);
    let user = users::by_name(&call.services.store, pool, username).await?;
    let happened = Happened::failed_sign_in(answered, answer);
    events::failure(call, pool, user.as_ref(), happened, refusal.exception).await?;
    Ok(refusal)
}

/// How the answer was, where a refusal says something of it or of the user.
fn answer(error: &SignInError) -> Option<ChallengeResponse> {
    match error {
        SignInError::Refused
        | SignInError::Nobody
        | SignInError::Code(_)
        | SignInError::CodeUsed
        | SignInError::CodeEnded => Some(ChallengeResponse::Failure),
        SignInError::Disabled
        | SignInError::Unconfirmed
        | SignInError::ResetRequired
        | SignInError::TemporaryExpired => Some(ChallengeResponse::Success),
        _ => None,
    }
}
