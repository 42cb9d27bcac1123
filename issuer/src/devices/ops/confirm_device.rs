//! Cognito: ConfirmDevice. Makes a device of a key that a sign-in has given.

use cognito_model::idp::types::{ConfirmDeviceRequest, ConfirmDeviceResponse};
use cognito_model::{Exception, Fault};

use crate::aws_json::{Call, Write};
use crate::devices::{Device, DeviceKey, rows, rules};
use crate::sessions;
use crate::store::Batch;
use crate::users::rows as user_rows;
use crate::users::self_service::{Caller, caller};

pub async fn handle(call: Call, input: ConfirmDeviceRequest) -> Result<ConfirmDeviceResponse, Fault> {
    let services = &call.services;
    let Caller { pool, user, .. } = caller(&call).await?;
    let Some(configuration) = &pool.settings.device_configuration else {
        let text = "The user pool is not configured to remember devices.";
        return Err(Fault::new(Exception::InvalidUserPoolConfiguration, text));
    };
    let invalid = || Fault::invalid_parameter("Invalid device key given.");
    let key = DeviceKey::parse(&input.device_key).ok_or_else(invalid)?;
    // Its session lives, or no token of it would.
    let given = sessions::rows::of_device(&pool.id, &user.sub, key.as_str(), user.valid_after, 1);
    let given = services.store.one(given).await?.ok_or_else(invalid)?;
    // A session from before the user's factors, or anything else of the user, changed has proven less than is asked for now.
    let is_of_now = given.millis(1)? >= user.modified;
    // Storage takes no NUL.
    if input.device_name.as_ref().is_some_and(|name| name.contains('\0')) {
        return Err(Fault::invalid_parameter("Invalid device name given."));
    }
    let verifier = input.device_secret_verifier_config.as_ref().map(rules::verifier);
    let verifier = verifier.transpose().map_err(Fault::invalid_parameter)?;
    let pool_key = services.pool_keys.key(&pool.id).await?;
    let seal = |bytes: &[u8]| {
        let cell = [user.sub.as_str(), key.as_str()];
        pool_key.seal(rows::verifier_cell(&cell), bytes).map_err(Fault::internal)
    };
    let sealed_verifier = verifier.map(|verifier| seal(verifier.to_bytes().expose())).transpose()?;
    let remembered = rules::remembers_at_once(configuration);
    let device = Device {
        pool: pool.id.clone(),
        sub: user.sub.clone(),
        key,
        group_key: rules::group_key(&pool_key),
        name: input.device_name,
        sealed_verifier,
        remembered,
        // Whether it counts is said by `remembered`.
        trust: is_of_now.then(|| rules::ground(&user)),
        last_address: call.origin.address.to_string(),
        authenticated: call.now,
        created: call.now,
        modified: call.now,
        version: 0,
    };
    let mut batch = Batch::new();
    let gone = batch.add(user_rows::still_signed_in(&user));
    let there = batch.add(rows::insert(&device));
    batch.add(rows::trim(&pool.id, &user.sub));
    let exists = Fault::new(Exception::DeviceKeyExists, "Device with the given key already exists.");
    let revoked = Fault::not_authorized("Access Token has been revoked");
    let misses = [(gone, revoked), (there, exists)];
    call.commit_or(Write::new(&pool.id, batch).about(user.sub.as_str()), misses).await?;
    Ok(ConfirmDeviceResponse { user_confirmation_necessary: Some(!remembered) })
}
