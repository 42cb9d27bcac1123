//! The OAuth 2.0 and OpenID Connect server on the domains of pools.
//!
//! Invariants: the host of a request chooses the pool and is in no answer; pages have the headers of [`crate::html`]; whatever asks for
//! something of somebody's is one `aws_json::Call` and ends in its record.

mod assertion;
#[cfg(test)]
mod assertion_suite;
mod binding;
mod certificate;
#[cfg(test)]
mod certificate_suite;
mod client;
#[cfg_attr(not(test), expect(dead_code, reason = "authorize and token endpoint use it"))]
pub mod codes;
#[cfg(test)]
mod codes_suite;
mod distinguished_name;
mod dpop;
#[cfg(test)]
mod dpop_suite;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod form;
mod introspect;
pub mod metadata;
mod revoke;
mod state;
#[cfg(test)]
mod suite;
mod token;
pub mod used;

pub use self::state::{Door, OAuth};

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cognito_model::Fault;

use crate::cors;
use crate::html::{Page, Safe};

/// What answers on a domain. The router puts the `domains::Site` into the extensions before.
pub fn site_routes() -> Router<OAuth> {
    Router::new()
        .route("/error", get(error))
        .route("/oauth2/token", post(token::post).options(cors::preflight))
        .route("/oauth2/introspect", post(introspect::post))
        .route("/oauth2/revoke", post(revoke::post).options(cors::preflight))
        .route("/.well-known/openid-configuration", get(metadata::get))
        .route("/.well-known/oauth-authorization-server", get(metadata::get))
        .fallback(absent)
        .method_not_allowed_fallback(wrong_method)
}

/// Cognito's error page: one text, whatever the query says (SECURITY.md I02).
async fn error() -> Response {
    page("An error was encountered with the requested page.", StatusCode::BAD_REQUEST)
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
