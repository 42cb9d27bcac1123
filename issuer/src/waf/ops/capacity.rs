//! AWS WAFv2: CheckCapacity.

use cognito_model::Fault;
use cognito_model::waf::types::{CheckCapacityRequest, CheckCapacityResponse};
use common::waf::managed::shipped;
use common::waf::read::{self, Dialect};

use crate::aws_json::Call;
use crate::waf::book;
use crate::waf::entities::regional;
use crate::waf::error::WafError;
use crate::waf::rules::{self, Surroundings};

pub async fn check(call: Call, input: CheckCapacityRequest) -> Result<CheckCapacityResponse, Fault> {
    regional(input.scope)?;
    let read = read::rules(&input.rules, Dialect::default()).map_err(WafError::from)?;
    let graph = book::graph(&call).await?;
    let around = Surroundings { deployment: &call.services.deployment, graph: &graph, shipped: shipped() };
    rules::uses(&read, &around)?;
    let capacity = rules::cost(&read, &around)?;
    Ok(CheckCapacityResponse { capacity: i64::try_from(capacity).ok() })
}
