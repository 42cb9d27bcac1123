//! Cognito: AdminAddUserToGroup.

use cognito_model::idp::types::AdminAddUserToGroupRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::Batch;
use crate::users::{self, groups};

pub async fn handle(call: Call, input: AdminAddUserToGroupRequest) -> Result<NoOutput, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    if store.one(groups::by_name(&pool.id, &input.group_name)).await?.is_none() {
        return Err(Fault::resource_not_found("Group not found."));
    }
    let mut batch = Batch::new();
    batch.add(groups::join(&user, &input.group_name, call.now));
    let write = Write::new(&pool.id, batch).about(user.sub.as_str());
    call.commit(write).await?;
    Ok(NoOutput)
}
