//! Cognito: UpdateResourceServer. What is left out goes back to its default: a resource server without scopes.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateResourceServerRequest, UpdateResourceServerResponse};

use crate::aws_json::{Call, Write};
use crate::resource_servers::{ResourceServer, absent, rows, rules};
use crate::store::Batch;
use crate::{pools, resource_servers};

pub async fn handle(call: Call, input: UpdateResourceServerRequest) -> Result<UpdateResourceServerResponse, Fault> {
    let store = &call.services.store;
    let pool = pools::named(store, &input.user_pool_id).await?;
    let scopes = input.scopes.unwrap_or_default();
    rules::check_scopes(&scopes).map_err(Fault::invalid_parameter)?;
    let made = resource_servers::named(store, &pool.id, &input.identifier).await?;
    let server = ResourceServer { name: input.name, scopes, modified: call.now, ..made };
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&server, call.now));
    let write = Write::new(&pool.id, batch).about(&server.identifier);
    call.commit_or(write, [(update, absent(&server.identifier))]).await?;
    Ok(UpdateResourceServerResponse { resource_server: server.describe() })
}
