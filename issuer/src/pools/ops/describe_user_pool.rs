//! Cognito: DescribeUserPool.

use cognito_model::Fault;
use cognito_model::idp::types::{DescribeUserPoolRequest, DescribeUserPoolResponse};

use crate::aws_json::Call;
use crate::pools;

pub async fn handle(call: Call, input: DescribeUserPoolRequest) -> Result<DescribeUserPoolResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let counted = store.one(pools::rows::user_count(&pool.id)).await?;
    let users = counted.map(|row| row.u64(0)).transpose()?.unwrap_or_default();
    let mut described = pool.describe(&call.services.deployment.account_id, users);
    for row in store.read(pools::rows::domains(&pool.id)).await? {
        let domain = Some(row.text(1)?.to_owned());
        match row.text(0)? {
            "custom" => described.custom_domain = domain,
            _ => described.domain = domain,
        }
    }
    Ok(DescribeUserPoolResponse { user_pool: Some(described) })
}
