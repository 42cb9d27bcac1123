//! Cognito: GetClientToken. The API's twin of the OAuth grant `client_credentials` (RFC 6749 §4.4): a client proves its secret, and gets an
//! access token of its own, for scopes of resource servers. A signature changes nothing: it is the secret that counts.
//!
//! `ClientMetadata` is for triggers, and no pool has one.

use cognito_model::Fault;
use cognito_model::idp::types::{ClientAuthenticationResultType, GetClientTokenRequest, GetClientTokenResponse};

use crate::aws_json::Call;
use crate::clients;
use crate::sessions::Binding;
use crate::tokens::client_token;

pub async fn handle(call: Call, input: GetClientTokenRequest) -> Result<GetClientTokenResponse, Fault> {
    let (pool, client) = clients::of_call(&call.services, &input.client_id).await?;
    if !client.has_secret() {
        return Err(Fault::not_authorized(format!("Client {} is not configured with a secret.", client.id)));
    }
    clients::check_secret(&call.services, &client, Some(&input.secret)).await?;
    clients::check_api(&client)?;
    if !client.settings.allows_client_tokens() {
        return Err(Fault::not_authorized("Client is not enabled for client token authentication."));
    }
    let scopes = client_token::scopes(&call.services.store, &client, input.scopes.unwrap_or_default()).await?;
    let issued = client_token::mint(&call, &pool, &client, &scopes, Vec::new(), &Binding::NONE).await?;
    let result = ClientAuthenticationResultType {
        access_token: Some(issued),
        expires_in: Some(client.settings.access_token_seconds()),
        token_type: Some("Bearer".to_owned()),
    };
    Ok(GetClientTokenResponse { client_authentication_result: Some(result) })
}
