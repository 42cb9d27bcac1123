//! Devices that users sign in from, in pools that remember them (Cognito: `DeviceConfiguration`).
//!
//! A sign-in that names no known device is given a new key, which only its session knows. ConfirmDevice makes a device of it; from then on
//! a sign-in that names the key comes from this device, and one that is remembered has to be proven (`DEVICE_SRP_AUTH`).
//!
//! Invariants:
//! - A device is one user's. It is made of a key that was given to this user, and of no other.
//! - A key that was given proves nothing: it is in access tokens. What proves a device is its secret, whose verifier lies enveloped.
//! - Trust in a device, which lets it stand for a second factor, rests on the password that the user had when it was given
//!   ([`rules::ground`]): another password ends it, until the device was proven after a second factor (SECURITY.md I45).
//! - Whoever reads the sessions of a device to end them holds the device's row; a sign-in from it changes that row.

mod forget;
pub mod model;
pub mod ops;
pub mod rows;
pub mod rules;
#[cfg(test)]
mod suite;

pub use self::forget::forget;
pub use self::model::{Device, DeviceKey, Offer};

use cognito_model::{Exception, Fault};
use common::ids::PoolId;
use uuid::Uuid;

use crate::aws_json::Registered;
use crate::envelope::PoolKey;
use crate::passwords::srp::Verifier;
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Store, StoreError};
use crate::users::User;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The user's device with this key.
pub async fn find(store: &Store, user: &User, key: &DeviceKey) -> Result<Option<Device>, StoreError> {
    let row = store.one(rows::by_key(&user.pool, &user.sub, key)).await?;
    Ok(row.map(|row| rows::device(&row)).transpose()?)
}

/// # Errors
/// `ResourceNotFoundException: Device does not exist.`, storage.
pub async fn named(store: &Store, user: &User, key: &str) -> Result<Device, Fault> {
    let key = DeviceKey::parse(key).ok_or_else(absent)?;
    find(store, user, &key).await?.ok_or_else(absent)
}

/// Clients look for these very words to forget the key that they hold.
pub fn absent() -> Fault {
    Fault::resource_not_found("Device does not exist.")
}

/// Whether the pool gives keys to devices. Any value of the configuration turns it on.
pub fn are_tracked(pool: &Pool) -> bool {
    pool.settings.device_configuration.is_some()
}

/// A new key for a sign-in that named no known device.
pub fn offer(pool: &PoolId, key: &PoolKey) -> Offer {
    Offer { key: DeviceKey::new(pool, Uuid::new_v4()), group_key: rules::group_key(key) }
}

/// What the device proves itself against; `None` where it left none.
///
/// # Errors
/// `InternalErrorException` for a damaged one, storage.
pub async fn verifier(services: &Services, device: &Device) -> Result<Option<Verifier>, Fault> {
    let Some(sealed) = &device.sealed_verifier else { return Ok(None) };
    let key = services.pool_keys.key(&device.pool).await?;
    let cell = [device.sub.as_str(), device.key.as_str()];
    let opened = key.open(rows::verifier_cell(&cell), sealed).map_err(Fault::internal)?;
    Verifier::from_bytes(opened.expose()).map(Some).map_err(Fault::internal)
}

/// The refusal of a change that others keep running into.
fn contended() -> Fault {
    Fault::new(Exception::TooManyRequests, "The device is being changed by other requests. Try again.")
}
