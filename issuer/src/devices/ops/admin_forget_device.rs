//! Cognito: AdminForgetDevice.

use cognito_model::idp::types::AdminForgetDeviceRequest;
use cognito_model::{Fault, NoOutput};

use super::owner;
use crate::aws_json::Call;
use crate::devices;

pub async fn handle(call: Call, input: AdminForgetDeviceRequest) -> Result<NoOutput, Fault> {
    let (pool, user) = owner(&call, &input.user_pool_id, &input.username).await?;
    devices::forget(&call, &pool, &user, &input.device_key).await?;
    Ok(NoOutput)
}
