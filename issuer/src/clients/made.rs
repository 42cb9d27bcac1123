//! A new client: its id, and its secret sealed for its place.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, ClientSettings};
use common::ids::ClientId;
use common::secret::SecretString;

use super::model::{Client, Place, SealedSecret, Settings};
use super::seal_secret;
use crate::entropy;
use crate::pools::Pool;
use crate::services::Services;

/// Cognito's ids have 26, its secrets 51 characters of this alphabet (32 letters and digits: 5 bits each).
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
const ID_LENGTH: usize = 26;
const SECRET_LENGTH: usize = 51;

/// What a client is made of.
pub(crate) struct New {
    pub name: String,
    pub settings: Settings,
    /// None: it is public.
    pub secret: Option<SecretString>,
}

/// A new secret, as Cognito makes them.
pub(crate) fn new_secret() -> Result<SecretString, Fault> {
    Ok(SecretString::new(entropy::text::<SECRET_LENGTH>(ALPHABET).map_err(Fault::internal)?))
}

pub(crate) fn new_id() -> Result<ClientId, Fault> {
    let id = entropy::text::<ID_LENGTH>(ALPHABET).map_err(Fault::internal)?;
    ClientId::parse(id).map_err(Fault::internal)
}

/// The client to be stored.
pub(crate) async fn make(
    services: &Services,
    pool: &Pool,
    id: ClientId,
    new: New,
    now: UnixMillis,
) -> Result<Client, Fault> {
    let mut secrets = Vec::new();
    if let Some(secret) = &new.secret {
        let sealed = seal_secret(services, pool, &id, Place::First, secret).await?;
        secrets.push(SealedSecret { place: Place::First, sealed, created: now });
    }
    let New { name, settings, .. } = new;
    Ok(Client { pool: pool.id.clone(), id, name, settings, secrets, created: now, modified: now })
}

/// What edges learn of it.
pub(crate) fn announced(client: &Client) -> Vec<Change> {
    vec![Change::Client(ClientSettings { client_id: client.id.clone(), enabled: true, scopes: None })]
}
