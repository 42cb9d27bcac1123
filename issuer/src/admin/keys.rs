//! Admin keys (`tollgate admin keys`).

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::signed::{Command, answer, read};
use crate::access::{self, AdminKey, FULL_ACCESS, Policy, Wanted};
use crate::aws_json::{AdminCaller, Call, Caller};
use crate::store::{Batch, CommitError, Statement};

/// Keys of a deployment (IAM lets an account have 5,000 users with two keys each).
const MAX_KEYS: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    /// The text of a policy document; without one the key may do everything.
    policy: Option<String>,
    expires_in_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    policy: Option<String>,
    enabled: Option<bool>,
}

/// `POST /v1/keys {"name", "policy"?, "expires_in_seconds"?}` → `{"access_key_id", "secret_access_key"}`: the secret is shown this once.
pub async fn create(State(admin): State<Admin>, request: Request) -> Response {
    answer(&admin, Command::changes("CreateAdminKey"), request, async |call, body| {
        let ask: Create = read(&body)?;
        if !access::is_name(&ask.name) {
            return Err(Fault::invalid_parameter("name: 1 to 64 of letters, digits and +=,.@_-"));
        }
        let policy = ask.policy.unwrap_or_else(|| FULL_ACCESS.to_owned());
        check(&policy)?;
        if call.services.store.read(access::all()).await?.len() >= MAX_KEYS {
            return Err(Fault::limit_exceeded(format!("There are {MAX_KEYS} admin keys.")));
        }
        let caller = admin_caller(&call)?;
        let wanted = Wanted {
            name: ask.name,
            policy,
            created_by: Some(caller.access_key_id.clone()),
            expires: ask.expires_in_seconds.map(|seconds| call.now.plus(Duration::from_secs(seconds))),
            single_use: false,
        };
        let (key, row) = access::make(&call.services.deployment_key, wanted, call.now).map_err(Fault::internal)?;
        let mut batch = Batch::new();
        if caller.single_use {
            batch.add(access::delete(&caller.access_key_id));
        }
        batch.add(access::insert(&row));
        match call.commit_to_deployment(&key.access_key_id, batch).await {
            Err(CommitError::Missed { .. }) => Err(Fault::new(Exception::AccessDenied, "The first key has been used.")),
            done => {
                done?;
                let secret = key.secret_access_key.expose();
                Ok(json!({ "access_key_id": key.access_key_id, "secret_access_key": secret }))
            }
        }
    })
    .await
}

/// `GET /v1/keys`
pub async fn list(State(admin): State<Admin>, request: Request) -> Response {
    answer(&admin, Command::reads("ListAdminKeys"), request, async |call, _| {
        let rows = call.services.store.read(access::all()).await?;
        let keys = rows.iter().map(access::key).collect::<Result<Vec<_>, _>>()?;
        Ok(json!({ "keys": keys.iter().map(|key| describe(key, call.now)).collect::<Vec<_>>() }))
    })
    .await
}

/// `GET /v1/keys/{id}`
pub async fn show(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    answer(&admin, Command::reads("GetAdminKey"), request, async |call, _| {
        let row = call.services.store.one(access::by_id(&id)).await?.ok_or_else(|| absent(&id))?;
        Ok(describe(&access::key(&row)?, call.now))
    })
    .await
}

/// `PATCH /v1/keys/{id} {"policy"?, "enabled"?}`
pub async fn change(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    answer(&admin, Command::changes("UpdateAdminKey"), request, async |call, body| {
        let ask: Change = read(&body)?;
        let mut statements = Vec::new();
        if let Some(policy) = &ask.policy {
            check(policy)?;
            statements.push(access::set_policy(&id, policy));
        }
        if let Some(enabled) = ask.enabled {
            statements.push(access::set_disabled(&id, (!enabled).then_some(call.now)));
        }
        if statements.is_empty() {
            return Err(Fault::invalid_parameter("policy or enabled: one of them is needed"));
        }
        apply(&call, &id, statements).await
    })
    .await
}

/// `DELETE /v1/keys/{id}`
pub async fn delete(State(admin): State<Admin>, Path(id): Path<String>, request: Request) -> Response {
    answer(&admin, Command::changes("DeleteAdminKey"), request, async |call, _| {
        apply(&call, &id, vec![access::delete(&id)]).await
    })
    .await
}

async fn apply(call: &Call, id: &str, statements: Vec<Statement>) -> Result<Value, Fault> {
    let mut batch = Batch::new();
    batch.extend(statements);
    match call.commit_to_deployment(id, batch).await {
        Err(CommitError::Missed { .. }) => Err(absent(id)),
        done => Ok(done.map(|()| json!({}))?),
    }
}

fn check(policy: &str) -> Result<(), Fault> {
    Policy::parse(policy).map(drop).map_err(|e| Fault::invalid_parameter(format!("policy: {e}")))
}

fn admin_caller(call: &Call) -> Result<&AdminCaller, Fault> {
    match &call.caller {
        Caller::Admin(caller) => Ok(caller),
        _ => Err(Fault::new(Exception::MissingAuthenticationToken, "Missing Authentication Token")),
    }
}

fn absent(id: &str) -> Fault {
    Fault::resource_not_found(format!("There is no admin key {id}."))
}

fn describe(key: &AdminKey, now: UnixMillis) -> Value {
    json!({
        "access_key_id": key.access_key_id,
        "name": key.name,
        "policy": serde_json::from_str::<Value>(&key.policy).unwrap_or_default(),
        "created_at": key.created.0 / 1000,
        "created_by": key.created_by,
        "expires_at": key.expires.map(|at| at.0 / 1000),
        "disabled_at": key.disabled.map(|at| at.0 / 1000),
        "single_use": key.single_use,
        "alive": key.is_alive(now),
    })
}
