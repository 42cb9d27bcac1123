//! Cognito: GetUser. The attributes that the app client may read.

use cognito_model::Fault;
use cognito_model::idp::types::{GetUserRequest, GetUserResponse};

use crate::aws_json::Call;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, _input: GetUserRequest) -> Result<GetUserResponse, Fault> {
    let Caller { client, user, .. } = caller(&call).await?;
    Ok(GetUserResponse {
        mfa_options: user.mfa.options(),
        preferred_mfa_setting: user.mfa.preferred_name(),
        user_attributes: user.attribute_list(|name| client.settings.may_read(name)),
        user_mfa_setting_list: user.mfa.list(),
        username: user.username,
    })
}
