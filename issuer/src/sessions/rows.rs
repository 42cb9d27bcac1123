//! The table `sessions`.

use common::clock::UnixMillis;
use common::feed::LONGEST_TOKEN_LIFE;
use common::ids::{ClientId, PoolId, Sub};

use super::model::Session;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 600,
    name: "sessions",
    sql: "
        CREATE TABLE sessions (
            pool TEXT NOT NULL,
            origin_jti TEXT NOT NULL,
            sub TEXT NOT NULL,
            client TEXT NOT NULL,
            refresh_digest BYTEA NOT NULL,
            scope TEXT NOT NULL,
            minted_at BIGINT NOT NULL,
            authenticated_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL,
            revoked_at BIGINT,
            PRIMARY KEY (pool, origin_jti)
        );
        CREATE UNIQUE INDEX sessions_refresh ON sessions (pool, refresh_digest);
        CREATE INDEX sessions_sub ON sessions (pool, sub);
        CREATE INDEX sessions_expiry ON sessions (expires_at);
    ",
};

pub fn insert(session: &Session) -> Statement {
    Statement::new(
        "INSERT INTO sessions (pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at,
                               revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&session.pool)
    .bind(&session.origin_jti)
    .bind(&session.sub)
    .bind(&session.client)
    .bind(session.refresh_digest)
    .bind(&session.scope)
    .bind(session.minted)
    .bind(session.authenticated)
    .bind(session.expires)
    .bind(session.revoked)
    .expect(Rows::Exactly(1))
}

pub fn by_refresh_digest(pool: &PoolId, digest: &[u8; 32]) -> Query {
    Query::new(
        "SELECT pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at, revoked_at
         FROM sessions WHERE pool = $1 AND refresh_digest = $2",
    )
    .bind(pool)
    .bind(digest)
}

pub fn by_origin_jti(pool: &PoolId, origin_jti: &str) -> Query {
    Query::new(
        "SELECT pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at, revoked_at
         FROM sessions WHERE pool = $1 AND origin_jti = $2",
    )
    .bind(pool)
    .bind(origin_jti)
}

/// Misses when it is revoked already.
pub fn revoke(session: &Session, now: UnixMillis) -> Statement {
    Statement::new("UPDATE sessions SET revoked_at = $1 WHERE pool = $2 AND origin_jti = $3 AND revoked_at IS NULL")
        .bind(now)
        .bind(&session.pool)
        .bind(&session.origin_jti)
        .expect(Rows::Exactly(1))
}

/// The guard of a refresh: misses when the session was revoked since it was read.
pub fn still_alive(session: &Session) -> Statement {
    Statement::new("UPDATE sessions SET scope = scope WHERE pool = $1 AND origin_jti = $2 AND revoked_at IS NULL")
        .bind(&session.pool)
        .bind(&session.origin_jti)
        .expect(Rows::Exactly(1))
}

/// Forgets the sessions of a user who is gone: without the user none of their tokens is good, and edges are told by the user's mark.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM sessions WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// Forgets the sessions whose last tokens have expired; run now and then. A session that ended stays for as long as a token of it may
/// live: the row is what says that it was revoked.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM sessions WHERE expires_at < $1").bind(now.minus(LONGEST_TOKEN_LIFE))
}

pub fn session(row: &Row) -> Result<Session, RowError> {
    Ok(Session {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        origin_jti: row.text(1)?.to_owned(),
        sub: Sub::parse(row.text(2)?).map_err(|_| RowError::Range(2))?,
        client: ClientId::parse(row.text(3)?).map_err(|_| RowError::Range(3))?,
        refresh_digest: row.array(4)?,
        scope: row.text(5)?.to_owned(),
        minted: row.millis(6)?,
        authenticated: row.millis(7)?,
        expires: row.millis(8)?,
        revoked: row.opt_millis(9)?,
    })
}
