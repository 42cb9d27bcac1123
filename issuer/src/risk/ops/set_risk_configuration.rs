//! Cognito: SetRiskConfiguration. What is left out goes; a request that sets nothing ends a client's own configuration, or the pool's.

use cognito_model::Fault;
use cognito_model::idp::types::{SetRiskConfigurationRequest, SetRiskConfigurationResponse};

use crate::aws_json::{Call, Write};
use crate::clients::{self, ClientError};
use crate::pools::{self, PoolError};
use crate::risk::model::{Configuration, Parts};
use crate::risk::{rows, rules, target};
use crate::store::Batch;

pub async fn handle(call: Call, input: SetRiskConfigurationRequest) -> Result<SetRiskConfigurationResponse, Fault> {
    let (pool, client) = target(&call.services, &input.user_pool_id, input.client_id.as_deref()).await?;
    let parts = Parts {
        account_takeover: input.account_takeover_risk_configuration,
        compromised_credentials: input.compromised_credentials_risk_configuration,
        exceptions: input.risk_exception_configuration,
    };
    rules::check(&parts).map_err(Fault::invalid_parameter)?;
    let configuration = Configuration {
        pool: pool.id.clone(),
        client: client.as_ref().map(|client| client.id.to_string()),
        parts,
        modified: call.now,
    };
    let mut batch = Batch::new();
    let (gone, absent) = match &client {
        Some(client) => (batch.add(clients::rows::hold(client)), ClientError::Absent(client.id.to_string()).into()),
        None => (batch.add(pools::rows::hold(&pool.id)), PoolError::Absent(pool.id.clone()).into()),
    };
    batch.add(match configuration.parts.is_empty() {
        true => rows::delete(&pool.id, configuration.client.as_deref()),
        false => rows::put(&configuration),
    });
    let about = configuration.client.as_deref().unwrap_or(pool.id.as_str());
    call.commit_or(Write::new(&pool.id, batch).about(about), [(gone, absent)]).await?;
    Ok(SetRiskConfigurationResponse { risk_configuration: configuration.describe() })
}
