//! Cognito: AddUserPoolClientSecret. A client that has a secret gets another beside it; both are good until one is deleted.

use cognito_model::Fault;
use cognito_model::idp::types::{
    AddUserPoolClientSecretRequest, AddUserPoolClientSecretResponse, ClientSecretDescriptorType,
};
use common::clock::UnixMillis;
use common::ids::ClientId;
use common::secret::SecretString;

use crate::aws_json::{Call, Write};
use crate::clients::made::new_secret;
use crate::clients::model::{Place, SealedSecret};
use crate::clients::{self, Client, TRIES, rows, seal_secret};
use crate::store::{Batch, CommitError};

pub async fn handle(
    call: Call,
    input: AddUserPoolClientSecretRequest,
) -> Result<AddUserPoolClientSecretResponse, Fault> {
    // Cognito shows a secret that it made, once, and none that it was given.
    let (secret, shown) = match &input.client_secret {
        Some(given) => (given.clone(), None),
        None => new_secret().map(|secret| (secret.clone(), Some(secret)))?,
    };
    for _ in 0..TRIES {
        if let Some(added) = add(&call, &input, &secret).await? {
            let described = added.describe(shown);
            return Ok(AddUserPoolClientSecretResponse { client_secret_descriptor: Some(described) });
        }
    }
    Err(Fault::unavailable("other requests keep changing the client"))
}

/// A secret that is in its place.
struct Added {
    client: ClientId,
    secret: SealedSecret,
}

impl Added {
    fn describe(&self, shown: Option<SecretString>) -> ClientSecretDescriptorType {
        self.secret.describe(&self.client, shown)
    }
}

/// `None`: the client was changed meanwhile.
async fn add(
    call: &Call,
    input: &AddUserPoolClientSecretRequest,
    secret: &SecretString,
) -> Result<Option<Added>, Fault> {
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
    let sealed = seal_secret(services, &pool, &client.id, place, secret).await?;
    let created = call.now.max(UnixMillis(oldest.created.0.saturating_add(1)));
    let added = SealedSecret { place, sealed, created };
    let modified = call.now.max(UnixMillis(client.modified.0.saturating_add(1)));
    let secrets = client.secrets.iter().cloned().chain([added.clone()]).collect();
    let new = Client { secrets, modified, ..client.clone() };
    let mut batch = Batch::new();
    let update = batch.add(rows::update_secrets(&client, &new));
    match call.commit(Write::new(&pool.id, batch).about(client.id.as_str())).await {
        Ok(()) => Ok(Some(Added { client: client.id, secret: added })),
        Err(CommitError::Missed { index }) if index == update => Ok(None),
        Err(error) => Err(error.into()),
    }
}
