//! Signing keys of pools (`tollgate admin signing-keys`).

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::{Exception, Fault};
use common::feed::FeedName;
use common::ids::PoolId;
use common::jose::Alg;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::signed::{Command, answer, read};
use crate::aws_json::Call;
use crate::outbox;
use crate::signing::{self, Who};

/// How long `now` waits for edges to have the new keys, and how often it looks.
const EDGES_LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// Sign with the new keys as soon as every connected edge has them, not after `[keys] publish_ahead`.
    #[serde(default)]
    now: bool,
    /// What the new keys sign with (`RS256`, `ES256`, `EdDSA`); as before where it is not said.
    #[serde(default)]
    alg: Option<String>,
}

impl Rotate {
    fn alg(&self) -> Result<Option<Alg>, Fault> {
        let unknown = |_| Fault::invalid_parameter("alg: RS256, ES256 or EdDSA");
        self.alg.as_deref().map(str::parse).transpose().map_err(unknown)
    }
}

/// `GET /v1/pools/{pool}/signing-keys`
pub async fn list(State(admin): State<Admin>, Path(pool): Path<String>, request: Request) -> Response {
    let pool = pool_id(&pool);
    let command = about(Command::reads("ListSigningKeys"), &pool);
    answer(&admin, command, request, async move |call, _| {
        let keys = signing::list(&call.services, &pool?).await?;
        Ok(json!({ "keys": keys.iter().map(describe).collect::<Vec<_>>() }))
    })
    .await
}

/// `POST /v1/pools/{pool}/signing-keys {"now"?, "alg"?}`: new keys, published at once, which sign later or now.
pub async fn rotate(State(admin): State<Admin>, Path(pool): Path<String>, request: Request) -> Response {
    let pool = pool_id(&pool);
    let command = about(Command::changes("RotateSigningKeys"), &pool);
    let waiting = admin.clone();
    answer(&admin, command, request, async move |call, body| {
        let (ask, pool): (Rotate, PoolId) = (read(&body)?, pool?);
        let who = who(&call);
        let made = signing::begin(&call.services, &pool, ask.alg()?, &who).await?;
        if ask.now {
            await_edges(&waiting, &call, &pool).await?;
            signing::promote(&call.services, &pool, &who).await?;
        }
        let keys = signing::list(&call.services, &pool).await?;
        Ok(json!({ "made": made, "keys": keys.iter().map(describe).collect::<Vec<_>>() }))
    })
    .await
}

/// `DELETE /v1/pools/{pool}/signing-keys/{kid}`: what it signed is dead at once.
pub async fn revoke(
    State(admin): State<Admin>,
    Path((pool, kid)): Path<(String, String)>,
    request: Request,
) -> Response {
    let pool = pool_id(&pool);
    let command = about(Command::changes("RevokeSigningKey"), &pool);
    answer(&admin, command, request, async move |call, _| {
        signing::revoke(&call.services, &pool?, &kid, &who(&call)).await?;
        Ok(json!({}))
    })
    .await
}

/// A token must not reach an edge before its key: until every connected edge that follows the pool has what was published by now.
async fn await_edges(admin: &Admin, call: &Call, pool: &PoolId) -> Result<(), Fault> {
    let feed = FeedName::from(pool.clone());
    let heads = outbox::read_heads(&call.services.store.read(outbox::heads()).await?)?;
    let Some(wanted) = heads.get(&feed).map(|head| head.position.seq) else { return Ok(()) };
    let behind = || {
        let edges = admin.publish.edges().into_iter();
        let late = |edge: &crate::publish::EdgeStatus| edge.acked.get(&feed).is_some_and(|at| at.seq < wanted);
        edges.filter(late).map(|edge| edge.edge.to_string()).collect::<Vec<_>>()
    };
    let waited = tokio::time::timeout(EDGES_LIMIT, async {
        while !behind().is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    waited.await.map_err(|_| {
        let late = behind().join(", ");
        let text = format!(
            "The new keys are published, and will sign later by themselves: these edges do not have them yet: {late}."
        );
        Fault::new(Exception::InvalidParameter, text)
    })
}

fn pool_id(text: &str) -> Result<PoolId, Fault> {
    PoolId::parse(text).map_err(|_| Fault::invalid_parameter("pool: a user pool id"))
}

fn about(command: Command, pool: &Result<PoolId, Fault>) -> Command {
    match pool {
        Ok(pool) => command.on(pool),
        Err(_) => command,
    }
}

fn who(call: &Call) -> Who {
    Who { actor: call.caller.actor().to_owned(), source: call.origin.address.to_string() }
}

fn describe(key: &signing::KeyView) -> Value {
    json!({
        "kid": key.kid,
        "purpose": key.purpose,
        "alg": key.alg,
        "state": key.state,
        "since": key.since.0 / 1000,
        "created_at": key.created_at.0 / 1000,
    })
}
