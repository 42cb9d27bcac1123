//! Cognito: AdminDisableUser. The user's tokens die here and at every edge; enabling revives none.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminDisableUserRequest, AdminDisableUserResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::users::{self, rows, sign_out};

pub async fn handle(call: Call, input: AdminDisableUserRequest) -> Result<AdminDisableUserResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    sign_out::everywhere(&call, &pool, &user.sub, |user| vec![rows::set_enabled(user, false, call.now)]).await?;
    Ok(AdminDisableUserResponse {})
}
