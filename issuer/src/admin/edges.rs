//! Enrolment of edges (`tollgate admin edge`).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::Fault;
use common::ids::{EdgeId, PoolId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::signed::{Command, answer, permit, read};
use crate::publish::{EdgeError, Pools};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrol {
    name: String,
    pools: Vec<String>,
}

/// `POST /v1/edges {"name", "pools"}` → `{"join_token"}`
pub async fn enrol(State(admin): State<Admin>, request: Request) -> Response {
    let asking = admin.clone();
    answer(&admin, Command::changes("EnrolEdge"), request, async move |call, body| {
        let ask: Enrol = read(&body)?;
        let name = edge(&ask.name)?;
        let pools = ask.pools.iter().map(|id| PoolId::parse(id.as_str())).collect::<Result<Vec<_>, _>>();
        let pools = pools.map_err(|_| Fault::invalid_parameter("pools: user pool ids"))?;
        for pool in &pools {
            permit(&asking, &call, "EnrolEdge", pool).await?;
        }
        let token = asking.publish.enrol(name, &Pools::Named(pools)).await.map_err(refusal)?;
        tracing::info!(edge = ask.name, "an edge was enrolled");
        Ok(json!({ "join_token": token.to_text().expose() }))
    })
    .await
}

/// `DELETE /v1/edges/{name}`
pub async fn revoke(State(admin): State<Admin>, Path(name): Path<String>, request: Request) -> Response {
    let publish = admin.publish.clone();
    answer(&admin, Command::changes("RevokeEdge"), request, async move |_, _| {
        publish.revoke_edge(&edge(&name)?).await.map_err(refusal)?;
        tracing::info!(edge = name, "an edge was revoked");
        Ok(json!({}))
    })
    .await
}

/// `GET /v1/edges`: the connected edges, and whether each is ready.
pub async fn list(State(admin): State<Admin>, request: Request) -> Response {
    let publish = admin.publish.clone();
    answer(&admin, Command::reads("ListEdges"), request, async move |_, _| {
        let edges = publish.edges();
        let edge = |status: &crate::publish::EdgeStatus| json!({ "name": status.edge.as_str(), "ready": status.ready });
        Ok(json!({ "edges": edges.iter().map(edge).collect::<Vec<Value>>() }))
    })
    .await
}

fn edge(name: &str) -> Result<EdgeId, Fault> {
    EdgeId::parse(name).map_err(|_| Fault::invalid_parameter("name: 1 to 63 of a-z, 0-9 and '-'"))
}

fn refusal(error: EdgeError) -> Fault {
    match error {
        EdgeError::Unknown => Fault::resource_not_found(error.to_string()),
        EdgeError::Pools => Fault::invalid_parameter(error.to_string()),
        EdgeError::Storage => Fault::unavailable(error),
    }
}
