//! Pushed authorization requests (RFC 9126): the table `oauth_requests`.
//!
//! Invariants: only the SHA-256 of a `request_uri` is stored; it is good for one client and one answer, and is used in the batch of that answer:
//! a page that is looked at again uses nothing up.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId};
use serde_json::{Value, json};

use super::authorize::{self, Refusal};
use super::client::{self, Proven};
use super::error::{Code, OAuthError, answer};
use super::form::Form;
use super::state::OAuth;
use crate::aws_json::Call;
use crate::codes::{opaque_token, token_digest};
use crate::cors;
use crate::domains::Site;
use crate::store::{Batch, Migration, Query, Rows, Statement, Store};

pub const MIGRATION: Migration = Migration {
    version: 864,
    name: "oauth_requests",
    sql: "
        CREATE TABLE oauth_requests (
            pool TEXT NOT NULL,
            digest BYTEA NOT NULL,
            client TEXT NOT NULL,
            query TEXT NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (pool, digest)
        );
        CREATE INDEX oauth_requests_expiry ON oauth_requests (expires_at);
    ",
};

/// RFC 9126 §2.2.
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// Long enough for a sign-in with a second factor: it is used when the request is answered.
const LIFE: Duration = Duration::from_secs(600);
/// What proves the client is no part of the request.
const OF_THE_CLIENT: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Par_POST", &head);
    let outcome = pushed(&oauth, &site, &call, &head, body).await;
    call.record(Some(site.pool.as_str()), outcome.as_ref().err().map(|error| &*error.fault)).await;
    let response = match outcome {
        Ok(document) => answer(StatusCode::CREATED, &document),
        Err(error) => error.into_response(),
    };
    cors::allow(response).await
}

async fn pushed(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Value, OAuthError> {
    let form = Form::read(&head.headers, body).await?;
    oauth.door.take("Par_POST", &site.pool).map_err(|fault| OAuthError::of(Code::InvalidRequest, fault))?;
    let Proven { pool, client, .. } = client::authenticate(call, site, head, &form).await?;
    if form.one("request_uri").is_some() {
        return Err(OAuthError::new(Code::InvalidRequest, "A pushed request has no request_uri."));
    }
    let query = form.without(&OF_THE_CLIENT, "client_id", client.id.as_str());
    let (form, twice) = Form::parse_request(query.as_bytes())?;
    // What would be refused at the authorization endpoint is refused here (§2.1).
    authorize::check(oauth, &pool, &client, &form, &twice, true).await.map_err(refused)?;
    let token = opaque_token().map_err(|error| OAuthError::of(Code::ServerError, Fault::internal(error)))?;
    let uri = format!("{PREFIX}{}", token.expose());
    let mut batch = Batch::new();
    batch.add(insert(&pool.id, &client.id, &uri, &query, call.now.plus(LIFE)));
    let stored = call.commit(crate::aws_json::Write::new(&pool.id, batch)).await;
    stored.map_err(|error| OAuthError::of(Code::ServerError, error.into()))?;
    Ok(json!({ "request_uri": uri, "expires_in": LIFE.as_secs() }))
}

fn refused(refusal: Refusal) -> OAuthError {
    match refusal {
        Refusal::Page(text) => OAuthError::new(Code::InvalidRequest, text),
        Refusal::Client(_, error) => OAuthError::named(error.code.name(), error.fault()),
        Refusal::Fault(fault) => OAuthError::of(Code::InvalidRequest, *fault),
    }
}

fn insert(pool: &PoolId, client: &ClientId, uri: &str, query: &str, expires: UnixMillis) -> Statement {
    Statement::new("INSERT INTO oauth_requests (pool, digest, client, query, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(pool)
        .bind(token_digest(uri))
        .bind(client)
        .bind(query)
        .bind(expires)
        .expect(Rows::Exactly(1))
}

/// Whether a `request_uri` is one of ours, and not the address of a request object.
pub fn is_pushed(uri: &str) -> bool {
    uri.starts_with(PREFIX)
}

/// The pushed request: its client, and its parameters as a query. `None`: unknown, over or used.
///
/// # Errors
/// Storage.
pub async fn find(store: &Store, pool: &PoolId, uri: &str, now: UnixMillis) -> Result<Option<(String, String)>, Fault> {
    let query =
        Query::new("SELECT client, query FROM oauth_requests WHERE pool = $1 AND digest = $2 AND expires_at > $3");
    let Some(row) = store.one(query.bind(pool).bind(token_digest(uri)).bind(now)).await? else { return Ok(None) };
    Ok(Some((row.text(0)?.to_owned(), row.text(1)?.to_owned())))
}

/// Uses it up. Misses when it was used.
pub fn used(pool: &PoolId, uri: &str) -> Statement {
    Statement::new("DELETE FROM oauth_requests WHERE pool = $1 AND digest = $2")
        .bind(pool)
        .bind(token_digest(uri))
        .expect(Rows::Exactly(1))
}

/// All, after a restore: one may have been used since the backup.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM oauth_requests")
}

/// Those that are over; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM oauth_requests WHERE expires_at < $1").bind(now)
}
