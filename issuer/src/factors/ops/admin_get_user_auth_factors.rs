//! Cognito: AdminGetUserAuthFactors.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminGetUserAuthFactorsRequest, AdminGetUserAuthFactorsResponse};

use super::configured_of;
use crate::aws_json::Call;
use crate::{pools, users};

pub async fn handle(
    call: Call,
    input: AdminGetUserAuthFactorsRequest,
) -> Result<AdminGetUserAuthFactorsResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    Ok(AdminGetUserAuthFactorsResponse {
        configured_user_auth_factors: Some(configured_of(&call.services, &pool, &user).await?),
        preferred_mfa_setting: user.mfa.preferred_name(),
        user_mfa_setting_list: user.mfa.list(),
        username: user.username,
    })
}
