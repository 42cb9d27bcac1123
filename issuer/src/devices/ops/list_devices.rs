//! Cognito: ListDevices, by key. AdminListDevices reads the same pages.

use cognito_model::Fault;
use cognito_model::idp::types::{ListDevicesRequest, ListDevicesResponse};

use crate::aws_json::{Call, Listing, Page};
use crate::devices::{Device, rows};
use crate::users::User;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: ListDevicesRequest) -> Result<ListDevicesResponse, Fault> {
    let Caller { user, .. } = caller(&call).await?;
    let page = page(&call, &user, input.limit, input.pagination_token.as_deref()).await?;
    let devices = page.rows.iter().map(Device::describe_shortly).collect();
    Ok(ListDevicesResponse { devices: Some(devices), pagination_token: page.token })
}

pub(super) async fn page(
    call: &Call,
    user: &User,
    limit: Option<i32>,
    token: Option<&str>,
) -> Result<Page<Device>, Fault> {
    let services = &call.services;
    let key = services.pool_keys.key(&user.pool).await?;
    let listing = Listing::new(call, &key, &[user.sub.as_str()], limit);
    let [after] = listing.after(token)?.unwrap_or_default();
    let found = services.store.read(rows::page(&user.pool, &user.sub, &after, listing.to_read())).await?;
    let found = found.iter().map(rows::device).collect::<Result<Vec<Device>, _>>()?;
    Ok(listing.page(found, |device| [device.key.as_str().to_owned()]))
}
