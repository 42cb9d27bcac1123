//! Cognito: DeleteUserPoolClientSecret. The last secret of a client stays: without one it would be a public client.

use cognito_model::Fault;
use cognito_model::idp::types::{DeleteUserPoolClientSecretRequest, DeleteUserPoolClientSecretResponse};
use common::clock::UnixMillis;

use crate::aws_json::{Call, Write};
use crate::clients::model::{Place, SealedSecret};
use crate::clients::{self, Client, TRIES, open_secret, rows, seal_secret};
use crate::store::{Batch, CommitError};

pub async fn handle(
    call: Call,
    input: DeleteUserPoolClientSecretRequest,
) -> Result<DeleteUserPoolClientSecretResponse, Fault> {
    for _ in 0..TRIES {
        if delete(&call, &input).await?.is_some() {
            return Ok(DeleteUserPoolClientSecretResponse {});
        }
    }
    Err(Fault::unavailable("other requests keep changing the client"))
}

/// `None`: the client was changed meanwhile.
async fn delete(call: &Call, input: &DeleteUserPoolClientSecretRequest) -> Result<Option<()>, Fault> {
    let (pool, client) = clients::named(&call.services, &input.user_pool_id, &input.client_id).await?;
    let named = |secret: &SealedSecret| secret.id(&client.id) == input.client_secret_id;
    if !client.secrets.iter().any(named) {
        return Err(Fault::resource_not_found("Client secret does not exist."));
    }
    let mut secrets: Vec<_> = client.secrets.iter().filter(|secret| !named(secret)).cloned().collect();
    if secrets.is_empty() {
        return Err(Fault::invalid_parameter("The last secret of an app client can't be deleted."));
    }
    // The last one always lies in the first place: a version that knows of no other takes a client without it for a public one.
    for secret in secrets.iter_mut().filter(|secret| secret.place == Place::Second) {
        let value = open_secret(&call.services, &client, secret).await?;
        secret.sealed = seal_secret(&call.services, &pool, &client.id, Place::First, &value).await?;
        secret.place = Place::First;
    }
    let modified = call.now.max(UnixMillis(client.modified.0.saturating_add(1)));
    let new = Client { secrets, modified, ..client.clone() };
    let mut batch = Batch::new();
    let update = batch.add(rows::update_secrets(&client, &new));
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str())).await {
        Ok(()) => Ok(Some(())),
        Err(CommitError::Missed { index }) if index == update => Ok(None),
        Err(error) => Err(error.into()),
    }
}
