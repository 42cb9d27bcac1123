//! Cognito: DescribeTermsByClient.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeTermsByClientRequest, DescribeTermsByClientResponse};

use crate::aws_json::Call;
use crate::clients;
use crate::terms::{absent, rows};

pub async fn handle(call: Call, input: DescribeTermsByClientRequest) -> Result<DescribeTermsByClientResponse, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let query = rows::of_client(&pool.id, client.id.as_str(), &input.terms_name);
    let row = call.services.store.one(query).await?.ok_or_else(|| absent(&input.terms_name))?;
    Ok(DescribeTermsByClientResponse { terms: Some(rows::terms(&row)?.describe()) })
}
