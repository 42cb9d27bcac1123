//! Enrolment of edges, for holders of an admin key (`tollgate admin edge`).

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use cognito_model::{Exception, Fault};
use common::ids::{EdgeId, PoolId};
use common::sigv4;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::json;

use super::Admin;
use crate::access;
use crate::publish::{EdgeError, Pools};

const BODY_LIMIT: usize = 64 * 1024;
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// The service in the credential scope of requests to this surface.
const SIGNING_NAME: &str = "tollgate-admin";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrol {
    name: String,
    pools: Vec<String>,
}

/// `POST /v1/edges {"name", "pools"}` → `{"join_token"}`
pub async fn enrol(State(admin): State<Admin>, request: Request) -> Response {
    let answer = async {
        let body = authenticated(&admin, request).await?;
        let ask: Enrol = serde_json::from_slice(&body).map_err(|e| Fault::invalid_parameter(e.to_string()))?;
        let name = edge(&ask.name)?;
        let pools = ask.pools.iter().map(|id| PoolId::parse(id.as_str())).collect::<Result<Vec<_>, _>>();
        let pools = pools.map_err(|_| Fault::invalid_parameter("pools: user pool ids"))?;
        let token = admin.publish.enrol(name, &Pools::Named(pools)).await.map_err(refusal)?;
        tracing::info!(edge = ask.name, "an edge was enrolled");
        Ok(json!({ "join_token": token.to_text().expose() }))
    };
    respond(answer.await)
}

/// `DELETE /v1/edges/{name}`
pub async fn revoke(State(admin): State<Admin>, Path(name): Path<String>, request: Request) -> Response {
    let answer = async {
        authenticated(&admin, request).await?;
        admin.publish.revoke_edge(&edge(&name)?).await.map_err(refusal)?;
        tracing::info!(edge = name, "an edge was revoked");
        Ok(json!({}))
    };
    respond(answer.await)
}

/// `GET /v1/edges`: the connected edges with their positions.
pub async fn list(State(admin): State<Admin>, request: Request) -> Response {
    let answer = async {
        authenticated(&admin, request).await?;
        let edges: Vec<_> = admin
            .publish
            .edges()
            .into_iter()
            .map(|status| json!({ "name": status.edge.as_str(), "ready": status.ready }))
            .collect();
        Ok(json!({ "edges": edges }))
    };
    respond(answer.await)
}

fn edge(name: &str) -> Result<EdgeId, Fault> {
    EdgeId::parse(name).map_err(|_| Fault::invalid_parameter("name: 1 to 63 of a-z, 0-9 and '-'"))
}

/// The body of a request that an admin key signed.
async fn authenticated(admin: &Admin, request: Request) -> Result<Bytes, Fault> {
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

fn refusal(error: EdgeError) -> Fault {
    match error {
        EdgeError::Unknown => Fault::resource_not_found(error.to_string()),
        EdgeError::Pools => Fault::invalid_parameter(error.to_string()),
        EdgeError::Storage => Fault::unavailable(error),
    }
}

fn respond(answer: Result<serde_json::Value, Fault>) -> Response {
    match answer {
        Ok(value) => Json(value).into_response(),
        Err(fault) => {
            let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [("content-type", "application/json")], fault.body()).into_response()
        }
    }
}
