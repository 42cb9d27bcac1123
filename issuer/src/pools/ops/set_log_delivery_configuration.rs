//! Cognito: SetLogDeliveryConfiguration. An empty list ends all delivery.

use cognito_model::Fault;
use cognito_model::idp::types::{
    LogDeliveryConfigurationType, SetLogDeliveryConfigurationRequest, SetLogDeliveryConfigurationResponse,
};

use crate::aws_json::Call;
use crate::pools::model::Settings;
use crate::pools::{self, PoolError, logs};

pub async fn handle(
    call: Call,
    input: SetLogDeliveryConfigurationRequest,
) -> Result<SetLogDeliveryConfigurationResponse, Fault> {
    let pool = pools::amend(&call, &input.user_pool_id, |pool| {
        logs::check(&input.log_configurations).map_err(PoolError::Settings)?;
        Ok(Settings { logs: input.log_configurations.clone(), ..pool.settings.clone() })
    })
    .await?;
    let configuration = LogDeliveryConfigurationType {
        log_configurations: input.log_configurations,
        user_pool_id: pool.id.to_string(),
    };
    Ok(SetLogDeliveryConfigurationResponse { log_delivery_configuration: Some(configuration) })
}
