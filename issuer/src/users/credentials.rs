//! From a password to what is stored of it.

use common::secret::SecretString;

use super::error::UserError;
use super::model::{Credentials, User};
use super::rows;
use crate::passwords::srp;
use crate::pools::Pool;
use crate::services::Services;

/// Checks the pool's policy, then hashes and derives the SRP verifier. The exact bytes received are used (I29).
pub async fn derive(
    services: &Services,
    pool: &Pool,
    user: &User,
    password: &SecretString,
) -> Result<Credentials, UserError> {
    crate::passwords::check_policy(&pool.settings.password_rules().into(), password.expose())?;
    let password_hash = services.hasher.hash(password.expose().as_bytes()).await?;
    let (salt, verifier) = srp::register(pool.id.suffix(), &user.username, password.expose().as_bytes())
        .map_err(|e| UserError::Sealing(e.to_string()))?;
    let key = services.vault.pool_key(&services.store, &pool.id).await.map_err(|e| UserError::Sealing(e.to_string()))?;
    let sealed_srp_verifier = key
        .seal(rows::verifier_cell(&[user.sub.as_str()]), &verifier)
        .map_err(|e| UserError::Sealing(e.to_string()))?;
    Ok(Credentials { password_hash, srp_salt: salt, sealed_srp_verifier })
}
