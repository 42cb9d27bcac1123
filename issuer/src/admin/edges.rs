//! Enrolment of edges, for holders of an admin key (`tollgate admin edge`).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::Fault;
use common::ids::{EdgeId, PoolId};
use serde::Deserialize;
use serde_json::json;

use super::Admin;
use super::authenticated::{authenticated, respond};
use crate::publish::{EdgeError, Pools};

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

fn refusal(error: EdgeError) -> Fault {
    match error {
        EdgeError::Unknown => Fault::resource_not_found(error.to_string()),
        EdgeError::Pools => Fault::invalid_parameter(error.to_string()),
        EdgeError::Storage => Fault::unavailable(error),
    }
}
