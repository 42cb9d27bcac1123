//! Cognito: UpdateUserPoolClient. What is left out goes back to its default.

use cognito_model::Fault;
use cognito_model::idp::types::{UpdateUserPoolClientRequest, UpdateUserPoolClientResponse};
use common::clock::UnixMillis;

use crate::aws_json::{Call, Write};
use crate::clients::{self, Client, ClientError, check_flows, check_references, rows, rules};
use crate::store::{Batch, CommitError};

pub async fn handle(call: Call, input: UpdateUserPoolClientRequest) -> Result<UpdateUserPoolClientResponse, Fault> {
    let services = &call.services;
    let (pool, client) = clients::named(services, &input.user_pool_id, &input.client_id).await?;
    let (name, settings) = rules::updated(input, &client, pool.schema())?;
    check_flows(&settings, !client.secrets.is_empty())?;
    check_references(services, &pool, &settings).await?;
    let modified = call.now.max(UnixMillis(client.modified.0.saturating_add(1)));
    let new = Client { name, settings, modified, ..client.clone() };
    let secret = clients::secret_of(services, &client).await?;
    let mut batch = Batch::new();
    let update = batch.add(rows::update(&client, &new));
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str())).await {
        Ok(()) => Ok(UpdateUserPoolClientResponse { user_pool_client: Some(new.describe(secret)) }),
        Err(CommitError::Missed { index }) if index == update => Err(ClientError::Changed.into()),
        Err(error) => Err(error.into()),
    }
}
