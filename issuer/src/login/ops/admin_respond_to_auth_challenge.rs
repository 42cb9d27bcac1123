//! Cognito: AdminRespondToAuthChallenge with PASSWORD_VERIFIER and NEW_PASSWORD_REQUIRED, also for sign-ins that InitiateAuth began.
//!
//! `ContextData`, `ClientMetadata` and `AnalyticsMetadata` as in AdminInitiateAuth.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminRespondToAuthChallengeRequest, AdminRespondToAuthChallengeResponse};

use crate::aws_json::Call;
use crate::clients;
use crate::login::challenges;
use crate::login::parameters::Parameters;
use crate::login::place;

pub async fn handle(
    call: Call,
    input: AdminRespondToAuthChallengeRequest,
) -> Result<AdminRespondToAuthChallengeResponse, Fault> {
    let call = call.with_user_at(place::told(input.context_data.as_ref()));
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let answers = Parameters::new(input.challenge_responses)?;
    let session = input.session.as_ref();
    let answer = challenges::respond(&call, &pool, &client, input.challenge_name, session, &answers).await?;
    Ok(answer.into())
}
