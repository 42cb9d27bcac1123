//! `POST /oauth2/register` (RFC 7591) and a client's management of its own registration (RFC 7592). Off unless the pool's `DcrConfiguration` is on.
//!
//! Invariants: strangers register only where the pool is open to them, and only for the grants and scopes that its settings name for them; a registered
//! client is a third party's always; the registration access token opens the one registration, and only its SHA-256 is stored.

mod body;
mod manage;
mod refusal;
mod rows;
mod sector;
#[cfg(test)]
mod suite;

pub use self::manage::{delete, get, put};
pub use self::rows::MIGRATION;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::secret::SecretString;
use serde_json::{Map, Value, json};

use self::refusal::Refusal;
use super::error::answer;
use super::state::OAuth;
use crate::aws_json::{Call, Write};
use crate::clients::made::{self, New};
use crate::clients::metadata::{Context, Metadata, Told, Wanted, shown, wanted};
use crate::clients::oauth::Registered;
use crate::clients::registration::{self, MOST, Terms};
use crate::clients::{self, Client, check_flows, check_references};
use crate::codes::opaque_token;
use crate::cors;
use crate::domains::Site;
use crate::pools::{self, Pool};
use crate::resource_servers::REGISTER_SCOPE;
use crate::services::Services;
use crate::store::{Batch, CommitError};
use crate::tokens;

/// Where a client registers, behind a site's base.
pub const PATH: &str = "/oauth2/register";

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Register_POST", &head);
    let outcome = registered(&oauth, &site, &call, &head, body).await;
    let response = respond(&site, &call, StatusCode::CREATED, outcome).await;
    cors::allow(response).await
}

/// Records how a request ended, and answers.
async fn respond(site: &Site, call: &Call, good: StatusCode, outcome: Result<Value, Refusal>) -> Response {
    if matches!(outcome, Err(Refusal::Absent)) {
        return super::absent().await;
    }
    call.record(Some(site.pool.as_str()), outcome.as_ref().err().and_then(Refusal::fault)).await;
    match outcome {
        Ok(document) => answer(good, &document),
        Err(refusal) => refusal.into_response(),
    }
}

async fn registered(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Value, Refusal> {
    let services = &oauth.services;
    let pool = pools::find(&services.store, &site.pool).await.map_err(Fault::from)?;
    if !registration::is_on(&pool) {
        return Err(Refusal::Absent);
    }
    oauth.door.take("Register_POST", &site.pool)?;
    let terms = terms(call, &pool, &head.headers).await?;
    let metadata = body::metadata(&head.headers, body).await?;
    let wanted = understood(services, &pool, metadata, &terms).await?;
    let (client, token, secret) = store(call, &pool, &wanted).await?;
    Ok(information(site, &client, &wanted.told, &token, secret.as_ref()))
}

/// What whoever asks may register: more where an initial access token comes with it (RFC 7591 §3).
async fn terms(call: &Call, pool: &Pool, headers: &HeaderMap) -> Result<Terms, Refusal> {
    let token = bearer(headers)?;
    if let Some(token) = &token {
        let live = tokens::live(call, pool, token).await?;
        // A token that only its holder may use is not one for whoever bears it.
        let is_good = |token: &common::verify::Verified| {
            token.confirmation.is_none()
                && token.audience.is_empty()
                && token.scopes().any(|scope| scope == REGISTER_SCOPE)
        };
        if !live.as_ref().is_some_and(is_good) {
            return Err(Refusal::Token);
        }
    }
    let terms = registration::terms(&call.services.store, pool, token.is_some()).await?;
    terms.ok_or(Refusal::Token)
}

/// The token of `Authorization: Bearer …` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<Option<SecretString>, Refusal> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else { return Ok(None) };
    let token = field.to_str().ok().and_then(|field| field.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && fields.next().is_none() => {
            Ok(Some(SecretString::new(token.trim())))
        }
        _ => Err(Refusal::Token),
    }
}

/// Metadata as a client that the pool can have.
async fn understood(services: &Services, pool: &Pool, metadata: Metadata, terms: &Terms) -> Result<Wanted, Refusal> {
    let wanted = {
        let may_ask = |uri: &str| services.outbound.check(uri).map(drop).map_err(|error| error.to_string());
        wanted(metadata, &Context { terms, registered: Registered::Dynamically, may_ask: &may_ask })?
    };
    let referred = check_flows(&wanted.settings, wanted.has_secret);
    referred.map_err(Refusal::of_settings)?;
    check_references(services, pool, &wanted.settings).await.map_err(Refusal::of_settings)?;
    sector::check(services, &wanted).await?;
    Ok(wanted)
}

async fn store(
    call: &Call,
    pool: &Pool,
    wanted: &Wanted,
) -> Result<(Client, SecretString, Option<SecretString>), Refusal> {
    let secret = wanted.has_secret.then(made::new_secret).transpose()?;
    let new = New { name: wanted.name.clone(), settings: wanted.settings.clone(), secret: secret.clone() };
    let client = made::make(&call.services, pool, made::new_id()?, new, call.now).await?;
    let token = opaque_token().map_err(Fault::internal)?;
    let mut batch = Batch::new();
    let there = batch.add(pools::rows::hold(&pool.id));
    let room = batch.add(pools::rows::room(&pool.id, "clients", MOST));
    batch.add(clients::rows::insert(&client));
    batch.add(rows::insert(&client, &token, &wanted.told));
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str()).changes(made::announced(&client))).await {
        Ok(()) => Ok((client, token, secret)),
        Err(CommitError::Missed { index }) if index == there => Err(Refusal::Absent),
        Err(CommitError::Missed { index }) if index == room => Err(Refusal::Full),
        Err(error) => Err(Fault::from(error).into()),
    }
}

/// The client information response (RFC 7591 §3.2.1, RFC 7592 §3).
fn information(
    site: &Site,
    client: &Client,
    told: &Told,
    token: &SecretString,
    secret: Option<&SecretString>,
) -> Value {
    let mut all: Map<String, Value> = shown(client, told);
    all.insert("client_id".to_owned(), json!(client.id));
    all.insert("client_id_issued_at".to_owned(), json!(client.created.seconds()));
    if let Some(secret) = secret {
        all.insert("client_secret".to_owned(), json!(secret.expose()));
        all.insert("client_secret_expires_at".to_owned(), json!(0));
    }
    all.insert("registration_access_token".to_owned(), json!(token.expose()));
    all.insert("registration_client_uri".to_owned(), json!(format!("{}{PATH}/{}", site.base, client.id)));
    Value::Object(all)
}
