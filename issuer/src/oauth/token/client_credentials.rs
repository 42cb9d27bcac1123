//! `grant_type=client_credentials` (RFC 6749 §4.4): a token of the client's own, for scopes of resource servers. `GetClientToken` is its twin.

use cognito_model::idp::types::OAuthFlowType;
use serde_json::{Value, json};

use super::{asked_scopes, no_target};
use crate::aws_json::Call;
use crate::oauth::client::Proven;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::form::Form;
use crate::pools::Pool;
use crate::resource_servers;
use crate::sessions::Binding;
use crate::tokens::client_token;

pub async fn grant(call: &Call, proven: &Proven, form: &Form, binding: &Binding) -> Result<Value, OAuthError> {
    let Proven { pool, client, .. } = proven;
    if !client.settings.allows_oauth(OAuthFlowType::ClientCredentials) || !proven.is_confidential() {
        return Err(OAuthError::new(Code::UnauthorizedClient, "The client may not use this grant."));
    }
    let scopes = client_token::scopes(&call.services.store, client, asked_scopes(form)).await;
    let scopes = scopes.map_err(|fault| OAuthError::of(Code::InvalidScope, fault))?;
    let audience = resources(call, pool, form).await?;
    let token = client_token::mint(call, pool, client, &scopes, audience, binding).await;
    let token = token.map_err(|fault| OAuthError::of(Code::InvalidRequest, fault))?;
    Ok(json!({
        "access_token": token.expose(),
        "expires_in": client.settings.access_token_seconds(),
        "token_type": binding.token_type(),
    }))
}

/// The resource servers that the token is for alone (RFC 8707), where any is named.
async fn resources(call: &Call, pool: &Pool, form: &Form) -> Result<Vec<String>, OAuthError> {
    let mut found = Vec::new();
    for identifier in form.all("resource") {
        match resource_servers::named(&call.services.store, &pool.id, identifier).await {
            Ok(server) => found.push(server.identifier),
            Err(fault) if fault.status() < 500 => return Err(no_target()),
            Err(fault) => return Err(OAuthError::of(Code::InvalidTarget, fault)),
        }
    }
    Ok(found)
}
