//! Changes of a user's attributes: one way for users, newcomers and administrators.
//!
//! [`plan()`] decides (pure): who may write what, what is required or fixed, and what becomes of an address. [`Prepared`] is the plan as
//! statements: the profile, guarded on what was read; the login names that follow it; codes, and addresses that wait for theirs. All of
//! it is one batch, or none of it.
//!
//! Invariants: what vouches for something (`…_verified`, `dev:`, `identities`) is never written by a user (SECURITY T55); an address that
//! changes is not verified, unless an administrator says so; where the pool says so the old one stays until the new one is proven (T56).

mod edits;
pub mod names;
mod plan;
mod prepared;
pub mod proof;
#[cfg(test)]
mod tests;
pub mod waiting;

use cognito_model::idp::types::CodeDeliveryDetailsType;
use cognito_model::{Exception, Fault};
use common::ids::Sub;

pub use self::edits::Edits;
pub use self::plan::{Author, may_write, plan};
pub use self::prepared::Prepared;
use super::{TRIES, UserError};
use crate::aws_json::{Call, Write};
use crate::limits::{Budget, SpendError, Spender, budget};
use crate::pools::Pool;
use crate::store::{Batch, CommitError};

/// Changes attributes in one batch; answers where codes went.
///
/// # Errors
/// `InvalidParameterException`, `NotAuthorizedException`, `AliasExistsException`, [`UserError::Absent`], storage;
/// `TooManyRequestsException` when a user asks for too many codes.
pub async fn change(
    call: &Call,
    pool: &Pool,
    sub: &Sub,
    edits: &Edits,
    author: Author<'_>,
) -> Result<Vec<CodeDeliveryDetailsType>, Fault> {
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for tries in 0..TRIES {
        let user = super::by_sub(&call.services.store, pool, sub).await?.ok_or(UserError::Absent)?;
        let plan = plan(pool, &user, edits, author)?;
        let key = call.services.pool_keys.key(&pool.id).await?;
        let prepared = Prepared::new(&call.services.store, &key, pool, &user, &plan, user.status, call.now).await?;
        if tries == 0 && !prepared.messages.is_empty() && matches!(author, Author::User(_)) {
            spend(call, pool, sub).await?;
        }
        let mut batch = Batch::new();
        batch.extend(prepared.statements.iter().cloned());
        let write = Write::new(&pool.id, batch).about(sub.as_str()).messages(prepared.messages.clone());
        outcome = call.commit(write).await;
        match &outcome {
            Ok(()) => return Ok(prepared.deliveries),
            Err(CommitError::Missed { index }) => {
                // Else something of the user changed meanwhile: the plan is made anew.
                if let Some(refusal) = prepared.refusal(*index) {
                    return Err(refusal.into());
                }
            }
            Err(_) => break,
        }
    }
    outcome?;
    Err(Fault::internal("a change of attributes ended without an outcome"))
}

/// Any address can be asked for: nobody may have the issuer write to the whole world. (Cognito: UpdateUserAttributes knows no
/// `LimitExceededException`.)
async fn spend(call: &Call, pool: &Pool, sub: &Sub) -> Result<(), Fault> {
    let who = Spender::user(sub);
    let spent = budget::spend(call.now, &call.services.store, &pool.id, Budget::UpdateUserAttributes, &who).await;
    spent.map_err(|error| match error {
        SpendError::Exhausted => Fault::new(Exception::TooManyRequests, "Too many requests"),
        other => other.into(),
    })
}
