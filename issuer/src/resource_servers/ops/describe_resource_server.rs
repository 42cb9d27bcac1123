//! Cognito: DescribeResourceServer.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeResourceServerRequest, DescribeResourceServerResponse};

use crate::aws_json::Call;
use crate::{pools, resource_servers};

pub async fn handle(call: Call, input: DescribeResourceServerRequest) -> Result<DescribeResourceServerResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let server = resource_servers::named(store, &pool.id, &input.identifier).await?;
    Ok(DescribeResourceServerResponse { resource_server: server.describe() })
}
