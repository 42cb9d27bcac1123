//! The end of a user: every row of theirs in one batch, and the end of every token at the issuer and at the edges.
//!
//! Steps, one transaction: the user's row goes, if no token was minted since it was read; then names, memberships, waiting addresses, codes,
//! attempts, lockouts, devices, sessions of apps and browsers, authorization codes, consents, second factors; the audit row; the feed's record with a mark that no token of the user outlives. *A power cut leaves all of it or
//! nothing.*
//!
//! The name is free again at once. Who takes it gets another `sub`, and the old tokens name the old one.
//!
//! A table with rows of users has its statement in [`forget`]; a test finds those that have none.

pub mod ops;
#[cfg(test)]
mod tests;

use cognito_model::Fault;
use common::feed::{Change, Revoked};
use common::ids::{PoolId, Sub};

use crate::aws_json::{Call, Registered, Write};
use crate::limits::{Spender, budget, lockout};
use crate::pools::Pool;
use crate::store::{Batch, CommitError, Statement};
use crate::users::{self, TRIES, User, UserError, sign_out};
use crate::{codes, devices, events, factors, linking, oauth, sessions, signin};

/// The operations of this feature.
pub fn operations() -> Vec<Registered> {
    ops::all()
}

/// Deletes a user, and tells the edges.
///
/// # Errors
/// [`UserError::Absent`], storage; `InternalErrorException` (503) when sign-ins of the same user kept it from happening.
pub async fn erase(call: &Call, pool: &Pool, sub: &Sub) -> Result<(), Fault> {
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let user = users::by_sub(&call.services.store, pool, sub).await?.ok_or(UserError::Absent)?;
        let mut batch = Batch::new();
        batch.extend(forget(&user));
        let valid_after = sign_out::next_valid_after(&user, call.now);
        let changes = vec![Change::Revoked(Revoked::User { sub: user.sub.clone(), valid_after })];
        outcome = call.commit(Write::new(&pool.id, batch).about(sub.as_str()).changes(changes)).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
    }
    Ok(outcome?)
}

/// Everything of a user. The first statement decides, and holds back those who would add more.
fn forget(user: &User) -> Vec<Statement> {
    let (pool, sub): (&PoolId, &Sub) = (&user.pool, &user.sub);
    let mut statements = vec![users::rows::delete(user)];
    statements.extend(users::forget(pool, sub));
    statements.extend([
        codes::forget(pool, sub.as_str()),
        budget::forget(pool, &Spender::user(sub)),
        lockout::rows::remove(&lockout::Subject::user(pool, sub)),
        devices::rows::forget(pool, sub),
        signin::rows::forget(pool, sub),
        sessions::rows::forget(pool, sub),
        sessions::browser::forget(pool, sub),
        linking::rows::forget(pool, sub),
        events::rows::forget(pool, sub),
        oauth::codes::forget(pool, sub),
        oauth::authorize::consents::forget(pool, sub),
        oauth::devices::forget(pool, sub),
        oauth::back_channel::forget(pool, sub),
    ]);
    statements.extend(factors::forget(pool, sub));
    statements
}
