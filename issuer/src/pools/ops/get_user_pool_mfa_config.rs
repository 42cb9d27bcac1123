//! Cognito: GetUserPoolMfaConfig.

use cognito_model::Fault;
use cognito_model::idp::types::{GetUserPoolMfaConfigRequest, GetUserPoolMfaConfigResponse};

use crate::aws_json::Call;
use crate::pools::{self, mfa};

pub async fn handle(call: Call, input: GetUserPoolMfaConfigRequest) -> Result<GetUserPoolMfaConfigResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    Ok(mfa::describe(&pool.settings))
}
