//! Cognito: DescribeRiskConfiguration: the client's own, else the pool's, else nothing but whose it would be.

use cognito_model::Fault;
use cognito_model::idp::types::{
    DescribeRiskConfigurationRequest, DescribeRiskConfigurationResponse, RiskConfigurationType,
};

use crate::aws_json::Call;
use crate::risk::{rows, target};

pub async fn handle(
    call: Call,
    input: DescribeRiskConfigurationRequest,
) -> Result<DescribeRiskConfigurationResponse, Fault> {
    let services = &call.services;
    let (pool, client) = target(services, &input.user_pool_id, input.client_id.as_deref()).await?;
    let client = client.map(|client| client.id.to_string());
    let mut found = services.store.one(rows::by_client(&pool.id, client.as_deref())).await?;
    if found.is_none() && client.is_some() {
        found = services.store.one(rows::by_client(&pool.id, None)).await?;
    }
    let risk_configuration = match found {
        Some(row) => rows::configuration(&row)?.describe(),
        None => RiskConfigurationType {
            client_id: client,
            user_pool_id: Some(pool.id.to_string()),
            ..RiskConfigurationType::default()
        },
    };
    Ok(DescribeRiskConfigurationResponse { risk_configuration })
}
