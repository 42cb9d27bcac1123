//! The admin listener: health, readiness, metrics, and what Cognito's API does not have. Public traffic never reaches it.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;

use crate::config::Ready;
use crate::services::Services;

/// The routes of the admin listener.
pub fn routes(_services: Arc<Services>, _ready: &Ready) -> Router {
    Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(|| async { StatusCode::OK }))
}
