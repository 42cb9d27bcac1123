//! `POST /oauth2/introspect` (RFC 7662): whether a token lives, for confidential clients of the pool. Cognito has no such endpoint.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::secret::SecretString;
use serde_json::{Value, json};

use super::client::{self, Proven};
use super::error::{Code, OAuthError, answer};
use super::form::Form;
use super::state::OAuth;
use crate::aws_json::Call;
use crate::clients::Client;
use crate::domains::Site;
use crate::pools::Pool;
use crate::sessions::Binding;
use crate::{sessions, tokens, users};

/// Not for scripts of other origins: no page holds a client's secret.
pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Introspect_POST", &head);
    let outcome = introspected(&oauth, &site, &call, &head, body).await;
    call.record(Some(site.pool.as_str()), outcome.as_ref().err().map(|error| &*error.fault)).await;
    match outcome {
        Ok(document) => answer(StatusCode::OK, &document),
        Err(error) => error.into_response(),
    }
}

async fn introspected(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Value, OAuthError> {
    let form = Form::read(&head.headers, body).await?;
    oauth.door.take("Introspect_POST", &site.pool).map_err(|fault| OAuthError::of(Code::InvalidRequest, fault))?;
    let proven = client::authenticate(call, site, head, &form).await?;
    if !proven.is_confidential() {
        return Err(OAuthError::new(Code::InvalidClient, "Only a client that proves itself may ask."));
    }
    let Proven { pool, client, .. } = proven;
    let token = form.demand("token")?;
    // `token_type_hint` decides nothing: the forms of both kinds differ.
    let found = if token.expose().matches('.').count() == 2 {
        access_token(call, &pool, token).await
    } else {
        refresh_token(call, &pool, &client, token).await
    };
    let found = found.map_err(|fault| OAuthError::of(Code::InvalidRequest, fault))?;
    // It does not say why (RFC 7662 §2.2).
    Ok(found.unwrap_or_else(|| json!({ "active": false })))
}

async fn access_token(call: &Call, pool: &Pool, token: &SecretString) -> Result<Option<Value>, Fault> {
    let live = tokens::live(call, pool, token).await?;
    // Without the leeway for clocks: it is the asker's clock that may be behind.
    let Some(token) = live.filter(|token| token.exp > call.now) else { return Ok(None) };
    let mut said = json!({
        "active": true,
        "iss": &*token.iss,
        "sub": &*token.sub,
        "client_id": &*token.client_id,
        "scope": &*token.scope,
        "exp": token.exp.seconds(),
        "iat": token.iat.seconds(),
        "token_use": "access",
    });
    let bound = token.confirmation.as_deref();
    let (key, certificate) = bound.map_or((None, None), |asks| (asks.key, asks.certificate));
    let binding =
        Binding { jkt: key.map(|key| key.to_string()), x5t: certificate.map(|certificate| certificate.to_string()) };
    let more = [
        ("token_type", Some(binding.token_type().into())),
        ("cnf", binding.confirmation().map(Value::Object)),
        ("username", token.username.as_deref().map(Value::from)),
        ("jti", token.jti.as_deref().map(Value::from)),
        ("origin_jti", token.origin_jti.as_deref().map(Value::from)),
        ("auth_time", token.auth_time.map(|at| at.seconds().into())),
        ("aud", (!token.audience.is_empty()).then(|| token.audience.iter().map(|aud| Value::from(&**aud)).collect())),
        (
            "cognito:groups",
            (!token.groups.is_empty()).then(|| token.groups.iter().map(|name| Value::from(&**name)).collect()),
        ),
    ];
    if let Some(said) = said.as_object_mut() {
        said.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    Ok(Some(said))
}

/// A client hears of its own alone.
async fn refresh_token(
    call: &Call,
    pool: &Pool,
    client: &Client,
    token: &SecretString,
) -> Result<Option<Value>, Fault> {
    let found = sessions::of_token(&call.services, &pool.id, token).await?;
    let Some((session, shown)) = found.filter(|(session, _)| session.client == client.id) else { return Ok(None) };
    let Some(user) = users::by_sub(&call.services.store, pool, &session.sub).await? else { return Ok(None) };
    let is_present = sessions::Standing::of(&session, &shown, call.now) == sessions::Standing::Present;
    if !user.enabled || !is_present || session.check(user.valid_after, call.now).is_err() {
        return Ok(None);
    }
    Ok(Some(json!({
        "active": true,
        "iss": pool.iss,
        "sub": session.sub.as_str(),
        "username": user.username,
        "client_id": client.id.as_str(),
        "scope": session.scope,
        "exp": session.expires.seconds(),
    })))
}
