//! Cognito: UpdateProvisionedLimit.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateProvisionedLimitRequest, UpdateProvisionedLimitResponse};

use crate::aws_json::Call;
use crate::provisioned::{limit, rows};
use crate::store::Batch;

pub async fn handle(call: Call, input: UpdateProvisionedLimitRequest) -> Result<UpdateProvisionedLimitResponse, Fault> {
    let category = limit::category(&input.limit_definition)?;
    limit::check(category, input.requested_limit_value)?;
    let mut batch = Batch::new();
    batch.add(rows::put(category, input.requested_limit_value, call.now));
    call.commit_to_deployment(category.name(), batch).await?;
    let limit = limit::describe(input.limit_definition, category, Some(input.requested_limit_value));
    Ok(UpdateProvisionedLimitResponse { limit })
}
