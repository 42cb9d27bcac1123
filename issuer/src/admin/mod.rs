//! The admin listener: health, readiness, metrics, and what Cognito's API does not have. Public traffic never reaches it.

mod backups;
mod clients;
mod edge_keys;
mod edges;
mod health;
mod keys;
mod messages;
mod metrics;
mod schema;
mod signed;
mod signing_keys;
mod transfers;

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};
use common::ids::EdgeId;

use crate::access::Gate;
use crate::publish::PublishHandle;
use crate::services::Services;

/// What the handlers of this listener get.
#[derive(Clone)]
pub(crate) struct Admin {
    services: Arc<Services>,
    gate: Arc<Gate>,
    publish: PublishHandle,
    /// Edges that must be ready before this issuer says it is.
    ready: Arc<[EdgeId]>,
}

/// The routes of the admin listener.
pub fn routes(services: Arc<Services>, gate: Arc<Gate>, publish: PublishHandle, ready: Vec<EdgeId>) -> Router {
    let state = Admin { services, gate, publish, ready: ready.into() };
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/v1/edges", post(edges::enrol).get(edges::list))
        .route("/v1/edges/{name}", delete(edges::revoke))
        .route("/v1/edge-keys", get(edge_keys::list))
        .route("/v1/edge-keys/{usage}", post(edge_keys::rotate))
        .route("/v1/keys", post(keys::create).get(keys::list))
        .route("/v1/keys/{id}", get(keys::show).patch(keys::change).delete(keys::delete))
        .route("/v1/backups", post(backups::create))
        .route("/v1/pools/{pool}/signing-keys", get(signing_keys::list).post(signing_keys::rotate))
        .route("/v1/pools/{pool}/signing-keys/{kid}", delete(signing_keys::revoke))
        .route("/v1/pools/{pool}/clients/{client}/oauth", get(clients::show).put(clients::set))
        .route("/v1/pools/{pool}/export", get(transfers::counts).post(transfers::begin))
        .route("/v1/pools/{pool}/export/next", post(transfers::go_on))
        .route("/v1/pools/{pool}/import", get(transfers::look).post(transfers::begin_import))
        .route("/v1/pools/{pool}/import/lines/{before}", post(transfers::take))
        .route("/v1/pools/{pool}/import/finish", post(transfers::finish))
        .route("/v1/pools/{pool}/schema", get(schema::show).post(schema::run))
        .route("/v1/messages", get(messages::list))
        .route("/v1/messages/{id}/retry", post(messages::retry))
        .with_state(state)
}
