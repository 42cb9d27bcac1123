//! Cognito: SetUserPoolMfaConfig.

use cognito_model::Fault;
use cognito_model::idp::types::{SetUserPoolMfaConfigRequest, SetUserPoolMfaConfigResponse};

use crate::aws_json::Call;
use crate::pools::{self, PoolError, mfa};

pub async fn handle(call: Call, input: SetUserPoolMfaConfigRequest) -> Result<SetUserPoolMfaConfigResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let settings = mfa::set(input, &pool.settings).map_err(PoolError::Settings)?;
    pools::change(&call, &pool, &settings).await?;
    Ok(mfa::confirm(&settings))
}
