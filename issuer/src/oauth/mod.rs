//! The OAuth 2.0 and OpenID Connect server on the domains of pools.
//!
//! Invariants: the host of a request chooses the pool and is in no answer; pages have the headers of [`crate::html`]; whatever asks for
//! something of somebody's is one `aws_json::Call` and ends in its record.

mod assertion;
#[cfg(test)]
mod assertion_suite;
pub mod authorize;
pub mod back_channel;
mod binding;
mod certificate;
#[cfg(test)]
mod certificate_suite;
mod client;
pub mod codes;
#[cfg(test)]
mod codes_suite;
pub mod devices;
mod distinguished_name;
mod dpop;
#[cfg(test)]
mod dpop_suite;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
pub mod form;
pub mod forms;
mod hint;
mod introspect;
mod logout;
pub mod metadata;
pub mod par;
pub mod register;
mod revoke;
mod state;
#[cfg(test)]
mod suite;
mod token;
pub mod used;
mod user_info;

pub use self::state::{Door, OAuth};

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use cognito_model::Fault;

use crate::cors;
use crate::html::{Page, Safe};

/// What answers on a domain beside the pages of sign-ins. The router puts the `domains::Site` into the extensions before.
pub fn routes() -> Router<OAuth> {
    Router::new()
        .route("/error", get(error))
        .route("/oauth2/authorize", get(authorize::get).post(authorize::post))
        .route("/oauth2/par", post(par::post).options(cors::preflight))
        .route("/oauth2/token", post(token::post).options(cors::preflight))
        .route("/oauth2/device_authorization", post(devices::post).options(cors::preflight))
        .route("/oauth2/introspect", post(introspect::post))
        .route(register::PATH, post(register::post).options(cors::preflight))
        .route("/oauth2/register/{client}", get(register::get).put(register::put).delete(register::delete))
        .route("/oauth2/revoke", post(revoke::post).options(cors::preflight))
        .route("/oauth2/userInfo", get(user_info::answered).post(user_info::answered).options(cors::preflight))
        .route("/logout", get(logout::get).post(logout::post))
        .route("/.well-known/openid-configuration", get(metadata::get))
        .route("/.well-known/oauth-authorization-server", get(metadata::get))
}

/// Ends a table of routes: what is not there has a page, too.
pub fn closed(routes: Router<OAuth>) -> Router<OAuth> {
    routes.fallback(absent).method_not_allowed_fallback(wrong_method)
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

fn page(text: &str, status: StatusCode) -> Response {
    Page::new("Error", Safe::constant("<p>").and(Safe::text(text)).and(Safe::constant("</p>"))).answer(status)
}

/// The page of a request that could not be answered; the cause is the log's.
pub fn fault_page(fault: &Fault) -> Response {
    tracing::error!(exception = fault.exception.name(), cause = fault.cause(), "a page could not be made");
    page("The page can't be shown now. Try again later.", StatusCode::SERVICE_UNAVAILABLE)
}
