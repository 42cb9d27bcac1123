//! How events get into the record.

use cognito_model::{Exception, Fault};
use uuid::{NoContext, Timestamp, Uuid};

use super::model::{Event, Happened};
use super::rows;
use crate::aws_json::{Call, Write};
use crate::pools::Pool;
use crate::store::{Batch, CommitError, Statement};
use crate::users::{User, rows as user_rows};

/// For the batch that makes it true, after a statement that holds the user's row. None in a pool that records nothing.
pub fn statements(call: &Call, pool: &Pool, user: &User, happened: Happened) -> Vec<Statement> {
    if !pool.settings.records_auth_events() {
        return Vec::new();
    }
    let event = Event {
        pool: pool.id.clone(),
        sub: user.sub.clone(),
        id: id(call),
        at: call.now,
        happened,
        place: call.user_at.clone(),
        feedback: None,
    };
    vec![rows::insert(&event), rows::trim(&pool.id, &user.sub)]
}

/// What changed nothing, and is answered with an exception. It costs a commit, for a name that is nobody's too, so that time does not tell
/// who exists (SECURITY.md I41). Nothing in a pool that records nothing.
pub async fn failure(
    call: &Call,
    pool: &Pool,
    user: Option<&User>,
    happened: Happened,
    refusal: Exception,
) -> Result<(), Fault> {
    if !pool.settings.records_auth_events() {
        return Ok(());
    }
    let Some(user) = user else { return Ok(call.record_now(&pool.id, refusal.name()).await?) };
    let mut batch = Batch::new();
    let gone = batch.add(user_rows::still_there(user));
    batch.extend(statements(call, pool, user, happened));
    match call.commit(Write::new(&pool.id, batch).about(user.sub.as_str()).refusing(refusal)).await {
        // Deleted meanwhile.
        Err(CommitError::Missed { index }) if index == gone => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// A UUIDv7 of the call's instant (RFC 9562 §5.7).
fn id(call: &Call) -> String {
    let nanos = u32::try_from(call.now.0 % 1000).unwrap_or_default() * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, call.now.seconds(), nanos)).to_string()
}
