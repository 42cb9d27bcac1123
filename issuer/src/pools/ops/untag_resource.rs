//! Cognito: UntagResource. Keys that are no tags of the pool are passed over.

use cognito_model::Fault;
use cognito_model::idp::types::{UntagResourceRequest, UntagResourceResponse};

use super::tag_resource::retag;
use crate::aws_json::Call;

pub async fn handle(call: Call, input: UntagResourceRequest) -> Result<UntagResourceResponse, Fault> {
    retag(&call, &input.resource_arn, |there| {
        there.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await?;
    Ok(UntagResourceResponse {})
}
