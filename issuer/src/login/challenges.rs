//! How sign-ins go on: the answers to challenges, for users' and administrators' calls alike.

use cognito_model::Fault;
use cognito_model::idp::types::ChallengeName::{Mfa, Password};
use cognito_model::idp::types::ChallengeNameType;
use common::secret::SecretString;

use super::answer::Answer;
use super::parameters::Parameters;
use super::steps::go_on;
use super::witness;
use crate::aws_json::Call;
use crate::clients::{self, Client};
use crate::pools::Pool;
use crate::pools::mfa::Factor;
use crate::signin::{
    Attempt, device_srp, new_password, password_verifier, second_factor, select_factor, set_up_factor,
};

/// Checks the answer to a challenge.
///
/// # Errors
/// `InvalidParameterException` for a challenge that this version does not ask; what the challenge says of its answer.
pub async fn respond(
    call: &Call,
    pool: &Pool,
    client: &Client,
    challenge: ChallengeNameType,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let username = answers.username()?;
    clients::check_secret_hash(&call.services, client, username, answers.get("SECRET_HASH")).await?;
    match challenge {
        ChallengeNameType::PasswordVerifier => verify_password(call, pool, client, session, answers).await,
        ChallengeNameType::DeviceSrpAuth => begin_device(call, pool, client, session, answers).await,
        ChallengeNameType::DevicePasswordVerifier => verify_device(call, pool, client, session, answers).await,
        ChallengeNameType::NewPasswordRequired => set_password(call, pool, client, session, answers).await,
        ChallengeNameType::SelectMfaType => select_factor(call, pool, client, session, answers).await,
        ChallengeNameType::MfaSetup => set_up_factor(call, pool, client, session, answers).await,
        other => match Factor::of(other) {
            Some(factor) => second_factor(call, pool, client, session, (factor, answers)).await,
            None => Err(Fault::invalid_parameter(format!("{} is not a challenge of this sign-in.", other.as_str()))),
        },
    }
}

async fn verify_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let answer = password_verifier::Answer {
        username: answers.username()?,
        secret_block: answers.required("PASSWORD_CLAIM_SECRET_BLOCK")?.expose(),
        signature: answers.required("PASSWORD_CLAIM_SIGNATURE")?.expose(),
        timestamp: answers.required("TIMESTAMP")?.expose(),
    };
    let attempt = Attempt::find(&call.services, client, session, Some(answer.secret_block), call.now).await?;
    let attempt = attempt.from(answers.device());
    let username = answer.username;
    let step = password_verifier::check(&call.services, pool, client, attempt, answer, call.now).await;
    let step = witness::step(call, pool, username, &[Password], step).await?;
    go_on(call, pool, client, step).await
}

async fn begin_device(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let answer = device_srp::Begin {
        session,
        username: answers.username()?,
        device_key: answers.required("DEVICE_KEY")?.expose(),
        srp_a: answers.required("SRP_A")?.expose(),
    };
    let step = device_srp::begin(&call.services, pool, client, answer, call.now).await?;
    go_on(call, pool, client, step).await
}

async fn verify_device(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let answer = device_srp::Answer {
        username: answers.username()?,
        device_key: answers.required("DEVICE_KEY")?.expose(),
        secret_block: answers.required("PASSWORD_CLAIM_SECRET_BLOCK")?.expose(),
        signature: answers.required("PASSWORD_CLAIM_SIGNATURE")?.expose(),
        timestamp: answers.required("TIMESTAMP")?.expose(),
    };
    let attempt = Attempt::find(&call.services, client, session, Some(answer.secret_block), call.now).await?;
    let username = answer.username;
    let step = device_srp::check(&call.services, pool, client, attempt, answer, call.now).await?;
    let step = witness::step(call, pool, username, &[Password], Ok(step)).await?;
    go_on(call, pool, client, step).await
}

async fn set_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let answer = new_password::Answer {
        username: answers.username()?,
        password: answers.required("NEW_PASSWORD")?,
        attributes: answers.prefixed("userAttributes."),
    };
    let attempt = Attempt::find(&call.services, client, session, None, call.now).await?.from(answers.device());
    let step = new_password::check(&call.services, pool, client, attempt, answer, call.now).await?;
    let step = witness::step(call, pool, answers.username()?, &[Password], Ok(step)).await?;
    go_on(call, pool, client, step).await
}

async fn second_factor(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    (factor, answers): (Factor, &Parameters),
) -> Result<Answer, Fault> {
    let code = answers.required(second_factor::code_of(factor))?.expose();
    let answer = second_factor::Answer { username: answers.username()?, factor, code };
    let attempt = Attempt::find(&call.services, client, session, None, call.now).await?.from(answers.device());
    let username = answer.username;
    let step = second_factor::check(&call.services, pool, client, attempt, answer, call.now).await;
    let step = witness::step(call, pool, username, &[Password, Mfa], step).await?;
    go_on(call, pool, client, step).await
}

async fn select_factor(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let choice = (answers.username()?, answers.required("ANSWER")?.expose());
    let attempt = Attempt::find(&call.services, client, session, None, call.now).await?.from(answers.device());
    let step = select_factor::check(&call.services, pool, client, attempt, choice, call.now).await?;
    go_on(call, pool, client, step).await
}

async fn set_up_factor(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<Answer, Fault> {
    let attempt = Attempt::find(&call.services, client, session, None, call.now).await?.from(answers.device());
    let username = answers.username()?;
    let step = set_up_factor::check(&call.services, pool, client, attempt, username, call.now).await?;
    let step = witness::step(call, pool, username, &[Password, Mfa], Ok(step)).await?;
    go_on(call, pool, client, step).await
}
