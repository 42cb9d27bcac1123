//! Cognito: AdminUpdateDeviceStatus.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminUpdateDeviceStatusRequest, AdminUpdateDeviceStatusResponse};

use super::owner;
use super::update_device_status::set;
use crate::aws_json::Call;

pub async fn handle(
    call: Call,
    input: AdminUpdateDeviceStatusRequest,
) -> Result<AdminUpdateDeviceStatusResponse, Fault> {
    let (_, user) = owner(&call, &input.user_pool_id, &input.username).await?;
    set(&call, &user, &input.device_key, input.device_remembered_status).await?;
    Ok(AdminUpdateDeviceStatusResponse {})
}
