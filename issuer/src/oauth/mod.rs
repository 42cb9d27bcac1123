//! The OAuth 2.0 and OpenID Connect server on the domains of pools.
//!
//! Invariants: the host of a request chooses the pool and is in no answer; pages have the headers of [`crate::html`]; whatever asks for
//! something of somebody's is one [`Call`] and ends in its record.

mod client;
#[cfg_attr(not(test), expect(dead_code, reason = "authorize and token endpoint use it"))]
pub mod codes;
#[cfg(test)]
mod codes_suite;
mod error;
mod form;
mod introspect;
pub mod metadata;
mod revoke;
#[cfg(test)]
mod suite;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cognito_model::Fault;
use common::ids::PoolId;
use uuid::Uuid;

use crate::aws_json::{Call, Caller, Origin};
use crate::html::{Page, Safe};
use crate::services::Services;

/// What every handler gets. The [`Site`](crate::domains::Site) is in the request's extensions.
#[derive(Clone)]
pub struct OAuth {
    pub services: Arc<Services>,
    pub door: Arc<dyn Door>,
}

/// What stands before all handlers: the quotas of the public listener.
pub trait Door: Send + Sync {
    /// Counts a request to an endpoint (`limits::quotas::category::ENDPOINTS`). Ask before anything is proven: a guess at a secret counts.
    ///
    /// # Errors
    /// TooManyRequests.
    fn take(&self, name: &'static str, pool: &PoolId) -> Result<(), Fault>;
}

impl OAuth {
    /// The one call of a request.
    pub fn call(&self, name: &'static str, head: &Parts) -> Call {
        let origin = Origin::of(head, &Uuid::now_v7().to_string());
        Call::new(self.services.clone(), name, self.services.now(), origin, Caller::Anonymous)
    }
}

/// What answers on a domain. The router puts the [`Site`] into the extensions before.
pub fn site_routes() -> Router<OAuth> {
    Router::new()
        .route("/error", get(error))
        .route("/oauth2/token", post(token::post).options(preflight))
        .route("/oauth2/introspect", post(introspect::post))
        .route("/oauth2/revoke", post(revoke::post).options(preflight))
        .route("/.well-known/openid-configuration", get(metadata::get))
        .route("/.well-known/oauth-authorization-server", get(metadata::get))
        .fallback(absent)
        .method_not_allowed_fallback(wrong_method)
}

/// Cognito's error page: one text, whatever the query says (SECURITY.md I02).
async fn error() -> Response {
    page("An error was encountered with the requested page.", StatusCode::BAD_REQUEST)
}

/// Scripts of any origin may call what takes no cookie (OAuth 2.0 for Browser-Based Apps).
async fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    for_other_origins((StatusCode::NO_CONTENT, headers).into_response())
}

fn for_other_origins(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after, www-authenticate"));
    response
}

/// No page of this path.
pub async fn absent() -> Response {
    page("There is no such page.", StatusCode::NOT_FOUND)
}

async fn wrong_method() -> Response {
    page("The page does not take this method.", StatusCode::METHOD_NOT_ALLOWED)
}

fn page(text: &'static str, status: StatusCode) -> Response {
    Page::new("Error", Safe::constant("<p>").and(Safe::text(text)).and(Safe::constant("</p>"))).answer(status)
}

/// The page of a request that could not be answered; the cause is the log's.
fn fault_page(fault: &Fault) -> Response {
    tracing::error!(exception = fault.exception.name(), cause = fault.cause(), "a page could not be made");
    page("The page can't be shown now. Try again later.", StatusCode::SERVICE_UNAVAILABLE)
}
