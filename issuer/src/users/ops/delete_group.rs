//! Cognito: DeleteGroup. Its users stay; tokens that name the group do so until they end.

use cognito_model::idp::types::DeleteGroupRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::{Batch, CommitError};
use crate::users::{UserError, groups};

pub async fn handle(call: Call, input: DeleteGroupRequest) -> Result<NoOutput, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let mut batch = Batch::new();
    let group = batch.extend(groups::delete(&pool.id, &input.group_name));
    match call.commit(Write::new(&pool.id, batch).about(&input.group_name)).await {
        Ok(()) => Ok(NoOutput),
        Err(CommitError::Missed { index }) if index == group => Err(UserError::NoGroup.into()),
        Err(error) => Err(error.into()),
    }
}
