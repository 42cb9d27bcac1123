//! What pools that record auth events keep of a sign-in on its way: that it goes on by a challenge, or failed. Its success is recorded with the
//! tokens.

use cognito_model::Fault;
use cognito_model::idp::types::{ChallengeName, ChallengeNameType, ChallengeResponse, EventResponseType};

use crate::aws_json::Call;
use crate::events::{self, Happened};
use crate::pools::Pool;
use crate::signin::{SignInError, Step};
use crate::users;

/// Passes a step on. `username` is as it was typed, `at` what was asked.
pub async fn step(
    call: &Call,
    pool: &Pool,
    username: &str,
    at: ChallengeName,
    step: Result<Step, SignInError>,
) -> Result<Step, Fault> {
    if !pool.settings.records_auth_events() {
        return Ok(step?);
    }
    match step {
        Ok(Step::Ask(mut asked)) if asked.challenge != ChallengeNameType::PasswordVerifier => {
            if let Some(user) = users::by_name(&call.services.store, pool, username).await? {
                let happened = Happened::sign_in(EventResponseType::InProgress, &[at]);
                asked.statements.extend(events::statements(call, pool, &user, happened));
            }
            Ok(Step::Ask(asked))
        }
        Ok(step) => Ok(step),
        Err(error) => {
            if let Some(answer) = answer(&error) {
                let refusal = Fault::from(error);
                let user = users::by_name(&call.services.store, pool, username).await?;
                let happened = Happened::failed_sign_in(at, answer);
                events::failure(call, pool, user.as_ref(), happened, refusal.exception).await?;
                return Err(refusal);
            }
            Err(error.into())
        }
    }
}

/// How the answer was, where a refusal says something of it or of the user.
fn answer(error: &SignInError) -> Option<ChallengeResponse> {
    match error {
        SignInError::Refused | SignInError::Nobody => Some(ChallengeResponse::Failure),
        SignInError::Disabled
        | SignInError::Unconfirmed
        | SignInError::ResetRequired
        | SignInError::TemporaryExpired => Some(ChallengeResponse::Success),
        _ => None,
    }
}
