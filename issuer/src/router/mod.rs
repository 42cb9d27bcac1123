//! The public listener: the one table of paths and of Cognito operations.

mod cors;
mod documents;
mod operations;
mod quota;
mod respond;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub use self::operations::Operations;
use self::quota::Turnstile;
use crate::access::Gate;
use crate::limits::quotas;
use crate::services::Services;

/// What every handler of the public listener gets.
#[derive(Clone)]
pub struct Public {
    pub services: Arc<Services>,
    pub operations: Arc<Operations>,
    pub gate: Arc<Gate>,
    turnstile: Arc<Turnstile>,
}

/// The routes of the public listener.
pub fn public(services: Arc<Services>, gate: Arc<Gate>, quotas: &quotas::Settings) -> Router {
    let turnstile = Arc::new(Turnstile::new(quotas));
    let state = Public { services, operations: Arc::new(Operations::collect()), gate, turnstile };
    Router::new()
        .route("/", post(operations::handle).options(cors::preflight).fallback(respond::method_not_allowed))
        .route("/{pool}/.well-known/jwks.json", get(documents::jwks).options(cors::preflight))
        .route(
            "/{pool}/.well-known/openid-configuration",
            get(documents::openid_configuration).options(cors::preflight),
        )
        .fallback(respond::not_found)
        .layer(axum::middleware::map_response(cors::allow))
        // The operations read their body under their own limit, and answer in their own form.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}
