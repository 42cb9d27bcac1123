//! Cognito: RespondToAuthChallenge with PASSWORD_VERIFIER and NEW_PASSWORD_REQUIRED.

use cognito_model::Fault;
use cognito_model::idp::types::{RespondToAuthChallengeRequest, RespondToAuthChallengeResponse};

use crate::aws_json::Call;
use crate::clients;
use crate::login::challenges;
use crate::login::parameters::Parameters;

pub async fn handle(call: Call, input: RespondToAuthChallengeRequest) -> Result<RespondToAuthChallengeResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    let user_at = clients::user_place(&call, &client, input.user_context_data.as_ref());
    let call = call.with_user_at(user_at);
    let answers = Parameters::new(input.challenge_responses)?;
    let session = input.session.as_ref();
    let answer = challenges::respond(&call, &pool, &client, input.challenge_name, session, &answers).await?;
    Ok(answer.into())
}
