//! `grant_type=urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693). `GetDerivedToken` is its twin, and says what may be exchanged.

use cognito_model::Fault;
use cognito_model::idp::types::{GetDerivedTokenRequest, IssuedTokenTypeIdentifierType, TokenTypeIdentifierType};
use serde_json::{Value, json};

use super::asked_scopes;
use crate::aws_json::Call;
use crate::clients::oauth::Grant;
use crate::oauth::client::Proven;
use crate::oauth::error::{Code, OAuthError};
use crate::oauth::form::Form;
use crate::tokens::exchange::{self, Actor, Asked, Presented};

pub const NAME: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693 §3.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub async fn grant(call: &Call, proven: &Proven, form: &Form) -> Result<Value, OAuthError> {
    let Proven { pool, client, .. } = proven;
    let with_actor = form.one("actor_token").is_some();
    let allowed =
        client.settings.allows_exchange(with_actor) || client.settings.oauth.grants.contains(&Grant::TokenExchange);
    if !proven.is_confidential() || !allowed {
        return Err(OAuthError::new(Code::UnauthorizedClient, "The client may not use this grant."));
    }
    let input = input(form, client.id.as_str())?;
    let refused = |fault: Fault| OAuthError::of(Code::InvalidRequest, fault);
    let asked = Asked::new(&input).map_err(refused)?;
    let subject = Presented::subject(call, pool, &input.subject_token, input.subject_token_type, None).await;
    let subject = subject.map_err(refused)?;
    let actor = match &input.actor_token {
        Some(token) => Some(Actor::find(call, pool, token, input.actor_token_type, None).await.map_err(refused)?),
        None => None,
    };
    let issued = exchange::issue(call, pool, client, &subject, actor.as_ref(), &asked).await;
    let issued = issued.map_err(|fault| match fault.exception {
        // A resource that the pool has not (RFC 8693 §2.2.2).
        cognito_model::Exception::ResourceNotFound => OAuthError::of(Code::InvalidTarget, fault),
        _ => refused(fault),
    })?;
    let (kind, token_type) = match asked.issues {
        IssuedTokenTypeIdentifierType::AccessToken => (ACCESS_TOKEN, "Bearer"),
        // §2.2.1: what is no access token opens nothing.
        IssuedTokenTypeIdentifierType::IdToken => (ID_TOKEN, "N_A"),
    };
    Ok(json!({
        "access_token": issued.token.expose(),
        "issued_token_type": kind,
        "token_type": token_type,
        "expires_in": issued.expires_in,
        "scope": issued.scopes.join(" "),
    }))
}

fn input(form: &Form, client: &str) -> Result<GetDerivedTokenRequest, OAuthError> {
    let list = |name: &str| {
        let values: Vec<String> = form.all(name).map(str::to_owned).collect();
        (!values.is_empty()).then_some(values)
    };
    let several = [list("resource"), list("audience")].into_iter().flatten().any(|values| values.len() > 1);
    if several {
        return Err(OAuthError::new(Code::InvalidTarget, "A token is for one resource."));
    }
    let invalid = |text: &'static str| OAuthError::new(Code::InvalidRequest, text);
    let requested = match form.one("requested_token_type") {
        None => None,
        Some(ACCESS_TOKEN | JWT) => Some(IssuedTokenTypeIdentifierType::AccessToken),
        Some(ID_TOKEN) => Some(IssuedTokenTypeIdentifierType::IdToken),
        Some(_) => return Err(invalid("There is no such requested_token_type here.")),
    };
    let actor_type = form.one("actor_token_type").map(kind).transpose()?;
    if actor_type.is_some() && form.one("actor_token").is_none() {
        return Err(invalid("actor_token_type comes with actor_token."));
    }
    let scopes = asked_scopes(form);
    Ok(GetDerivedTokenRequest {
        actor_token: form.secret("actor_token").cloned(),
        actor_token_provider_name: None,
        actor_token_type: actor_type,
        audiences: list("audience"),
        client_id: client.to_owned(),
        client_secret: None,
        requested_token_type: requested,
        resources: list("resource"),
        scopes: (!scopes.is_empty()).then_some(scopes),
        subject_token: form.demand("subject_token")?.clone(),
        subject_token_provider_name: None,
        subject_token_type: kind(form.demand("subject_token_type")?.expose())?,
    })
}

fn kind(name: &str) -> Result<TokenTypeIdentifierType, OAuthError> {
    match name {
        ACCESS_TOKEN | JWT => Ok(TokenTypeIdentifierType::AccessToken),
        ID_TOKEN => Ok(TokenTypeIdentifierType::IdToken),
        _ => Err(OAuthError::new(Code::InvalidRequest, "Tokens of that type are not exchanged here.")),
    }
}
