//! Cognito: ListTagsForResource.

use cognito_model::Fault;
use cognito_model::idp::types::{ListTagsForResourceRequest, ListTagsForResourceResponse};

use crate::aws_json::Call;
use crate::pools;

pub async fn handle(call: Call, input: ListTagsForResourceRequest) -> Result<ListTagsForResourceResponse, Fault> {
    let pool = pools::of_arn(&call.services, &input.resource_arn).await?;
    Ok(ListTagsForResourceResponse { tags: Some(pool.settings.user_pool_tags) })
}
