//! Cognito: AdminDeleteUser.

use cognito_model::idp::types::AdminDeleteUserRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::Call;
use crate::{erasure, pools, users};

pub async fn handle(call: Call, input: AdminDeleteUserRequest) -> Result<NoOutput, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    erasure::erase(&call, &pool, &user.sub).await?;
    Ok(NoOutput)
}
