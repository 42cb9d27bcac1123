//! `/healthz`: the process answers. `/readyz`: it can serve.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Admin;
use crate::store::Query;

pub async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when the storage answers and the edges that settings name are connected and serving with everything in force; else 503 with
/// what is missing.
pub async fn ready(State(admin): State<Admin>) -> (StatusCode, Json<Value>) {
    let storage = admin.services.store.one(Query::new("SELECT 1")).await.is_ok();
    let edges = admin.publish.all_ready(&admin.ready);
    let status = if storage && edges { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": storage && edges, "storage": storage, "edges": edges })))
}
