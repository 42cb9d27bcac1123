//! The documents by which others verify a pool's tokens.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;

use super::{Public, respond};
use crate::domains::host;
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

/// `/{pool}/.well-known/openid-configuration` (OpenID Connect Discovery §3), also as RFC 8414 §3.1 has its path, as far as the endpoints exist: they are at the pool's domain.
pub async fn openid_configuration(
    State(public): State<Public>,
    Path(pool): Path<String>,
    headers: HeaderMap,
) -> Response {
    let asked = headers.get(HOST).and_then(|host| host.to_str().ok());
    match described(&public, &pool, asked).await {
        Ok(document) => document_of(document.to_string()),
        Err(fault) => refusal(&fault),
    }
}

async fn described(public: &Public, pool: &str, host: Option<&str>) -> Result<serde_json::Value, Fault> {
    let pool = pools::named(&public.services.store, pool).await?;
    let site = host::of_pool(&public.services, &pool.id, host).await?;
    Ok(metadata::of_pool(&public.services.deployment.public_url, &pool, site.as_ref()))
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
