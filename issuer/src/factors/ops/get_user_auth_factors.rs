//! Cognito: GetUserAuthFactors.

use cognito_model::Fault;
use cognito_model::idp::types::{GetUserAuthFactorsRequest, GetUserAuthFactorsResponse};

use super::configured_of;
use crate::aws_json::Call;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, _input: GetUserAuthFactorsRequest) -> Result<GetUserAuthFactorsResponse, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    Ok(GetUserAuthFactorsResponse {
        configured_user_auth_factors: Some(configured_of(&call.services, &pool, &user).await?),
        preferred_mfa_setting: user.mfa.preferred_name(),
        user_mfa_setting_list: user.mfa.list(),
        username: user.username,
    })
}
