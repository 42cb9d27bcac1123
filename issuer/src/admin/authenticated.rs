//! What every handler for holders of an admin key shares: the check of the signature, and the form of answers.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cognito_model::{Exception, Fault};
use common::sigv4;
use http_body_util::{BodyExt, Limited};

use super::Admin;
use crate::access;

const BODY_LIMIT: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// The service in the credential scope of requests to this surface.
const SIGNING_NAME: &str = "tollgate-admin";

/// The body of a request that an admin key signed.
pub(super) async fn authenticated(admin: &Admin, request: Request) -> Result<Bytes, Fault> {
    let (head, body) = request.into_parts();
    let body = tokio::time::timeout(BODY_DEADLINE, Limited::new(body, BODY_LIMIT).collect()).await;
    let body = body.map_err(|_| Fault::serialization("The request's body did not arrive in time."))?;
    let body = body.map_err(|_| Fault::new(Exception::RequestEntityTooLarge, "64 KiB at most."))?.to_bytes();
    let headers: Vec<(&str, &[u8])> = head.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
    let request = sigv4::Request {
        method: head.method.as_str(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()),
        headers: &headers,
    };
    let services = &admin.services;
    let accept = sigv4::Accept { region: &services.deployment.region, services: &[SIGNING_NAME] };
    let now = services.now();
    access::authenticate(&services.store, &services.deployment_key, &request, &body, &accept, now).await?;
    Ok(body)
}

/// The answer as JSON: a value, or a refusal in the form of Cognito's.
pub(super) fn respond(answer: Result<serde_json::Value, Fault>) -> Response {
    match answer {
        Ok(value) => Json(value).into_response(),
        Err(fault) => {
            let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [("content-type", "application/json")], fault.body()).into_response()
        }
    }
}
