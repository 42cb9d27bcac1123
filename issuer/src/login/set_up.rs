//! The software token that a sign-in sets up on its way (MFA_SETUP), for the operations and for pages.

use cognito_model::Fault;
use common::secret::SecretString;

use crate::aws_json::{Call, Write};
use crate::factors::error::mismatch;
use crate::factors::software_token::Seed;
use crate::pools::Pool;
use crate::signin::{SignInError, set_up_factor};
use crate::store::{Batch, CommitError};

/// A seed for the sign-in, and the Session that goes on with it.
///
/// # Errors
/// `NotAuthorizedException: Invalid session for the user.`, storage.
pub async fn associate(call: &Call, pool: &Pool, session: &SecretString) -> Result<(Seed, SecretString), Fault> {
    let (seed, advanced) = set_up_factor::associate(&call.services, pool, session, call.now).await?;
    Ok((seed, keep(call, pool, advanced).await?))
}

/// Takes the seed's first code; the Session that comes back answers the challenge.
///
/// # Errors
/// `EnableSoftwareTokenMFAException` for a wrong code: the Session may be tried again. As [`associate`].
pub async fn verify(
    call: &Call,
    pool: &Pool,
    session: &SecretString,
    answer: (&str, Option<&str>),
) -> Result<SecretString, Fault> {
    let advanced = set_up_factor::verify(&call.services, pool, session, answer, call.now).await?;
    keep(call, pool, advanced.ok_or_else(mismatch)?).await
}

async fn keep(call: &Call, pool: &Pool, advanced: set_up_factor::Advanced) -> Result<SecretString, Fault> {
    let mut batch = Batch::new();
    batch.extend(advanced.statements);
    let write = Write::new(&pool.id, batch).about(advanced.user.sub.as_str());
    call.commit(write).await.map_err(over)?;
    Ok(advanced.session)
}

/// A miss means that the Session was used meanwhile, or what it proves has ended.
fn over(error: CommitError) -> Fault {
    match error {
        CommitError::Missed { .. } => SignInError::Session.into(),
        other => other.into(),
    }
}
