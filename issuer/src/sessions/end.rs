//! The end of sessions: of one, and of all that belong to a browser session.

use std::collections::BTreeSet;

use cognito_model::{Exception, Fault};
use common::clock::UnixMillis;
use common::feed::{Change, Revoked};
use common::ids::{ClientId, PoolId, Sub};

use super::browser::{self, BrowserSession};
use super::model::Session;
use super::{id, rows};
use crate::aws_json::{Call, Write};
use crate::store::{Batch, CommitError, Row, RowError, Statement, Store, StoreError};
use crate::users::User;

/// How many sessions one batch ends: each is a record of the feed.
pub const MOST_AT_ONCE: u64 = 500;

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

/// Ends a browser session and every session that apps got by it, here and at every edge. `tell`: what must be stored so that the app of a client
/// hears of it, asked once a client, and not where another call has ended the session.
///
/// The first batch ends the browser session: whatever would begin under it guards on its row. What was begun before is found and ended, so many a
/// batch. *A power cut leaves some of them*: to end the session again ends the rest.
pub async fn browser(
    call: &Call,
    session: &BrowserSession,
    tell: &(dyn Fn(&ClientId) -> Vec<Statement> + Send + Sync),
) -> Result<(), Fault> {
    let mut told = BTreeSet::new();
    let mut is_first = session.ended.is_none();
    loop {
        let found = apps(&call.services.store, session, MOST_AT_ONCE).await?;
        if found.is_empty() && !is_first {
            return Ok(());
        }
        let mut batch = Batch::new();
        let guard = is_first.then(|| batch.add(browser::end(&session.pool, &session.sid, call.now)));
        for (_, client) in &found {
            if told.insert(client.clone()) {
                batch.extend(tell(client));
            }
        }
        batch.extend(found.iter().map(|(origin_jti, _)| rows::end(&session.pool, origin_jti, call.now)));
        let changes = found.into_iter().map(|(origin_jti, _)| revoked(origin_jti)).collect();
        let write = Write::new(&session.pool, batch).about(session.sub.as_str()).changes(changes);
        match call.commit(write).await {
            Err(CommitError::Missed { index }) if Some(index) == guard => {}
            outcome => outcome?,
        }
        is_first = false;
    }
}

/// The sessions that apps got by a browser session and that are not revoked: `origin_jti` and client.
///
/// # Errors
/// Storage.
pub async fn apps(store: &Store, session: &BrowserSession, most: u64) -> Result<Vec<(String, ClientId)>, Fault> {
    let found = store.read(rows::children(&session.pool, &session.sid, most)).await?;
    let read = |row: &Row| {
        let client = ClientId::parse(row.text(1)?).map_err(|_| RowError::Range(1))?;
        Ok::<_, RowError>((row.text(0)?.to_owned(), client))
    };
    Ok(found.iter().map(read).collect::<Result<_, _>>()?)
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
