//! Access tokens of clients, which stand for themselves: `sub` is the client's id, and there is no user, session or refresh token. They end by
//! their `exp`, with their signing key, or with the client.

use std::collections::BTreeSet;

use cognito_model::Fault;
use common::claims::{AccessClaims, TokenUse};
use common::secret::SecretString;

use super::claims::{extra, jti};
use crate::aws_json::Call;
use crate::clients::Client;
use crate::keys::Purpose;
use crate::pools::Pool;
use crate::resource_servers;
use crate::sessions::{Binding, Details};
use crate::store::Store;

/// The scopes that are granted: those that are asked for, or all that the client may have. Only scopes of resource servers, as they are now,
/// are a client's own; OpenID Connect's and Cognito's are about users.
///
/// # Errors
/// `InvalidParameterException` for a scope that the client may not have, or where none is left; storage.
pub async fn scopes(store: &Store, client: &Client, asked: Vec<String>) -> Result<Vec<String>, Fault> {
    let allowed = resource_servers::known_custom(store, &client.pool, client.settings.scopes()).await?;
    let wanted: BTreeSet<&String> = asked.iter().collect();
    if let Some(scope) = wanted.iter().find(|scope| !allowed.contains(scope)) {
        return Err(Fault::invalid_parameter(format!("Invalid scope requested: {scope}")));
    }
    let granted: Vec<String> =
        allowed.into_iter().filter(|scope| wanted.is_empty() || wanted.contains(scope)).collect();
    if granted.is_empty() {
        return Err(Fault::invalid_parameter("The client has no scopes of resource servers."));
    }
    Ok(granted)
}

/// `aud`: the resource servers that it is for alone; none: whoever takes its scopes.
pub async fn mint(
    call: &Call,
    pool: &Pool,
    client: &Client,
    scopes: &[String],
    aud: Vec<String>,
    binding: &Binding,
) -> Result<SecretString, Fault> {
    let claims = AccessClaims {
        sub: client.id.to_string(),
        groups: Vec::new(),
        iss: pool.iss.clone(),
        version: Some(2),
        client_id: client.id.to_string(),
        origin_jti: None,
        device_key: None,
        event_id: None,
        token_use: TokenUse::Access,
        scope: Some(scopes.join(" ")),
        auth_time: Some(call.now.seconds()),
        exp: call.now.plus(client.settings.access_token_life()).seconds(),
        iat: call.now.seconds(),
        jti: Some(jti(call.now)),
        username: None,
        acr: None,
        amr: Vec::new(),
        extra: extra(&Details { aud, ..Details::default() }.bound(binding)),
    };
    let signed = call.services.keys.sign(&pool.id, Purpose::Access, &claims).await?;
    Ok(SecretString::new(signed.expose()))
}
