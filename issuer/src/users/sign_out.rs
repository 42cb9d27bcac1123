//! The end of all tokens of a user: sign-out everywhere, disabling, a new password (DESIGN §3 "Not-before").
//!
//! `valid_after` becomes max(now, newest mint), and the statement that sets it misses when a token was minted meanwhile: a token
//! is either covered, or minted after the sign-out with a later instant.

use cognito_model::Fault;
use common::feed::{Change, Revoked};
use common::ids::Sub;

use super::error::UserError;
use super::model::User;
use super::rows;
use crate::aws_json::{Call, Write};
use crate::pools::Pool;
use crate::store::{Batch, CommitError, Statement};

/// How often a write is tried again when sign-ins of the same user keep running into it.
const TRIES: usize = 20;

/// Ends every token of the user together with what `also` says, and tells the edges.
///
/// # Errors
/// [`UserError::Absent`], storage; `InternalErrorException` (503) when sign-ins of the same user kept it from happening.
pub async fn everywhere(
    call: &Call,
    pool: &Pool,
    sub: &Sub,
    also: impl Fn(&User) -> Vec<Statement>,
) -> Result<(), Fault> {
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let user = super::by_sub(&call.services.store, pool, sub).await?.ok_or(UserError::Absent)?;
        let valid_after = call.now.max(user.newest_mint).max(user.valid_after);
        let mut batch = Batch::new();
        batch.add(rows::set_valid_after(&user, valid_after));
        batch.extend(also(&user));
        let changes = vec![Change::Revoked(Revoked::User { sub: user.sub.clone(), valid_after })];
        outcome = call.commit(Write::new(&pool.id, batch).about(sub.as_str()).changes(changes)).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
    }
    Ok(outcome?)
}
