//! Secrets that edges share (`tollgate admin edge-keys`). Nobody is ever shown one.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::Fault;
use common::feed::KeyUsage;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Admin;
use super::signed::{Command, answer, read};
use crate::publish::{KeyView, KeysError, Old};

const USAGES: [(&str, KeyUsage); 2] = [("challenge", KeyUsage::Challenge), ("limit", KeyUsage::Limit)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// What the keys before made counts no more.
    #[serde(default)]
    end_old: bool,
}

/// `GET /v1/edge-keys`
pub async fn list(State(admin): State<Admin>, request: Request) -> Response {
    let publish = admin.publish.clone();
    answer(&admin, Command::reads("ListEdgeKeys"), request, async move |_, _| {
        let mut all = Vec::new();
        for (name, usage) in USAGES {
            all.extend(publish.keys(usage).await.map_err(refusal)?.iter().map(|key| describe(name, key)));
        }
        Ok(json!({ "keys": all }))
    })
    .await
}

/// `POST /v1/edge-keys/{usage} {"end_old"?}`: another key, which edges use from when they have it.
pub async fn rotate(State(admin): State<Admin>, Path(name): Path<String>, request: Request) -> Response {
    let publish = admin.publish.clone();
    answer(&admin, Command::changes("RotateEdgeKey"), request, async move |_, body| {
        let ask: Rotate = read(&body)?;
        let known = USAGES.into_iter().find(|(known, _)| *known == name);
        let (name, usage) = known.ok_or_else(|| Fault::invalid_parameter("usage: challenge or limit"))?;
        let old = if ask.end_old { Old::Ended } else { Old::Accepted };
        publish.rotate_key(usage, old).await.map_err(refusal)?;
        tracing::info!(usage = name, "a key that edges share was replaced");
        let keys = publish.keys(usage).await.map_err(refusal)?;
        Ok(json!({ "keys": keys.iter().map(|key| describe(name, key)).collect::<Vec<_>>() }))
    })
    .await
}

fn describe(usage: &str, key: &KeyView) -> Value {
    let seconds = |at: common::clock::UnixMillis| at.0 / 1000;
    json!({
        "usage": usage,
        "number": key.number,
        "created_at": seconds(key.created),
        "until": key.until.map(seconds),
    })
}

fn refusal(error: KeysError) -> Fault {
    match error {
        KeysError::Read(_) | KeysError::Commit(_) => Fault::unavailable(error),
        KeysError::Sealed | KeysError::Random => Fault::internal(error),
    }
}
