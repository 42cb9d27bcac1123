//! Cognito: AdminAddUserToGroup.

use cognito_model::idp::types::AdminAddUserToGroupRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::{Batch, CommitError};
use crate::users::{self, UserError, groups, rows};

pub async fn handle(call: Call, input: AdminAddUserToGroupRequest) -> Result<NoOutput, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    let mut batch = Batch::new();
    let there = batch.add(rows::still_there(&user));
    let group = batch.add(groups::hold(&pool.id, &input.group_name));
    batch.add(groups::join(&user, &input.group_name, call.now));
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await {
        Ok(()) => Ok(NoOutput),
        Err(CommitError::Missed { index }) if index == group => Err(UserError::NoGroup.into()),
        Err(CommitError::Missed { index }) if index == there => Err(UserError::Absent.into()),
        Err(error) => Err(error.into()),
    }
}
