//! Cognito: CreateUserPoolClient.

use cognito_model::Fault;
use cognito_model::idp::types::{CreateUserPoolClientRequest, CreateUserPoolClientResponse};

use crate::aws_json::{Call, Write};
use crate::clients::made::{self, New};
use crate::clients::{check_flows, check_references, rows, rules};
use crate::pools;
use crate::store::Batch;

pub async fn handle(call: Call, input: CreateUserPoolClientRequest) -> Result<CreateUserPoolClientResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let name = input.client_name.clone();
    let secret =
        if input.generate_secret.unwrap_or(false) { Some(made::new_secret()?) } else { input.client_secret.clone() };
    let settings = rules::settings(input, pool.schema())?;
    check_flows(&settings, secret.is_some())?;
    check_references(services, &pool, &settings).await?;
    let new = New { name, settings, secret: secret.clone() };
    let client = made::make(services, &pool, made::new_id()?, new, call.now).await?;

    let mut batch = Batch::new();
    batch.add(rows::insert(&client));
    call.commit(Write::new(&pool.id, batch).about(client.id.as_str()).changes(made::announced(&client))).await?;
    Ok(CreateUserPoolClientResponse { user_pool_client: Some(client.describe(secret)) })
}
