//! Cognito: CreateUserPoolClient.

use cognito_model::Fault;
use cognito_model::idp::types::{CreateUserPoolClientRequest, CreateUserPoolClientResponse};
use common::feed::{Change, ClientSettings};
use common::ids::ClientId;
use common::secret::SecretString;

use crate::aws_json::{Call, Write};
use crate::clients::model::{Client, Place, SealedSecret};
use crate::clients::{check_flows, check_references, rows, rules, seal_secret};
use crate::entropy;
use crate::pools;
use crate::store::Batch;

/// Cognito's ids have 26, its secrets 51 characters of this alphabet (32 letters and digits: 5 bits each).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
const ID_LENGTH: usize = 26;
const SECRET_LENGTH: usize = 51;

/// A new secret, as Cognito makes them.
pub(super) fn new_secret() -> Result<SecretString, Fault> {
    Ok(SecretString::new(entropy::text::<SECRET_LENGTH>(ALPHABET).map_err(Fault::internal)?))
}

pub async fn handle(call: Call, input: CreateUserPoolClientRequest) -> Result<CreateUserPoolClientResponse, Fault> {
    let services = &call.services;
    let pool = pools::named(&services.store, &input.user_pool_id).await?;
    let name = input.client_name.clone();
    let secret = if input.generate_secret.unwrap_or(false) { Some(new_secret()?) } else { input.client_secret.clone() };
    let settings = rules::settings(input, pool.schema())?;
    check_flows(&settings, secret.is_some())?;
    check_references(services, &pool, &settings).await?;
    let id = entropy::text::<ID_LENGTH>(ALPHABET).map_err(Fault::internal)?;
    let id = ClientId::parse(id).map_err(Fault::internal)?;
    let mut secrets = Vec::new();
    if let Some(secret) = &secret {
        let sealed = seal_secret(services, &pool, &id, Place::First, secret).await?;
        secrets.push(SealedSecret { place: Place::First, sealed, created: call.now });
    }
    let client = Client { pool: pool.id.clone(), id, name, settings, secrets, created: call.now, modified: call.now };

    let mut batch = Batch::new();
    batch.add(rows::insert(&client));
    let changes = vec![Change::Client(ClientSettings { client_id: client.id.clone(), enabled: true, scopes: None })];
    call.commit(Write::new(&pool.id, batch).about(client.id.as_str()).changes(changes)).await?;
    Ok(CreateUserPoolClientResponse { user_pool_client: Some(client.describe(secret)) })
}
