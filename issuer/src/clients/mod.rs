//! App clients: settings, secrets, what they may ask for (Cognito: CreateUserPoolClient).
//!
//! Invariants: a client with a secret demands `SECRET_HASH` on every unsigned call (SECURITY.md T71), by any of the two that it may
//! have, and never becomes one without; secrets are enveloped, since the hash needs their text.

mod documents;
mod error;
pub(crate) mod made;
pub mod metadata;
pub mod model;
pub mod oauth;
pub mod oauth_rules;
mod oauth_set;
pub mod ops;
pub mod registration;
pub mod rows;
mod rules;
#[cfg(test)]
mod suite;

pub use self::documents::of_request;
pub use self::error::ClientError;
pub use self::model::{Client, Flow};
pub use self::oauth_set::set_oauth;

use cognito_model::idp::types::{OAuthFlowType, UserContextDataType};
use cognito_model::{Exception, Fault};
use common::ids::ClientId;
use common::secret::SecretString;

use self::model::{SealedSecret, Settings};
use crate::aws_json::{Call, Place, Registered};
use crate::passwords::verify_secret_hash;
use crate::pools::{self, Pool};
use crate::services::Services;
use crate::{providers, resource_servers};

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// How often a change of a client's secrets is decided anew when the client is changed meanwhile: the operations have no exception to say so.
const TRIES: usize = 20;

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

/// Checks that the OAuth flows go together: a client that has a token of its own proves it by a secret, and signs in no users.
///
/// # Errors
/// `InvalidOAuthFlowException`, in Cognito's words.
pub(crate) fn check_flows(settings: &Settings, has_secret: bool) -> Result<(), Fault> {
    let flows = settings.allowed_oauth_flows.as_deref().unwrap_or_default();
    if !flows.contains(&OAuthFlowType::ClientCredentials) {
        return Ok(());
    }
    let text = if flows.iter().any(|flow| *flow != OAuthFlowType::ClientCredentials) {
        "client_credentials flow can not be selected along with code flow or implicit flow."
    } else if !has_secret {
        "client_credentials flow can not be selected if client does not have a client secret."
    } else {
        return Ok(());
    };
    Err(Fault::new(Exception::InvalidOAuthFlow, text))
}

/// Checks that what a client's settings name is there: scopes of resource servers, and identity providers.
pub(crate) async fn check_references(services: &Services, pool: &Pool, settings: &Settings) -> Result<(), Fault> {
    let scopes = settings.allowed_oauth_scopes.as_deref().unwrap_or_default();
    if let Some(scope) = resource_servers::first_unknown(&services.store, &pool.id, scopes).await? {
        return Err(Fault::new(Exception::ScopeDoesNotExist, format!("Invalid scope requested: {scope}")));
    }
    let names = settings.supported_identity_providers.as_deref().unwrap_or_default();
    if let Some(name) = providers::first_unknown(&services.store, &pool.id, names).await? {
        let text = format!("The provider {name} does not exist for User Pool {}.", pool.id);
        return Err(Fault::invalid_parameter(text));
    }
    Ok(())
}

/// Where the user of an unsigned call is: a server that has proven the client's secret may say so (`UserContextData.IpAddress`), if the client
/// has EnablePropagateAdditionalUserContextData. Ask after the secret.
pub fn user_place(call: &Call, client: &Client, told: Option<&UserContextDataType>) -> Option<Place> {
    let may_say = client.has_secret() && client.settings.enable_propagate_additional_user_context_data;
    let address = told.filter(|_| may_say)?.ip_address.as_deref()?;
    Place::told(address, call.origin.user_agent.as_deref())
}

/// The client's secret as administrators see it, of two the older one; `None` for public clients.
pub async fn secret_of(services: &Services, client: &Client) -> Result<Option<SecretString>, Fault> {
    match client.secrets.first() {
        Some(secret) => open_secret(services, client, secret).await.map(Some),
        None => Ok(None),
    }
}

/// Refuses tokens by Cognito's API to a client whose proofs or bindings the API does not know: it would have them by less than it is asked for.
///
/// # Errors
/// `NotAuthorizedException`
pub fn check_api(client: &Client) -> Result<(), Fault> {
    if client.settings.oauth.is_for_endpoints_alone() {
        return Err(Fault::not_authorized(format!("Client {} gets tokens at the token endpoint alone.", client.id)));
    }
    Ok(())
}

/// Refuses a call without `SECRET_HASH` to a client with a secret, where the name for the hash is yet to be found.
pub fn demand_secret_hash(client: &Client, given: Option<&SecretString>) -> Result<(), Fault> {
    if !client.has_secret() || given.is_some() {
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
    let Some(given) = given.filter(|_| client.has_secret()) else { return Ok(()) };
    for secret in &client.secrets {
        let secret = open_secret(services, client, secret).await?;
        if verify_secret_hash(&secret, username, &client.id, given.expose()) {
            return Ok(());
        }
    }
    Err(Fault::not_authorized(format!("Unable to verify secret hash for client {}", client.id)))
}

/// Checks the secret itself, where an operation takes it instead of a hash (RevokeToken).
pub async fn check_secret(services: &Services, client: &Client, given: Option<&SecretString>) -> Result<(), Fault> {
    for secret in &client.secrets {
        let known = open_secret(services, client, secret).await?;
        if given.is_some_and(|given| *given == known) {
            return Ok(());
        }
    }
    if client.has_secret() { Err(Fault::new(Exception::NotAuthorized, "Invalid client secret.")) } else { Ok(()) }
}

pub(crate) async fn open_secret(
    services: &Services,
    client: &Client,
    secret: &SealedSecret,
) -> Result<SecretString, Fault> {
    let key = services.pool_keys.key(&client.pool).await?;
    let cell = [client.id.as_str()];
    let secret = key.open(rows::secret_cell(secret.place, &cell), &secret.sealed).map_err(Fault::internal)?;
    let text = String::from_utf8(secret.expose().to_vec()).map_err(Fault::internal)?;
    Ok(SecretString::new(text))
}

/// Seals a secret for its place in the client's row.
pub(crate) async fn seal_secret(
    services: &Services,
    pool: &Pool,
    client: &ClientId,
    place: model::Place,
    secret: &SecretString,
) -> Result<Vec<u8>, Fault> {
    let key = services.pool_keys.key(&pool.id).await?;
    key.seal(rows::secret_cell(place, &[client.as_str()]), secret.expose().as_bytes()).map_err(Fault::internal)
}
