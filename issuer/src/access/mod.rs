//! Admin keys: who may call the signed operations (SigV4) and the admin surface.
//!
//! Secrets are enveloped under the deployment's key, since SigV4 needs their text.

mod error;
mod first_key;
mod rows;

pub use self::error::AccessError;
pub use self::first_key::{NewKey, create};
pub use self::rows::{MIGRATION, all as all_keys, delete as delete_key};

use common::clock::UnixMillis;
use common::secret::SecretString;
use common::sigv4::{Accept, Claimed, Request, Sigv4Error, body_sha256};

use crate::aws_json::AdminCaller;
use crate::envelope::PoolKey;
use crate::store::Store;

/// Checks the signature of a request for one of `services`.
pub async fn authenticate(
    store: &Store,
    deployment_key: &PoolKey,
    request: &Request<'_>,
    body: &[u8],
    accept: &Accept<'_>,
    now: UnixMillis,
) -> Result<AdminCaller, AccessError> {
    let claimed = Claimed::parse(request, accept, now)?;
    let access_key_id = claimed.access_key_id().to_owned();
    let row = store.one(rows::by_id(&access_key_id)).await?;
    let sealed = row.ok_or(Sigv4Error::UnknownKey)?;
    let secret = deployment_key
        .open(rows::secret_cell(&[&access_key_id]), sealed.bytes(0)?)
        .map_err(|e| AccessError::Internal(e.to_string()))?;
    let secret = String::from_utf8(secret.expose().to_vec()).map_err(|e| AccessError::Internal(e.to_string()))?;
    claimed.verify(&SecretString::new(secret), &body_sha256(body))?;
    Ok(AdminCaller { access_key_id })
}
