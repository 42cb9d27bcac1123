//! Making an admin key.

use common::clock::UnixMillis;
use common::secret::SecretString;

use super::rows;
use crate::entropy;
use crate::envelope::PoolKey;
use crate::store::{Batch, Store};

const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A key as its holder gets it, once.
pub struct NewKey {
    /// `AKIA` and sixteen characters, the form that SDKs expect.
    pub access_key_id: String,
    /// 40 characters, 240 random bits.
    pub secret_access_key: SecretString,
}

/// Makes and stores a key. The error is for whoever operates the issuer.
pub async fn create(store: &Store, deployment_key: &PoolKey, now: UnixMillis) -> Result<NewKey, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let id = entropy::text::<16>(ID_ALPHABET).map_err(|e| text(&e))?;
    let access_key_id = format!("AKIA{id}");
    let secret = entropy::text::<40>(SECRET_ALPHABET).map_err(|e| text(&e))?;
    let sealed = deployment_key.seal(rows::secret_cell(&[&access_key_id]), secret.as_bytes()).map_err(|e| text(&e))?;
    let mut batch = Batch::new();
    batch.add(rows::insert(&access_key_id, sealed, now));
    store.commit(batch).await.map_err(|e| text(&e))?;
    Ok(NewKey { access_key_id, secret_access_key: SecretString::new(secret) })
}
