//! What a client may do as an OAuth client beyond Cognito's settings (`tollgate admin client`).

use axum::extract::{Path, Request, State};
use axum::response::Response;
use cognito_model::Fault;
use common::ids::PoolId;
use serde_json::{Value, json};

use super::Admin;
use super::signed::{Command, answer};
use crate::clients::{self, Client};

/// `GET /v1/pools/{pool}/clients/{client}/oauth` → `{"client_id", "client_name", "oauth"}`
pub async fn show(
    State(admin): State<Admin>,
    Path((pool, client)): Path<(String, String)>,
    request: Request,
) -> Response {
    let command = on_pool(Command::reads("ShowClientOAuth"), &pool);
    answer(&admin, command, request, async move |call, _| {
        let (_, client) = clients::named(&call.services, &pool, &client).await?;
        describe(&client)
    })
    .await
}

/// `PUT /v1/pools/{pool}/clients/{client}/oauth`, with the settings as the body: they replace all that there are.
pub async fn set(
    State(admin): State<Admin>,
    Path((pool, client)): Path<(String, String)>,
    request: Request,
) -> Response {
    let command = on_pool(Command::changes("SetClientOAuth"), &pool);
    answer(&admin, command, request, async move |call, body| {
        let (pool, client) = clients::named(&call.services, &pool, &client).await?;
        describe(&clients::set_oauth(&call, &pool, client, &body).await?)
    })
    .await
}

fn on_pool(command: Command, pool: &str) -> Command {
    match PoolId::parse(pool) {
        Ok(pool) => command.on(&pool),
        Err(_) => command,
    }
}

fn describe(client: &Client) -> Result<Value, Fault> {
    let oauth = serde_json::to_value(&client.settings.oauth).map_err(Fault::internal)?;
    Ok(json!({ "client_id": client.id, "client_name": client.name, "oauth": oauth }))
}
