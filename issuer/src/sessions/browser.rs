//! Browser sessions: a sign-in on the pages of a pool's domain, which its browser remembers by a cookie, and which is the parent of the token
//! sessions that apps get by it (Cognito's `sso…` sessions; the `sid` of OpenID Connect).
//!
//! Invariants: only the SHA-256 of the cookie's value is stored; signing in again gives another value, and the old one is worth nothing
//! (SECURITY.md I23); whatever a session permits guards on its row, so that nothing begins under one that has ended.

use std::time::Duration;

use cognito_model::Fault;
use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};
use common::secret::SecretString;
use uuid::Uuid;

use crate::aws_json::{Call, Place};
use crate::codes::{opaque_token, token_digest};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement, Store};

pub const MIGRATION: Migration = Migration {
    version: 861,
    name: "browser_sessions",
    sql: "
        CREATE TABLE browser_sessions (
            pool TEXT NOT NULL,
            sid TEXT NOT NULL,
            digest BYTEA NOT NULL,
            sub TEXT NOT NULL,
            client TEXT NOT NULL,
            authenticated_at BIGINT NOT NULL,
            minted_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            ended_at BIGINT,
            acr TEXT NOT NULL,
            amr TEXT NOT NULL,
            address TEXT NOT NULL,
            user_agent TEXT,
            PRIMARY KEY (pool, sid)
        );
        CREATE UNIQUE INDEX browser_sessions_digest ON browser_sessions (pool, digest);
        CREATE INDEX browser_sessions_sub ON browser_sessions (pool, sub);
        CREATE INDEX browser_sessions_expiry ON browser_sessions (expires_at);
    ",
};

/// How long a session that is over is remembered: an app may name it when its user signs out.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

const COLUMNS: &str =
    "pool, sid, sub, client, authenticated_at, minted_at, expires_at, ended_at, acr, amr, address, user_agent";

/// One sign-in of one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserSession {
    pub pool: PoolId,
    /// A UUIDv4.
    pub sid: String,
    pub sub: Sub,
    /// The client that the user signed in to first.
    pub client: ClientId,
    /// `auth_time`
    pub authenticated: UnixMillis,
    /// The mint instant of the sign-in: it ends with whatever signs the user out.
    pub minted: UnixMillis,
    pub expires: UnixMillis,
    pub ended: Option<UnixMillis>,
    pub acr: String,
    pub amr: Vec<String>,
    pub place: Place,
}

/// What a sign-in has proven.
#[derive(Clone, Debug)]
pub struct Proven {
    pub sub: Sub,
    pub authenticated: UnixMillis,
    pub minted: UnixMillis,
    pub acr: String,
    pub amr: Vec<String>,
}

/// A session that is to be stored, and the value of its cookie.
pub struct Begun {
    pub session: BrowserSession,
    pub cookie: SecretString,
    pub statement: Statement,
}

impl BrowserSession {
    /// Whether it signs its user in without asking. `valid_after` is the user's.
    pub fn is_alive(&self, valid_after: UnixMillis, now: UnixMillis) -> bool {
        self.ended.is_none() && self.minted > valid_after && now < self.expires
    }
}

/// A new session, or the next of `before`, which is the same user's: apps that were signed in to by it stay in one session.
///
/// # Errors
/// `InternalErrorException` without entropy.
pub fn begin(
    call: &Call,
    client: (&PoolId, &ClientId),
    proven: Proven,
    before: Option<&BrowserSession>,
    life: Duration,
) -> Result<Begun, Fault> {
    let cookie = opaque_token().map_err(Fault::internal)?;
    let (pool, client) = client;
    let known = before.filter(|before| before.sub == proven.sub && before.ended.is_none());
    let session = BrowserSession {
        pool: pool.clone(),
        sid: known.map_or_else(|| Uuid::new_v4().to_string(), |known| known.sid.clone()),
        sub: proven.sub,
        client: known.map_or(client, |known| &known.client).clone(),
        authenticated: proven.authenticated,
        minted: proven.minted,
        expires: call.now.plus(life),
        ended: None,
        acr: proven.acr,
        amr: proven.amr,
        place: call.user_at.clone(),
    };
    let digest = token_digest(cookie.expose());
    let statement = if known.is_some() { renew(&session, digest) } else { insert(&session, digest) };
    Ok(Begun { session, cookie, statement })
}

fn insert(session: &BrowserSession, digest: [u8; 32]) -> Statement {
    Statement::new(
        "INSERT INTO browser_sessions (pool, sid, digest, sub, client, authenticated_at, minted_at, expires_at, acr, amr, address,
                                       user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&session.pool)
    .bind(&session.sid)
    .bind(digest)
    .bind(&session.sub)
    .bind(&session.client)
    .bind(session.authenticated)
    .bind(session.minted)
    .bind(session.expires)
    .bind(&session.acr)
    .bind(session.amr.join(" "))
    .bind(session.place.address.to_string())
    .bind(session.place.user_agent.clone())
    .expect(Rows::Exactly(1))
}

/// Misses when it has ended since it was read.
fn renew(session: &BrowserSession, digest: [u8; 32]) -> Statement {
    Statement::new(
        "UPDATE browser_sessions SET digest = $1, authenticated_at = $2, minted_at = $3, expires_at = $4, acr = $5, amr = $6,
                                     address = $7, user_agent = $8
         WHERE pool = $9 AND sid = $10 AND ended_at IS NULL",
    )
    .bind(digest)
    .bind(session.authenticated)
    .bind(session.minted)
    .bind(session.expires)
    .bind(&session.acr)
    .bind(session.amr.join(" "))
    .bind(session.place.address.to_string())
    .bind(session.place.user_agent.clone())
    .bind(&session.pool)
    .bind(&session.sid)
    .expect(Rows::Exactly(1))
}

/// For a browser in which somebody else has signed in: nobody signs in by it any more. What apps got by it stays.
pub fn leave(session: &BrowserSession, now: UnixMillis) -> Statement {
    Statement::new("UPDATE browser_sessions SET expires_at = $1 WHERE pool = $2 AND sid = $3 AND expires_at > $4")
        .bind(now)
        .bind(&session.pool)
        .bind(&session.sid)
        .bind(now)
}

/// The session of a cookie, whether it lives or not.
///
/// # Errors
/// Storage.
pub async fn of_cookie(store: &Store, pool: &PoolId, cookie: &str) -> Result<Option<BrowserSession>, Fault> {
    let query = Query::new(format!("SELECT {COLUMNS} FROM browser_sessions WHERE pool = $1 AND digest = $2"));
    let row = store.one(query.bind(pool).bind(token_digest(cookie))).await?;
    Ok(row.as_ref().map(session).transpose()?)
}

/// The session of this `sid`, whether it lives or not.
///
/// # Errors
/// Storage.
pub async fn of_sid(store: &Store, pool: &PoolId, sid: &str) -> Result<Option<BrowserSession>, Fault> {
    let query = Query::new(format!("SELECT {COLUMNS} FROM browser_sessions WHERE pool = $1 AND sid = $2"));
    let row = store.one(query.bind(pool).bind(sid)).await?;
    Ok(row.as_ref().map(session).transpose()?)
}

/// The guard of what begins under a session: misses when it has ended. It holds the row, so that its end comes before or after.
pub fn goes_on(pool: &PoolId, sid: &str) -> Statement {
    Statement::new("UPDATE browser_sessions SET sid = sid WHERE pool = $1 AND sid = $2 AND ended_at IS NULL")
        .bind(pool)
        .bind(sid)
        .expect(Rows::Exactly(1))
}

/// Ends it. Misses when it has ended.
pub fn end(pool: &PoolId, sid: &str, now: UnixMillis) -> Statement {
    Statement::new("UPDATE browser_sessions SET ended_at = $1 WHERE pool = $2 AND sid = $3 AND ended_at IS NULL")
        .bind(now)
        .bind(pool)
        .bind(sid)
        .expect(Rows::Exactly(1))
}

/// Ends every session there is, after a restore.
pub fn end_all(at: UnixMillis) -> Statement {
    Statement::new("UPDATE browser_sessions SET ended_at = $1 WHERE ended_at IS NULL").bind(at)
}

/// Those of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM browser_sessions WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// Those that were over a day ago; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM browser_sessions WHERE expires_at < $1").bind(now.minus(REMEMBERED))
}

fn session(row: &Row) -> Result<BrowserSession, RowError> {
    Ok(BrowserSession {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        sid: row.text(1)?.to_owned(),
        sub: Sub::parse(row.text(2)?).map_err(|_| RowError::Range(2))?,
        client: ClientId::parse(row.text(3)?).map_err(|_| RowError::Range(3))?,
        authenticated: row.millis(4)?,
        minted: row.millis(5)?,
        expires: row.millis(6)?,
        ended: row.opt_millis(7)?,
        acr: row.text(8)?.to_owned(),
        amr: row.text(9)?.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        place: Place {
            address: row.text(10)?.parse().map_err(|_| RowError::Range(10))?,
            user_agent: row.opt_text(11)?.map(str::to_owned),
        },
    })
}
