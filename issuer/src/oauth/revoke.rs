//! `POST /oauth2/revoke` (RFC 7009): ends the session of a refresh token. `RevokeToken` is its twin.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use cognito_model::Exception;

use super::client::{self, Proven};
use super::error::{Code, OAuthError};
use super::form::Form;
use super::state::OAuth;
use crate::aws_json::Call;
use crate::cors;
use crate::domains::Site;
use crate::sessions;

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Revoke_POST", &head);
    let outcome = revoked(&oauth, &site, &call, &head, body).await;
    call.record(Some(site.pool.as_str()), outcome.as_ref().err().map(|error| &*error.fault)).await;
    let response = match outcome {
        Ok(()) => (StatusCode::OK, [(CACHE_CONTROL, "no-store")]).into_response(),
        Err(error) => error.into_response(),
    };
    cors::allow(response).await
}

async fn revoked(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<(), OAuthError> {
    let form = Form::read(&head.headers, body).await?;
    oauth.door.take("Revoke_POST", &site.pool).map_err(|fault| OAuthError::of(Code::InvalidRequest, fault))?;
    let Proven { pool, client, .. } = client::authenticate(call, site, head, &form).await?;
    let token = form.demand("token")?;
    sessions::revoke_presented(call, &pool, &client, token).await.map_err(|fault| {
        let code = match fault.exception {
            Exception::UnsupportedTokenType => Code::UnsupportedTokenType,
            Exception::Unauthorized => Code::InvalidGrant,
            _ => Code::InvalidRequest,
        };
        OAuthError::of(code, fault)
    })
}
