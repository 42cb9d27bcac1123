//! Cognito: ForgetDevice. The caller's own token may be of that device; it ends with it.

use cognito_model::idp::types::ForgetDeviceRequest;
use cognito_model::{Fault, NoOutput};

use crate::aws_json::Call;
use crate::devices;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: ForgetDeviceRequest) -> Result<NoOutput, Fault> {
    let Caller { pool, user, .. } = caller(&call).await?;
    devices::forget(&call, &pool, &user, &input.device_key).await?;
    Ok(NoOutput)
}
