//! What pools that record auth events keep of a sign-in on its way: that it goes on by a challenge, or failed. Its success is recorded with the
//! tokens.

use cognito_model::idp::types::{ChallengeName, ChallengeNameType, EventResponseType};
use cognito_model::{Exception, Fault};

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
        Err(error) => Err(failed(call, pool, username, at, error.into()).await?),
    }
}

/// Records a refusal that says something of the user, and gives it back.
pub async fn failed(
    call: &Call,
    pool: &Pool,
    username: &str,
    at: ChallengeName,
    refusal: Fault,
) -> Result<Fault, Fault> {
    let counts = matches!(
        refusal.exception,
        Exception::NotAuthorized
            | Exception::CodeMismatch
            | Exception::ExpiredCode
            | Exception::PasswordResetRequired
            | Exception::UserNotConfirmed
    );
    if counts && pool.settings.records_auth_events() {
        let user = users::by_name(&call.services.store, pool, username).await?;
        events::failure(call, pool, user.as_ref(), Happened::failed_sign_in(at), refusal.exception).await?;
    }
    Ok(refusal)
}
