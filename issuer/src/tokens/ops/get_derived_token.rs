//! Cognito: GetDerivedToken. A token of a user becomes another one, for a service that is asked on the user's behalf (RFC 8693). The client
//! proves its secret, if it has one; an administrator's signature does in its place.

use cognito_model::Fault;
use cognito_model::idp::types::{
    GetDerivedTokenRequest, GetDerivedTokenResponse, IssuedTokenTypeIdentifierType, OAuthTokenTypeType,
};

use crate::aws_json::{Call, Caller};
use crate::clients;
use crate::tokens::exchange::{self, Actor, Asked, Presented};

pub async fn handle(call: Call, input: GetDerivedTokenRequest) -> Result<GetDerivedTokenResponse, Fault> {
    let services = &call.services;
    let (pool, client) = clients::of_call(services, &input.client_id).await?;
    if !matches!(call.caller, Caller::Admin(_)) {
        clients::check_secret(services, &client, input.client_secret.as_ref()).await?;
    }
    clients::check_api(&client)?;
    if !client.settings.allows_exchange(input.actor_token.is_some()) {
        let kind = if input.actor_token.is_some() { "delegation" } else { "impersonation" };
        return Err(Fault::not_authorized(format!("Token exchange by {kind} is not enabled for the client.")));
    }
    let asked = Asked::new(&input)?;
    let provider = input.subject_token_provider_name.as_deref();
    let subject = Presented::subject(&call, &pool, &input.subject_token, input.subject_token_type, provider).await?;
    let actor = match &input.actor_token {
        Some(token) => {
            let provider = input.actor_token_provider_name.as_deref();
            Some(Actor::find(&call, &pool, token, input.actor_token_type, provider).await?)
        }
        None => None,
    };
    let issued = exchange::issue(&call, &pool, &client, &subject, actor.as_ref(), &asked).await?;
    let token_type = match asked.issues {
        IssuedTokenTypeIdentifierType::AccessToken => OAuthTokenTypeType::Bearer,
        // RFC 8693 §2.2.1: what is no access token opens nothing.
        IssuedTokenTypeIdentifierType::IdToken => OAuthTokenTypeType::NA,
    };
    Ok(GetDerivedTokenResponse {
        expires_in: Some(issued.expires_in),
        issued_token: issued.token,
        issued_token_type: asked.issues,
        scopes: Some(issued.scopes),
        token_type,
    })
}
