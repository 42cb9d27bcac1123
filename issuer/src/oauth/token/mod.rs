//! `POST /oauth2/token` (RFC 6749 §3.2), as Cognito's token endpoint has it.

mod answer;
mod authorization_code;
mod client_credentials;
mod device_code;
mod exchange;
mod refresh_token;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::binding;
use super::client;
use super::error::{Code, OAuthError, answer};
use super::form::Form;
use super::state::OAuth;
use crate::aws_json::Call;
use crate::cors;
use crate::domains::Site;

/// Grants that there are, in the order of the metadata.
pub const GRANTS: [&str; 5] =
    ["authorization_code", "client_credentials", "refresh_token", device_code::NAME, exchange::NAME];

pub async fn post(State(oauth): State<OAuth>, Extension(site): Extension<Site>, head: Parts, body: Body) -> Response {
    let call = oauth.call("Token_POST", &head);
    let outcome = granted(&oauth, &site, &call, &head, body).await;
    call.record(Some(site.pool.as_str()), outcome.as_ref().err().map(|error| &*error.fault)).await;
    let response = match outcome {
        Ok(document) => answer(StatusCode::OK, &document),
        Err(error) => error.into_response(),
    };
    cors::allow(response).await
}

async fn granted(oauth: &OAuth, site: &Site, call: &Call, head: &Parts, body: Body) -> Result<Value, OAuthError> {
    let form = Form::read(&head.headers, body).await?;
    // Tokens of clients count as Cognito counts them: apart from those of users.
    let counted = match form.one("grant_type") {
        Some("client_credentials") => "Token_POST client_credentials",
        _ => "Token_POST",
    };
    oauth.door.take(counted, &site.pool).map_err(|fault| OAuthError::of(Code::InvalidRequest, fault))?;
    let proven = &client::authenticate(call, site, head, &form).await?;
    let grant = form.demand("grant_type")?.expose();
    if grant != exchange::NAME && form.one("audience").is_some() {
        return Err(no_target());
    }
    let binding = &binding::of_request(call, site, head, proven).await?;
    match grant {
        "authorization_code" => authorization_code::grant(call, proven, &form, binding).await,
        "client_credentials" => client_credentials::grant(call, proven, &form, binding).await,
        "refresh_token" => refresh_token::grant(call, proven, &form, binding).await,
        device_code::NAME => device_code::grant(call, proven, &form, binding).await,
        exchange::NAME => exchange::grant(call, proven, &form).await,
        _ => Err(OAuthError::new(Code::UnsupportedGrantType, "There is no such grant_type here.")),
    }
}

/// The resources that a request names (RFC 8707 §2.2), which must be among those that were granted.
///
/// # Errors
/// `invalid_target`.
fn check_resources(form: &Form, granted: &[String]) -> Result<(), OAuthError> {
    let is_granted = |resource: &str| granted.iter().any(|known| known == resource);
    if form.all("resource").all(is_granted) { Ok(()) } else { Err(no_target()) }
}

fn no_target() -> OAuthError {
    OAuthError::new(Code::InvalidTarget, "No token can be for that resource.")
}

/// Scopes as they are asked for (RFC 6749 §3.3).
fn asked_scopes(form: &Form) -> Vec<String> {
    form.one("scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
}
