//! Cognito: RespondToAuthChallenge with PASSWORD_VERIFIER and NEW_PASSWORD_REQUIRED.

use cognito_model::Fault;
use cognito_model::idp::types::{RespondToAuthChallengeRequest, RespondToAuthChallengeResponse};

use crate::aws_json::Call;
use crate::clients;
use crate::login::challenges;
use crate::login::parameters::Parameters;

pub async fn handle(call: Call, input: RespondToAuthChallengeRequest) -> Result<RespondToAuthChallengeResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    let answers = Parameters::new(input.challenge_responses)?;
    let session = input.session.as_ref();
    let answer = challenges::respond(&call, &pool, &client, input.challenge_name, session, &answers).await?;
    Ok(answer.into())
}
