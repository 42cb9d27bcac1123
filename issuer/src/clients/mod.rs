//! App clients: settings, secrets, what they may ask for (Cognito: CreateUserPoolClient).
//!
//! Invariants: a client with a secret demands `SECRET_HASH` on every unsigned call (SECURITY.md T71); the secret is enveloped,
//! since the hash needs its text.

mod error;
pub mod model;
pub mod ops;
pub mod rows;
mod rules;

pub use self::error::ClientError;
pub use self::model::{Client, Flow};

use cognito_model::{Exception, Fault};
use common::ids::ClientId;
use common::secret::SecretString;

use crate::aws_json::Registered;
use crate::passwords::verify_secret_hash;
use crate::pools::{self, Pool};
use crate::services::Services;

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// The client that an unsigned call names, with its pool.
///
/// # Errors
/// `ResourceNotFoundException: User pool client … does not exist.`, storage.
pub async fn of_call(services: &Services, client_id: &str) -> Result<(Pool, Client), Fault> {
    let absent = || ClientError::Absent(client_id.to_owned());
    let id = ClientId::parse(client_id).map_err(|_| absent())?;
    let row = services.store.one(rows::by_client_id(&id)).await?.ok_or_else(absent)?;
    let client = rows::client(&row)?;
    let pool = pools::find(&services.store, &client.pool).await?;
    Ok((pool, client))
}

/// The client that an administrator's request names, with its pool.
///
/// # Errors
/// `ResourceNotFoundException: User pool … does not exist.` or `… client … does not exist.`, storage.
pub async fn named(services: &Services, pool_id: &str, client_id: &str) -> Result<(Pool, Client), Fault> {
    let pool = pools::named(&services.store, pool_id).await?;
    let absent = || ClientError::Absent(client_id.to_owned());
    let id = ClientId::parse(client_id).map_err(|_| absent())?;
    let row = services.store.one(rows::by_id(&pool.id, &id)).await?.ok_or_else(absent)?;
    Ok((pool, rows::client(&row)?))
}

/// The client's secret as administrators see it; `None` for public clients.
pub async fn secret_of(services: &Services, client: &Client) -> Result<Option<SecretString>, Fault> {
    match &client.sealed_secret {
        Some(sealed) => open_secret(services, client, sealed).await.map(Some),
        None => Ok(None),
    }
}

/// Refuses a call without `SECRET_HASH` to a client with a secret, where the name for the hash is yet to be found.
pub fn demand_secret_hash(client: &Client, given: Option<&SecretString>) -> Result<(), Fault> {
    if client.sealed_secret.is_none() || given.is_some() {
        return Ok(());
    }
    let text = format!("Client {} is configured with secret but SECRET_HASH was not received", client.id);
    Err(Fault::not_authorized(text))
}

/// Checks `SECRET_HASH` for a user name, in constant time. Clients without a secret ignore it.
pub async fn check_secret_hash(
    services: &Services,
    client: &Client,
    username: &str,
    given: Option<&SecretString>,
) -> Result<(), Fault> {
    demand_secret_hash(client, given)?;
    let (Some(sealed), Some(given)) = (&client.sealed_secret, given) else { return Ok(()) };
    let secret = open_secret(services, client, sealed).await?;
    if verify_secret_hash(&secret, username, &client.id, given.expose()) {
        Ok(())
    } else {
        Err(Fault::not_authorized(format!("Unable to verify secret hash for client {}", client.id)))
    }
}

/// Checks the secret itself, where an operation takes it instead of a hash (RevokeToken).
pub async fn check_secret(services: &Services, client: &Client, given: Option<&SecretString>) -> Result<(), Fault> {
    let Some(sealed) = &client.sealed_secret else { return Ok(()) };
    let known = open_secret(services, client, sealed).await?;
    match given {
        Some(given) if *given == known => Ok(()),
        _ => Err(Fault::new(Exception::NotAuthorized, "Invalid client secret.")),
    }
}

async fn open_secret(services: &Services, client: &Client, sealed: &[u8]) -> Result<SecretString, Fault> {
    let key = services.pool_keys.key(&client.pool).await?;
    let secret = key.open(rows::secret_cell(&[client.id.as_str()]), sealed).map_err(Fault::internal)?;
    let text = String::from_utf8(secret.expose().to_vec()).map_err(Fault::internal)?;
    Ok(SecretString::new(text))
}
