//! Cognito: UpdateDeviceStatus. AdminUpdateDeviceStatus does the same.

use cognito_model::Fault;
use cognito_model::idp::types::{DeviceRememberedStatusType, UpdateDeviceStatusRequest, UpdateDeviceStatusResponse};

use crate::aws_json::{Call, Write};
use crate::devices::{self, contended, rows};
use crate::store::{Batch, CommitError};
use crate::users::self_service::{Caller, caller};
use crate::users::{TRIES, User};

pub async fn handle(call: Call, input: UpdateDeviceStatusRequest) -> Result<UpdateDeviceStatusResponse, Fault> {
    let Caller { user, .. } = caller(&call).await?;
    set(&call, &user, &input.device_key, input.device_remembered_status).await?;
    Ok(UpdateDeviceStatusResponse {})
}

/// What trust rests on stays as it is: only a sign-in proves anything. Without a status everything does.
///
/// # Errors
/// `ResourceNotFoundException: Device does not exist.`, storage; `TooManyRequestsException` when others keep changing the device.
pub(super) async fn set(
    call: &Call,
    user: &User,
    key: &str,
    status: Option<DeviceRememberedStatusType>,
) -> Result<(), Fault> {
    for _ in 0..TRIES {
        let device = devices::named(&call.services.store, user, key).await?;
        let Some(status) = status else { return Ok(()) };
        let remembered = status == DeviceRememberedStatusType::Remembered;
        let mut batch = Batch::new();
        batch.add(rows::set_status(&device, remembered, call.now));
        match call.commit(Write::new(&user.pool, batch).about(user.sub.as_str())).await {
            Err(CommitError::Missed { .. }) => {}
            outcome => return Ok(outcome?),
        }
    }
    Err(contended())
}
