//! Cognito: GetUserPoolSessionConfiguration.

use cognito_model::Fault;
use cognito_model::idp::types::{
    GetUserPoolSessionConfigurationRequest, GetUserPoolSessionConfigurationResponse, UserPoolTokenSessionConfigType,
};

use crate::aws_json::Call;
use crate::pools;

pub async fn handle(
    call: Call,
    input: GetUserPoolSessionConfigurationRequest,
) -> Result<GetUserPoolSessionConfigurationResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let sessions = pool.settings.sessions();
    Ok(GetUserPoolSessionConfigurationResponse {
        token_session: Some(UserPoolTokenSessionConfigType { max_per_user: sessions.max_per_user }),
        user_pool_id: Some(pool.id.to_string()),
        user_session_tracking: Some(sessions.tracking),
    })
}
