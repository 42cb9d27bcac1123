//! The end of sessions: of one, and of all that belong to a browser session.

use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;
use common::feed::{Change, Revoked};
use common::ids::{PoolId, Sub};

use super::model::Session;
use super::{id, rows};
use crate::aws_json::{Call, Write};
use crate::store::{Batch, CommitError, RowError, Statement, Store, StoreError};
use crate::users::User;

/// The session of a user that has this id, as lists of sessions show it, and lives. The ids of browser sessions are nobody's: there are none.
///
/// # Errors
/// `ResourceNotFoundException: Session … does not exist.`, also where it is another user's; storage.
pub async fn named(call: &Call, user: &User, session_id: &str) -> Result<Session, Fault> {
    let absent = || Fault::resource_not_found(format!("Session {session_id} does not exist."));
    let origin_jti = id::origin_jti(session_id).ok_or_else(absent)?;
    let row = call.services.store.one(rows::by_origin_jti(&user.pool, &origin_jti)).await?.ok_or_else(absent)?;
    let session = rows::session(&row)?;
    let is_there = session.sub == user.sub && session.check(user.valid_after, call.now).is_ok();
    if is_there { Ok(session) } else { Err(absent()) }
}

/// Ends a session, here and at every edge: its refresh tokens, and every access and ID token that came from it. `refusal`: with which
/// exception the call will be answered that found it must end, for the audit record. A session that has ended is left as it is.
pub async fn session(call: &Call, session: &Session, refusal: Option<Exception>) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    let already = batch.add(rows::revoke(session, call.now));
    let changes = vec![revoked(session.origin_jti.clone())];
    let write = Write::new(&session.pool, batch).about(session.sub.as_str()).changes(changes);
    let write = match refusal {
        Some(exception) => write.refusing(exception),
        None => write,
    };
    match call.commit(write).await {
        Err(CommitError::Missed { index }) if index == already => Ok(()),
        outcome => outcome,
    }
}

/// What ends every session of a browser session (`sid`), for the batch that ends that one, and what edges must learn of it.
///
/// The statement misses when one came or went since it was counted; then ask again. On PostgreSQL it doesn't see a session that another
/// batch is just adding: the batch first changes the browser session's own row, and a sign-in guards on that.
#[cfg_attr(not(test), expect(dead_code, reason = "browser sessions come with the hosted pages"))]
pub async fn children(
    store: &Store,
    pool: &PoolId,
    parent: &str,
    now: UnixMillis,
) -> Result<(Statement, Vec<Change>), StoreError> {
    let found = store.read(rows::children(pool, parent)).await?;
    let changes = found.iter().map(|row| Ok(revoked(row.text(0)?.to_owned()))).collect::<Result<Vec<_>, RowError>>()?;
    let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
    Ok((rows::revoke_children(pool, parent, count, now), changes))
}

/// What ends the sessions of a user that come from a device, at most `most` of them, and what edges must learn of it. Statements never miss:
/// a session that ends meanwhile has ended.
///
/// It doesn't see a session that a sign-in is just adding: the batch first changes the device's own row, and a sign-in guards on that.
pub async fn of_device(
    store: &Store,
    (pool, sub, valid_after): (&PoolId, &Sub, UnixMillis),
    device: &str,
    most: u64,
    now: UnixMillis,
) -> Result<(Vec<Statement>, Vec<Change>), StoreError> {
    let found = store.read(rows::of_device(pool, sub, device, valid_after, most)).await?;
    let ids = found.iter().map(|row| row.text(0).map(str::to_owned)).collect::<Result<Vec<_>, RowError>>()?;
    let statements = ids.iter().map(|id| rows::end(pool, id, now)).collect();
    Ok((statements, ids.into_iter().map(revoked).collect()))
}

fn revoked(origin_jti: String) -> Change {
    Change::Revoked(Revoked::Session { origin_jti })
}
