//! Cognito: GetProvisionedLimit.

use cognito_model::Fault;
use cognito_model::idp::types::{GetProvisionedLimitRequest, GetProvisionedLimitResponse};

use crate::aws_json::Call;
use crate::provisioned::{limit, rows};

pub async fn handle(call: Call, input: GetProvisionedLimitRequest) -> Result<GetProvisionedLimitResponse, Fault> {
    let category = limit::category(&input.limit_definition)?;
    let row = call.services.store.one(rows::rate(category)).await?;
    let rate = row.map(|row| row.int(0)).transpose()?.and_then(|rate| i32::try_from(rate).ok());
    Ok(GetProvisionedLimitResponse { limit: limit::describe(input.limit_definition, category, rate) })
}
