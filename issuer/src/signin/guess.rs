//! One try at a user's password, counted before it is verified ([`lockout`](crate::limits::lockout); SECURITY.md I36, I37, I39).

use common::ids::Sub;

use super::error::SignInError;
use crate::limits::lockout::{Attempt, Proven, Subject};
use crate::pools::Pool;
use crate::services::Services;
use crate::store::Statement;

/// Whose tries they are: the user's, whatever name was typed, or those of a folded name that is nobody's.
pub async fn subject(services: &Services, pool: &Pool, sub: Option<&Sub>, name: &str) -> Result<Subject, SignInError> {
    let key = services.pool_keys.key(&pool.id).await?;
    Ok(match sub {
        Some(sub) => Subject::user(&pool.id, sub),
        None => Subject::nobody(&pool.id, &key, name),
    })
}

/// Takes a try, durably, together with what it uses up.
///
/// # Errors
/// [`SignInError::Lockout`]; [`SignInError::Session`] when `with` missed.
pub async fn take(services: &Services, who: Subject, with: Vec<Statement>) -> Result<Attempt, SignInError> {
    Ok(services.lockout.attempt(who, with).await?)
}

/// Ends a try by its verdict. What could not be verified is no failure.
///
/// # Errors
/// [`SignInError::Refused`] for a wrong password, when it is counted; the verdict's own error.
pub async fn judge(attempt: Attempt, verdict: Result<bool, SignInError>) -> Result<Proven, SignInError> {
    match verdict {
        Ok(true) => Ok(attempt.proven()),
        Ok(false) => {
            attempt.fail().await?;
            Err(SignInError::Refused)
        }
        Err(error) => {
            if let Err(error) = attempt.give_back().await {
                tracing::warn!(%error, "a try that was not verified ends with its lease");
            }
            Err(error)
        }
    }
}
