//! Backups (`tollgate admin backup`).

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use cognito_model::Fault;
use futures_util::stream;
use tokio::sync::mpsc;

use super::Admin;
use super::signed::{Command, answer_with};
use crate::backup::{self, BackupError};
use crate::store::StoreError;

/// `POST /v1/backups` → the file, as it is made. What is cut off lacks its end, which whoever takes it must look for.
pub async fn create(State(admin): State<Admin>, request: Request) -> Response {
    answer_with(&admin, Command::changes("CreateBackup"), request, async |call, _| {
        let services = &call.services;
        let request_id = call.origin.request_id.clone();
        let ended = async move |outcome: Result<backup::Made, BackupError>| match outcome {
            Ok(made) => tracing::info!(request_id, rows = made.rows, bytes = made.bytes, "a backup was made"),
            Err(error) => tracing::error!(request_id, %error, "a backup was cut off"),
        };
        let parts = backup::stream(&services.store, services.pool_keys.root(), call.now, ended).await;
        let body = Body::from_stream(as_stream(parts.map_err(refusal)?));
        Ok(([("content-type", "application/octet-stream")], body).into_response())
    })
    .await
}

fn as_stream(parts: mpsc::Receiver<Bytes>) -> impl stream::Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(parts, async |mut parts| parts.recv().await.map(|part| (Ok(part), parts)))
}

fn refusal(error: BackupError) -> Fault {
    match error {
        BackupError::Storage(StoreError::Unavailable(why)) => Fault::unavailable(why),
        other => Fault::internal(other),
    }
}
