//! From a password to what is stored of it, and back to a yes or no.

use common::secret::SecretString;

use super::error::UserError;
use super::former::Former;
use super::model::{Credentials, User};
use super::rows;
use crate::passwords::srp::{Identity, Verifier};
use crate::passwords::{self, PasswordError, Verdict};
use crate::pools::Pool;
use crate::services::Services;
use crate::store::{Batch, CommitError};

/// A password that follows another one, as the user's row keeps it.
pub struct Replacement {
    pub credentials: Credentials,
    /// Those before it, where the pool remembers them.
    pub former: Option<String>,
}

/// [`derive`], for a user who had another password: where the pool remembers those, none of them may come again.
///
/// # Errors
///
/// As [`derive`]; [`UserError::PasswordRepeated`].
pub async fn replace(
    services: &Services,
    pool: &Pool,
    user: &User,
    password: &SecretString,
) -> Result<Replacement, UserError> {
    pool.settings.password_policy().check(password.expose())?;
    let former = Former::of(services, pool, user).await?;
    former.check(services, password).await?;
    let credentials = derive(services, pool, user, password).await?;
    Ok(Replacement { credentials, former: former.to_json(pool) })
}

/// [`replace`] by a temporary password, which may be any: its user is about to replace it.
pub async fn replace_by_temporary(
    services: &Services,
    pool: &Pool,
    user: &User,
    password: &SecretString,
) -> Result<Replacement, UserError> {
    let former = Former::of(services, pool, user).await?.to_json(pool);
    Ok(Replacement { credentials: derive(services, pool, user, password).await?, former })
}

/// Checks the pool's policy, then hashes and derives the SRP verifier. The exact bytes received are used (I29).
pub async fn derive(
    services: &Services,
    pool: &Pool,
    user: &User,
    password: &SecretString,
) -> Result<Credentials, UserError> {
    pool.settings.password_policy().check(password.expose())?;
    let password_hash = services.passwords.hash(password).await?;
    let sealed_srp_verifier = Some(sealed_verifier(services, pool, user, password).await?);
    Ok(Credentials { password_hash, sealed_srp_verifier })
}

async fn sealed_verifier(
    services: &Services,
    pool: &Pool,
    user: &User,
    password: &SecretString,
) -> Result<Vec<u8>, UserError> {
    let (pool_id, username, secret) = (pool.id.clone(), user.username.clone(), password.clone());
    let verifier = services
        .passwords
        .run(move || Verifier::create(Identity::of_user(&pool_id, &username), secret.expose().as_bytes()))
        .await?
        .map_err(|e| UserError::Sealing(e.to_string()))?;
    let key = services.pool_keys.key(&pool.id).await?;
    key.seal(rows::verifier_cell(&[user.sub.as_str()]), verifier.to_bytes().expose())
        .map_err(|e| UserError::Sealing(e.to_string()))
}

/// Whether this is the user's password. A user without one, or no user at all, costs the same (I41). One that is too long to be anybody's is
/// wrong, and costs nothing, whoever is asked for.
pub async fn verify(services: &Services, user: Option<&User>, password: &SecretString) -> Result<bool, UserError> {
    let verdict = match user.and_then(|user| user.credentials.as_ref()) {
        Some(credentials) => services.passwords.verify(password, &credentials.password_hash).await,
        None => services.passwords.verify_absent(password).await.map(|()| Verdict::Mismatch),
    };
    match verdict {
        Ok(verdict) => Ok(matches!(verdict, Verdict::Match | Verdict::MatchNeedsRehash)),
        Err(PasswordError::TooLong) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The user with what is stored of the password brought up to date, now that the password itself is here and was found to be right: an SRP
/// verifier where there is none, a hash at today's cost where it has another. Imported users have both to come.
///
/// No policy is asked: the password is not a new one. What fails leaves everything as it was, and the next sign-in tries again.
pub async fn renewed(services: &Services, pool: &Pool, user: User, password: &SecretString) -> User {
    match renew(services, pool, &user, password).await {
        Ok(Some(credentials)) => User { credentials: Some(credentials), ..user },
        Ok(None) => user,
        Err(error) => {
            tracing::warn!(%error, "what is stored of a password was not renewed");
            user
        }
    }
}

async fn renew(
    services: &Services,
    pool: &Pool,
    user: &User,
    password: &SecretString,
) -> Result<Option<Credentials>, UserError> {
    let Some(stored) = &user.credentials else { return Ok(None) };
    let is_current = passwords::is_current(&stored.password_hash);
    if is_current && stored.sealed_srp_verifier.is_some() {
        return Ok(None);
    }
    let password_hash =
        if is_current { stored.password_hash.clone() } else { services.passwords.hash(password).await? };
    let sealed_srp_verifier = match &stored.sealed_srp_verifier {
        Some(sealed) => Some(sealed.clone()),
        None => Some(sealed_verifier(services, pool, user, password).await?),
    };
    let credentials = Credentials { password_hash, sealed_srp_verifier };
    let mut batch = Batch::new();
    batch.add(rows::renew_credentials(user, &credentials));
    match services.store.commit(batch).await {
        Ok(()) => Ok(Some(credentials)),
        // Another password was set meanwhile, or another sign-in was quicker.
        Err(CommitError::Missed { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The SRP verifier of a user, opened.
pub async fn srp_verifier(services: &Services, user: &User) -> Result<Option<Verifier>, UserError> {
    let sealed = user.credentials.as_ref().and_then(|credentials| credentials.sealed_srp_verifier.as_ref());
    let Some(sealed) = sealed else { return Ok(None) };
    let key = services.pool_keys.key(&user.pool).await?;
    let opened =
        key.open(rows::verifier_cell(&[user.sub.as_str()]), sealed).map_err(|e| UserError::Sealing(e.to_string()))?;
    let verifier = Verifier::from_bytes(opened.expose()).map_err(|e| UserError::Sealing(e.to_string()))?;
    Ok(Some(verifier))
}
