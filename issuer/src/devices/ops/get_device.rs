//! Cognito: GetDevice.

use cognito_model::Fault;
use cognito_model::idp::types::{GetDeviceRequest, GetDeviceResponse};

use crate::aws_json::Call;
use crate::devices::{self, model::Reader};
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: GetDeviceRequest) -> Result<GetDeviceResponse, Fault> {
    let Caller { user, .. } = caller(&call).await?;
    let device = devices::named(&call.services.store, &user, &input.device_key).await?;
    let reader = Reader { account_id: &call.services.deployment.account_id, username: &user.username };
    Ok(GetDeviceResponse { device: device.describe(reader) })
}
