//! Cognito: GetGroup.

use cognito_model::Fault;
use cognito_model::idp::types::{GetGroupRequest, GetGroupResponse};

use crate::aws_json::Call;
use crate::pools;
use crate::users::groups;

pub async fn handle(call: Call, input: GetGroupRequest) -> Result<GetGroupResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let group = groups::named(store, &pool.id, &input.group_name).await?;
    Ok(GetGroupResponse { group: Some(group.describe()) })
}
