//! Cognito: CreateGroup.

use cognito_model::idp::types::{CreateGroupRequest, CreateGroupResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::pools;
use crate::store::{Batch, CommitError};
use crate::users::groups::{self, Group};

pub async fn handle(call: Call, input: CreateGroupRequest) -> Result<CreateGroupResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    groups::check_description(input.description.as_ref())?;
    let group = Group {
        pool: pool.id.clone(),
        name: input.group_name,
        description: input.description,
        role_arn: input.role_arn,
        precedence: input.precedence.and_then(|p| u64::try_from(p).ok()),
        created: call.now,
        modified: call.now,
    };
    let mut batch = Batch::new();
    let taken = batch.add(groups::insert(&group));
    let write = Write::new(&pool.id, batch).about(&group.name);
    match call.commit(write).await {
        Ok(()) => Ok(CreateGroupResponse { group: Some(group.describe()) }),
        Err(CommitError::Missed { index }) if index == taken => {
            Err(Fault::new(Exception::GroupExists, "A group with the name already exists."))
        }
        Err(error) => Err(error.into()),
    }
}
