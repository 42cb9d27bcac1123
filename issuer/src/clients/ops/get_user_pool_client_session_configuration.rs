//! Cognito: GetUserPoolClientSessionConfiguration.

use cognito_model::Fault;
use cognito_model::idp::types::{
    ClientSSOSessionConfigType, GetUserPoolClientSessionConfigurationRequest,
    GetUserPoolClientSessionConfigurationResponse,
};

use crate::aws_json::Call;
use crate::clients;
use crate::clients::model::DEFAULT_SSO_MINUTES;

pub async fn handle(
    call: Call,
    input: GetUserPoolClientSessionConfigurationRequest,
) -> Result<GetUserPoolClientSessionConfigurationResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let max_validity_minutes = client.settings.sso_session_minutes.unwrap_or(DEFAULT_SSO_MINUTES);
    Ok(GetUserPoolClientSessionConfigurationResponse {
        client_id: Some(client.id.to_string()),
        sso_session: Some(ClientSSOSessionConfigType { max_validity_minutes }),
        user_pool_id: Some(pool.id.to_string()),
    })
}
