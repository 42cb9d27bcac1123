//! Cognito: AdminGetDevice.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminGetDeviceRequest, AdminGetDeviceResponse};

use super::owner_as_resource;
use crate::aws_json::Call;
use crate::devices::{self, model::Reader};

pub async fn handle(call: Call, input: AdminGetDeviceRequest) -> Result<AdminGetDeviceResponse, Fault> {
    let (_, user) = owner_as_resource(&call, &input.user_pool_id, &input.username).await?;
    let device = devices::named(&call.services.store, &user, &input.device_key).await?;
    let reader = Reader { account_id: &call.services.deployment.account_id, username: &user.username };
    Ok(AdminGetDeviceResponse { device: device.describe(reader) })
}
