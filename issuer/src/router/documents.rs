//! The documents by which others verify a pool's tokens.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;

use super::{Public, respond};
use crate::oauth::metadata;
use crate::pools;

/// How long verifiers may keep a key set: short against the time a key is published before it signs.
const MAX_AGE: &str = "public, max-age=60";

/// `/{pool}/.well-known/jwks.json`
pub async fn jwks(State(public): State<Public>, Path(pool): Path<String>) -> Response {
    let answer = async {
        let pool = pools::named(&public.services.store, &pool).await?;
        Ok::<_, Fault>(public.services.keys.public_jwks_json(&pool.id).await?)
    };
    match answer.await {
        Ok(document) => document_of(document.to_string()),
        Err(fault) => refusal(&fault),
    }
}

/// `/{pool}/.well-known/openid-configuration` (OpenID Connect Discovery §3), as far as the endpoints exist.
pub async fn openid_configuration(State(public): State<Public>, Path(pool): Path<String>) -> Response {
    match pools::named(&public.services.store, &pool).await {
        Ok(pool) => document_of(metadata::of_pool(&public.services.deployment.public_url, &pool).to_string()),
        Err(error) => refusal(&error.into()),
    }
}

fn document_of(json: String) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, MAX_AGE)], json).into_response()
}

fn refusal(fault: &Fault) -> Response {
    let mut response = respond::fault("", fault);
    if fault.status() == 400 {
        *response.status_mut() = axum::http::StatusCode::NOT_FOUND;
    }
    response
}
