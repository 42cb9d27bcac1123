//! Cognito: AdminGetUser.

use cognito_model::idp::types::{AdminGetUserRequest, AdminGetUserResponse};
use cognito_model::{Fault, Timestamp};

use crate::aws_json::Call;
use crate::{pools, users};

pub async fn handle(call: Call, input: AdminGetUserRequest) -> Result<AdminGetUserResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    Ok(AdminGetUserResponse {
        enabled: Some(user.enabled),
        user_attributes: Some(user.attribute_list(|_| true)),
        mfa_options: user.mfa.options(),
        preferred_mfa_setting: user.mfa.preferred_name(),
        user_create_date: Some(Timestamp::from(user.created)),
        user_last_modified_date: Some(Timestamp::from(user.modified)),
        user_mfa_setting_list: user.mfa.list(),
        user_status: Some(user.status.wire()),
        username: user.username,
    })
}
