//! Cognito: AdminRemoveUserFromGroup.

use cognito_model::idp::types::AdminRemoveUserFromGroupRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::Batch;
use crate::users::{self, groups};

pub async fn handle(call: Call, input: AdminRemoveUserFromGroupRequest) -> Result<NoOutput, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    let group = groups::named(store, &pool.id, &input.group_name).await?;
    let mut batch = Batch::new();
    batch.add(groups::leave(&user, &group.name));
    call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await?;
    Ok(NoOutput)
}
