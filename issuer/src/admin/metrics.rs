//! `/metrics`

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Admin;
use crate::messages::status;

/// With the storage away, what waits is what it was when it was last known.
pub async fn show(State(admin): State<Admin>) -> Response {
    let services = &admin.services;
    match status::waiting(&services.store, services.now()).await {
        Ok(kinds) => services.metrics.set_waiting(&kinds),
        Err(error) => tracing::warn!(%error, "what waits is not known"),
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], admin.services.metrics.text()).into_response()
}
