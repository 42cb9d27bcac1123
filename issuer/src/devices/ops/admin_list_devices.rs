//! Cognito: AdminListDevices, by key.

use cognito_model::Fault;
use cognito_model::idp::types::{AdminListDevicesRequest, AdminListDevicesResponse};

use super::list_devices::page;
use super::owner_as_resource;
use crate::aws_json::Call;
use crate::devices::model::Reader;

pub async fn handle(call: Call, input: AdminListDevicesRequest) -> Result<AdminListDevicesResponse, Fault> {
    let (_, user) = owner_as_resource(&call, &input.user_pool_id, &input.username).await?;
    let page = page(&call, &user, input.limit, input.pagination_token.as_deref()).await?;
    let reader = Reader { account_id: &call.services.deployment.account_id, username: &user.username };
    let devices = page.rows.iter().map(|device| device.describe(reader)).collect();
    Ok(AdminListDevicesResponse { devices: Some(devices), pagination_token: page.token })
}
