//! Cognito: AdminUserGlobalSignOut.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminUserGlobalSignOutRequest, AdminUserGlobalSignOutResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::users::{self, sign_out};

pub async fn handle(call: Call, input: AdminUserGlobalSignOutRequest) -> Result<AdminUserGlobalSignOutResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    sign_out::everywhere(&call, &pool, &user.sub, |_| Vec::new()).await?;
    Ok(AdminUserGlobalSignOutResponse {})
}
