//! The public listener: the one table of paths and of Cognito operations.

mod asked;
mod certificate;
mod documents;
mod operations;
mod quota;
mod respond;
mod site;
#[cfg(test)]
mod tests;
mod vouching;
mod word;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use self::asked::Associations;
pub use self::operations::Operations;
use self::quota::Turnstile;
use crate::access::Gate;
use crate::config;
use crate::cors;
use crate::devmode::DevMode;
use crate::limits::quotas;
use crate::oauth::{self, OAuth};
use crate::pages;
use crate::services::Services;
use crate::vouching::Verifier;

/// What every handler of the public listener gets.
#[derive(Clone)]
pub struct Public {
    pub services: Arc<Services>,
    pub operations: Arc<Operations>,
    pub gate: Arc<Gate>,
    turnstile: Arc<Turnstile>,
    associations: Arc<Associations>,
    traffic: Arc<config::Public>,
    verifier: Arc<Verifier>,
    /// There where every access key is taken.
    dev: Option<Arc<DevMode>>,
}

/// Who may send what, and how much of it.
pub struct Terms<'a> {
    pub quotas: &'a quotas::Settings,
    pub traffic: config::Public,
    pub verifier: Verifier,
    pub dev: Option<Arc<DevMode>>,
}

/// The routes of the public listener.
pub fn public(services: Arc<Services>, gate: Arc<Gate>, terms: Terms<'_>) -> Router {
    let state = Public {
        services,
        operations: Arc::new(Operations::collect()),
        gate,
        turnstile: Arc::new(Turnstile::new(terms.quotas)),
        associations: Arc::new(Associations::new()),
        traffic: Arc::new(terms.traffic),
        verifier: Arc::new(terms.verifier),
        dev: terms.dev,
    };
    let state_of_pages =
        OAuth { services: state.services.clone(), door: Arc::new(site::Quotas(state.turnstile.clone())) };
    let admit = axum::middleware::from_fn_with_state(state.clone(), vouching::admit);
    // Pages are for nobody's scripts: they stand outside of what the API allows other origins.
    let pages = oauth::closed(oauth::routes().merge(pages::routes()))
        .layer(axum::middleware::from_fn_with_state(state.clone(), site::admit))
        .layer(admit.clone())
        .layer(DefaultBodyLimit::disable())
        .with_state(state_of_pages);
    Router::new()
        .route("/", post(operations::handle).options(cors::preflight).fallback(respond::method_not_allowed))
        .route("/{pool}/.well-known/jwks.json", get(documents::jwks).options(cors::preflight))
        .route(
            "/{pool}/.well-known/openid-configuration",
            get(documents::openid_configuration).options(cors::preflight),
        )
        // RFC 8414 §3.1: for clients that put the well-known part between the issuer's host and its path.
        .route(
            "/.well-known/openid-configuration/{pool}",
            get(documents::openid_configuration).options(cors::preflight),
        )
        .route(
            "/.well-known/oauth-authorization-server/{pool}",
            get(documents::openid_configuration).options(cors::preflight),
        )
        .layer(admit)
        .layer(axum::middleware::map_response(cors::allow))
        // The operations read their body under their own limit, and answer in their own form.
        .layer(DefaultBodyLimit::disable())
        .fallback_service(pages)
        .with_state(state)
}
