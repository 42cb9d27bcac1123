//! Cognito: CreateResourceServer.

use cognito_model::Fault;
use cognito_model::idp::types::{CreateResourceServerRequest, CreateResourceServerResponse};

use crate::aws_json::{Call, Write};
use crate::pools::{self, PoolError};
use crate::resource_servers::model::ResourceServer;
use crate::resource_servers::{rows, rules};
use crate::store::Batch;

pub async fn handle(call: Call, input: CreateResourceServerRequest) -> Result<CreateResourceServerResponse, Fault> {
    let pool = pools::named(&call.services.store, &input.user_pool_id).await?;
    let scopes = input.scopes.unwrap_or_default();
    rules::check_identifier(&input.identifier).map_err(Fault::invalid_parameter)?;
    rules::check_scopes(&scopes).map_err(Fault::invalid_parameter)?;
    let server = ResourceServer {
        pool: pool.id.clone(),
        identifier: input.identifier,
        name: input.name,
        scopes,
        created: call.now,
        modified: call.now,
    };
    let mut batch = Batch::new();
    let gone = batch.add(pools::rows::hold(&pool.id));
    let full = batch.add(pools::rows::room(&pool.id, rows::TABLE, rules::MOST));
    let taken = batch.add(rows::insert(&server));
    let exists = format!("{} already exists in user pool {}.", server.identifier, pool.id);
    let misses = [
        (gone, PoolError::Absent(pool.id.clone()).into()),
        (full, Fault::limit_exceeded("The user pool has as many resource servers as it may have.")),
        (taken, Fault::invalid_parameter(exists)),
    ];
    call.commit_or(Write::new(&pool.id, batch).about(&server.identifier), misses).await?;
    Ok(CreateResourceServerResponse { resource_server: server.describe() })
}
