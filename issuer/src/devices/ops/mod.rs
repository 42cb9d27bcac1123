//! One file an operation. Those of users and of administrators do the same to the same user.

mod admin_forget_device;
mod admin_get_device;
mod admin_list_devices;
mod admin_update_device_status;
mod confirm_device;
mod forget_device;
mod get_device;
mod list_devices;
mod update_device_status;

use cognito_model::idp::op;
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Registered, operation};
use crate::pools::{self, Pool};
use crate::users::{self, User, UserError};

pub(super) fn all() -> Vec<Registered> {
    vec![
        operation(op::AdminForgetDevice, admin_forget_device::handle),
        operation(op::AdminGetDevice, admin_get_device::handle),
        operation(op::AdminListDevices, admin_list_devices::handle),
        operation(op::AdminUpdateDeviceStatus, admin_update_device_status::handle),
        operation(op::ConfirmDevice, confirm_device::handle),
        operation(op::ForgetDevice, forget_device::handle),
        operation(op::GetDevice, get_device::handle),
        operation(op::ListDevices, list_devices::handle),
        operation(op::UpdateDeviceStatus, update_device_status::handle),
    ]
}

/// The user whom an administrator's request names.
async fn owner(call: &Call, pool: &str, username: &str) -> Result<(Pool, User), Fault> {
    let pool = pools::named(&call.services.store, pool).await?;
    let user = users::named(&call.services.store, &pool, username).await?;
    Ok((pool, user))
}

/// The same where the operation's model has no `UserNotFoundException`.
async fn owner_as_resource(call: &Call, pool: &str, username: &str) -> Result<(Pool, User), Fault> {
    let pool = pools::named(&call.services.store, pool).await?;
    match users::named(&call.services.store, &pool, username).await {
        Ok(user) => Ok((pool, user)),
        Err(error @ UserError::Absent) => Err(Fault::new(Exception::ResourceNotFound, Fault::from(error).message)),
        Err(error) => Err(error.into()),
    }
}
