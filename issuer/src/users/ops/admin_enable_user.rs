//! Cognito: AdminEnableUser. The user may sign in again; no token from before comes back to life, since the mark that ended them stays.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminEnableUserRequest, AdminEnableUserResponse};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::{Batch, CommitError};
use crate::users::{self, UserError, rows};

pub async fn handle(call: Call, input: AdminEnableUserRequest) -> Result<AdminEnableUserResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let user = users::named(store, &pool, &input.username).await?;
    let mut batch = Batch::new();
    let there = batch.add(rows::set_enabled(&user, true, call.now));
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str())).await {
        Ok(()) => Ok(AdminEnableUserResponse {}),
        Err(CommitError::Missed { index }) if index == there => Err(UserError::Absent.into()),
        Err(error) => Err(error.into()),
    }
}
