//! Cognito: TagResource.

use std::collections::BTreeMap;

use cognito_model::Fault;
use cognito_model::idp::types::{TagResourceRequest, TagResourceResponse};

use crate::aws_json::Call;
use crate::pools::tags::{self, Tags};
use crate::pools::{self, PoolError};

pub async fn handle(call: Call, input: TagResourceRequest) -> Result<TagResourceResponse, Fault> {
    retag(&call, &input.resource_arn, |there| {
        there.extend(input.tags.iter().map(|(key, value)| (key.clone(), value.clone())));
        tags::check(there)
    })
    .await?;
    Ok(TagResourceResponse {})
}

/// Changes the tags of the pool with this ARN.
pub(super) async fn retag(
    call: &Call,
    arn: &str,
    change: impl Fn(&mut BTreeMap<String, String>) -> Result<(), String>,
) -> Result<(), Fault> {
    let id = pools::id_of_arn(arn, &call.services.deployment).ok_or_else(|| PoolError::NoArn(arn.to_owned()))?;
    pools::amend(call, id.as_str(), |pool| {
        let mut settings = pool.settings.clone();
        let tags: &mut Tags = &mut settings.user_pool_tags;
        change(tags).map_err(PoolError::Settings)?;
        Ok(settings)
    })
    .await?;
    Ok(())
}
