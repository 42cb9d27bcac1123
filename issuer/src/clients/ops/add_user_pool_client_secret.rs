//! Cognito: AddUserPoolClientSecret. A client that has a secret gets another beside it; both are good until one is deleted.

use cognito_model::Fault;
use cognito_model::idp::types::{AddUserPoolClientSecretRequest, AddUserPoolClientSecretResponse};
use common::clock::UnixMillis;

use super::create_user_pool_client::new_secret;
use crate::aws_json::{Call, Write};
use crate::clients::model::{Place, SealedSecret};
use crate::clients::{self, Client, ClientError, rows, seal_secret};
use crate::store::Batch;

pub async fn handle(
    call: Call,
    input: AddUserPoolClientSecretRequest,
) -> Result<AddUserPoolClientSecretResponse, Fault> {
    let services = &call.services;
    let (pool, client) = clients::named(services, &input.user_pool_id, &input.client_id).await?;
    let Some(oldest) = client.secrets.first() else {
        let text = format!("Client {} is a public client; it can't have a secret.", client.id);
        return Err(Fault::invalid_parameter(text));
    };
    let place = match oldest.place {
        Place::First => Place::Second,
        Place::Second => Place::First,
    };
    if client.secret(place).is_some() {
        return Err(Fault::limit_exceeded("An app client can have two secrets at most."));
    }
    // Cognito shows a secret that it made, once, and none that it was given.
    let (secret, shown) = match input.client_secret {
        Some(given) => (given, None),
        None => new_secret().map(|secret| (secret.clone(), Some(secret)))?,
    };
    let sealed = seal_secret(services, &pool, &client.id, place, &secret).await?;
    let created = call.now.max(UnixMillis(oldest.created.0.saturating_add(1)));
    let added = SealedSecret { place, sealed, created };
    let modified = call.now.max(UnixMillis(client.modified.0.saturating_add(1)));
    let described = added.describe(&client.id, shown);
    let secrets = client.secrets.iter().cloned().chain([added]).collect();
    let new = Client { secrets, modified, ..client.clone() };
    let mut batch = Batch::new();
    let update = batch.add(rows::update_secrets(&client, &new));
    let write = Write::new(&pool.id, batch).about(client.id.as_str());
    call.commit_or(write, [(update, ClientError::Changed.into())]).await?;
    Ok(AddUserPoolClientSecretResponse { client_secret_descriptor: Some(described) })
}
