//! Cognito: GetTokensFromRefreshToken. Where refresh tokens are rotated, the only way to refresh; elsewhere a way beside REFRESH_TOKEN_AUTH. A
//! client with a secret brings the secret itself, since the caller need not know the user's name.
//!
//! `ClientMetadata` is for triggers, and no pool has one.

use cognito_model::Fault;
use cognito_model::idp::types::{GetTokensFromRefreshTokenRequest, GetTokensFromRefreshTokenResponse};

use crate::aws_json::Call;
use crate::clients;
use crate::tokens::{self, Presented};

pub async fn handle(
    call: Call,
    input: GetTokensFromRefreshTokenRequest,
) -> Result<GetTokensFromRefreshTokenResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    if client.settings.oauth.is_for_endpoints_alone() {
        return Err(Fault::invalid_parameter(clients::Flow::Refresh.refusal()));
    }
    clients::check_secret(&call.services, &client, input.client_secret.as_ref()).await?;
    let presented = Presented::find(&call, &pool, &client, &input.refresh_token).await?;
    presented.check_device(&call, &pool, input.device_key.as_deref()).await?;
    let tokens = tokens::refresh(&call, &pool, &client, presented).await?;
    Ok(GetTokensFromRefreshTokenResponse { authentication_result: Some(tokens) })
}
