//! The end of all tokens of a user: sign-out everywhere, disabling, a new password (DESIGN §3 "Not-before").
//!
//! `valid_after` becomes max(now, newest mint), and always grows: a mint that was prepared before must miss its guard even when two
//! sign-outs fall into one millisecond, or one took so long to hash a password that its `now` is the older. The statement that sets it
//! misses when a token was minted meanwhile: a token is either covered, or minted after the sign-out with a later instant.

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::feed::{Change, Revoked};
use common::ids::Sub;

use super::error::UserError;
use super::model::User;
use super::rows;
use crate::aws_json::{Call, Write};
use crate::messages::Message;
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
        outcome = end(call, pool, &user, Also::statements(also(&user))).await;
        if !matches!(outcome, Err(CommitError::Missed { .. })) {
            break;
        }
    }
    Ok(outcome?)
}

/// What happens together with the end of a user's tokens.
#[derive(Debug, Default)]
pub struct Also {
    pub statements: Vec<Statement>,
    pub messages: Vec<Message>,
}

impl Also {
    pub fn statements(statements: Vec<Statement>) -> Self {
        Self { statements, messages: Vec::new() }
    }
}

/// What came of a write that relies on what was read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    Done,
    /// Nothing happened: the user is not what it was any more, or another call was first.
    Overtaken,
}

/// Ends every token of the user together with what `also` says of the row as it is now. It is not tried again when a statement of `also`
/// misses, or there is nothing to be done any more.
///
/// # Errors
/// As [`everywhere`].
pub async fn if_still(
    call: &Call,
    pool: &Pool,
    sub: &Sub,
    also: impl Fn(&User) -> Option<Also>,
) -> Result<Outcome, Fault> {
    let mut outcome = Err(CommitError::Missed { index: 0 });
    for _ in 0..TRIES {
        let user = super::by_sub(&call.services.store, pool, sub).await?.ok_or(UserError::Absent)?;
        let Some(also) = also(&user) else { return Ok(Outcome::Overtaken) };
        outcome = end(call, pool, &user, also).await;
        match &outcome {
            // The mark: a token was minted, or a sign-out ran, since the user was read.
            Err(CommitError::Missed { index: 0 }) => {}
            Err(CommitError::Missed { .. }) => return Ok(Outcome::Overtaken),
            Ok(()) | Err(_) => break,
        }
    }
    outcome?;
    Ok(Outcome::Done)
}

/// One try. The mark is the first statement, before those of `also`: every batch takes the user's row first.
async fn end(call: &Call, pool: &Pool, user: &User, also: Also) -> Result<(), CommitError> {
    let valid_after = next_valid_after(user, call.now);
    let mut batch = Batch::new();
    batch.add(rows::set_valid_after(user, valid_after));
    batch.extend(also.statements);
    let changes = vec![Change::Revoked(Revoked::User { sub: user.sub.clone(), valid_after })];
    let write = Write::new(&pool.id, batch).about(user.sub.as_str()).changes(changes).messages(also.messages);
    call.commit(write).await
}

/// Later than every mint so far, and than the mark that prepared mints are guarded by.
pub(super) fn next_valid_after(user: &User, now: UnixMillis) -> UnixMillis {
    now.max(user.newest_mint).max(UnixMillis(user.valid_after.0.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_always_grows() {
        let user = |valid_after, newest_mint| User {
            valid_after: UnixMillis(valid_after),
            newest_mint: UnixMillis(newest_mint),
            ..User::sample()
        };
        let cases = [
            // (valid_after, newest_mint, now) and what follows
            ((0, 0, 1_000), 1_000),
            ((0, 1_500, 1_000), 1_500),
            ((1_000, 0, 1_000), 1_001),
            ((1_000, 900, 500), 1_001),
        ];
        for ((valid_after, newest_mint, now), want) in cases {
            assert_eq!(next_valid_after(&user(valid_after, newest_mint), UnixMillis(now)), UnixMillis(want));
        }
    }
}
