//! Cognito: SetUserPoolSessionConfiguration.

use cognito_model::Fault;
use cognito_model::idp::types::{SetUserPoolSessionConfigurationRequest, SetUserPoolSessionConfigurationResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::pools::model::{Sessions, Settings};

pub async fn handle(
    call: Call,
    input: SetUserPoolSessionConfigurationRequest,
) -> Result<SetUserPoolSessionConfigurationResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let sessions = Sessions { max_per_user: input.token_session.max_per_user, tracking: input.user_session_tracking };
    let settings = Settings { session_configuration: Some(sessions), ..pool.settings.clone() };
    pools::change(&call, &pool, &settings).await?;
    Ok(SetUserPoolSessionConfigurationResponse {
        token_session: Some(input.token_session),
        user_pool_id: Some(pool.id.to_string()),
        user_session_tracking: Some(sessions.tracking),
    })
}
