//! Cognito: UpdateGroup. What is left out stays as it is.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateGroupRequest, UpdateGroupResponse};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::{Batch, CommitError};
use crate::users::UserError;
use crate::users::groups::{self, Changed};

pub async fn handle(call: Call, input: UpdateGroupRequest) -> Result<UpdateGroupResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    groups::check_description(input.description.as_ref())?;
    let changed = Changed {
        description: input.description,
        role_arn: input.role_arn,
        precedence: input.precedence.and_then(|p| u64::try_from(p).ok()),
    };
    let mut batch = Batch::new();
    let update = batch.add(groups::update(&pool.id, &input.group_name, &changed, call.now));
    match call.commit(Write::new(&pool.id, batch).about(&input.group_name)).await {
        Ok(()) => {}
        Err(CommitError::Missed { index }) if index == update => return Err(UserError::NoGroup.into()),
        Err(error) => return Err(error.into()),
    }
    let group = groups::named(store, &pool.id, &input.group_name).await?;
    Ok(UpdateGroupResponse { group: Some(group.describe()) })
}
