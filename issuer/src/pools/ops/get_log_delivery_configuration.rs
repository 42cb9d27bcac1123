//! Cognito: GetLogDeliveryConfiguration.

use cognito_model::Fault;
use cognito_model::idp::types::{
    GetLogDeliveryConfigurationRequest, GetLogDeliveryConfigurationResponse, LogDeliveryConfigurationType,
};

use crate::aws_json::Call;
use crate::pools;

pub async fn handle(
    call: Call,
    input: GetLogDeliveryConfigurationRequest,
) -> Result<GetLogDeliveryConfigurationResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let configuration =
        LogDeliveryConfigurationType { log_configurations: pool.settings.logs, user_pool_id: pool.id.to_string() };
    Ok(GetLogDeliveryConfigurationResponse { log_delivery_configuration: Some(configuration) })
}
