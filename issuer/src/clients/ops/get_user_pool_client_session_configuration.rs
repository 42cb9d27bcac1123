//! Cognito: GetUserPoolClientSessionConfiguration.

use cognito_model::Fault;
use cognito_model::idp::types::{
    ClientSSOSessionConfigType, GetUserPoolClientSessionConfigurationRequest,
    GetUserPoolClientSessionConfigurationResponse,
};

use crate::aws_json::Call;
use crate::clients;

/// How long the managed login pages remember who has signed in, where a client says nothing (Cognito's default).
const DEFAULT_MINUTES: i32 = 60;

pub async fn handle(
    call: Call,
    input: GetUserPoolClientSessionConfigurationRequest,
) -> Result<GetUserPoolClientSessionConfigurationResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let max_validity_minutes = client.settings.sso_session_minutes.unwrap_or(DEFAULT_MINUTES);
    Ok(GetUserPoolClientSessionConfigurationResponse {
        client_id: Some(client.id.to_string()),
        sso_session: Some(ClientSSOSessionConfigType { max_validity_minutes }),
        user_pool_id: Some(pool.id.to_string()),
    })
}
