//! Cognito: RespondToAuthChallenge with PASSWORD_VERIFIER and NEW_PASSWORD_REQUIRED.

use cognito_model::Fault;
use cognito_model::idp::types::{ChallengeNameType, RespondToAuthChallengeRequest, RespondToAuthChallengeResponse};
use common::secret::SecretString;

use crate::aws_json::{Call, Write};
use crate::clients::{self, Client};
use crate::login::parameters::Parameters;
use crate::pools::Pool;
use crate::signin::{Asked, Attempt, Authenticated, Step, new_password, password_verifier};
use crate::store::Batch;
use crate::tokens;

pub async fn handle(call: Call, input: RespondToAuthChallengeRequest) -> Result<RespondToAuthChallengeResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    let answers = Parameters::new(input.challenge_responses)?;
    let username = answers.username()?;
    clients::check_secret_hash(&call.services, &client, username, answers.get("SECRET_HASH")).await?;
    let session = input.session.as_ref();
    match input.challenge_name {
        ChallengeNameType::PasswordVerifier => verify_password(&call, &pool, &client, session, &answers).await,
        ChallengeNameType::NewPasswordRequired => set_password(&call, &pool, &client, session, &answers).await,
        other => Err(Fault::invalid_parameter(format!("{} is not a challenge of this sign-in.", other.as_str()))),
    }
}

async fn verify_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<RespondToAuthChallengeResponse, Fault> {
    let answer = password_verifier::Answer {
        secret_block: answers.required("PASSWORD_CLAIM_SECRET_BLOCK")?.expose(),
        signature: answers.required("PASSWORD_CLAIM_SIGNATURE")?.expose(),
        timestamp: answers.required("TIMESTAMP")?.expose(),
    };
    let attempt = Attempt::find(&call.services, client, session, Some(answer.secret_block), call.now).await?;
    match password_verifier::check(&call.services, pool, client, attempt, answer, call.now).await? {
        Step::Done(proof) => finish(call, pool, client, proof).await,
        Step::Ask(asked) => ask(call, pool, asked).await,
    }
}

async fn set_password(
    call: &Call,
    pool: &Pool,
    client: &Client,
    session: Option<&SecretString>,
    answers: &Parameters,
) -> Result<RespondToAuthChallengeResponse, Fault> {
    let answer = new_password::Answer {
        password: answers.required("NEW_PASSWORD")?,
        attributes: answers.prefixed("userAttributes."),
    };
    let attempt = Attempt::find(&call.services, client, session, None, call.now).await?;
    let proof = new_password::check(&call.services, pool, client, attempt, answer, call.now).await?;
    finish(call, pool, client, proof).await
}

async fn finish(
    call: &Call,
    pool: &Pool,
    client: &Client,
    proof: Authenticated,
) -> Result<RespondToAuthChallengeResponse, Fault> {
    let tokens = tokens::mint(call, pool, client, proof).await?;
    Ok(RespondToAuthChallengeResponse {
        authentication_result: Some(tokens),
        ..RespondToAuthChallengeResponse::default()
    })
}

async fn ask(call: &Call, pool: &Pool, asked: Asked) -> Result<RespondToAuthChallengeResponse, Fault> {
    let mut batch = Batch::new();
    batch.extend(asked.statements);
    call.commit(Write::new(&pool.id, batch)).await?;
    Ok(RespondToAuthChallengeResponse {
        challenge_name: Some(asked.challenge),
        challenge_parameters: Some(asked.parameters),
        session: Some(asked.session),
        ..RespondToAuthChallengeResponse::default()
    })
}
