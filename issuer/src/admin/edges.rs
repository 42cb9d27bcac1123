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

/// What stands for all pools, also those made later.
const ALL: &str = "*";

/// `POST /v1/edges {"name", "pools"}` → `{"join_token"}`
pub async fn enrol(State(admin): State<Admin>, request: Request) -> Response {
    let asking = admin.clone();
    answer(&admin, Command::changes("EnrolEdge"), request, async move |call, body| {
        let ask: Enrol = read(&body)?;
        let name = edge(&ask.name)?;
        let pools = pools(&ask.pools)?;
        if let Pools::Named(pools) = &pools {
            for pool in pools {
                permit(&asking, &call, "EnrolEdge", pool).await?;
            }
        }
        let token = asking.publish.enrol(name, &pools).await.map_err(refusal)?;
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

/// The policy has been asked about `*` before: the command is about no pool alone.
fn pools(texts: &[String]) -> Result<Pools, Fault> {
    if matches!(texts, [all] if all == ALL) {
        return Ok(Pools::All);
    }
    let pools = texts.iter().map(|id| PoolId::parse(id.as_str())).collect::<Result<Vec<_>, _>>();
    pools.map(Pools::Named).map_err(|_| Fault::invalid_parameter("pools: user pool ids, or \"*\" alone"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_pools_are_said_alone() {
        let read = |texts: &[&str]| pools(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).ok();
        assert_eq!(read(&["*"]), Some(Pools::All));
        assert_eq!(read(&["r_A"]), Some(Pools::Named(vec![PoolId::parse("r_A").unwrap()])));
        for wrong in [&["*", "r_A"][..], &["r_A", "*"], &["r_*"], &["**"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
