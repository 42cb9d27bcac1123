//! The table `sessions`.

use common::clock::UnixMillis;
use common::feed::LONGEST_TOKEN_LIFE;
use common::ids::{ClientId, PoolId, Sub};

use super::browser;
use super::details::Details;
use super::model::{Rotation, Session};
use crate::aws_json::Place;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};
use crate::users::User;

/// Later than any session: the largest instant that engines store.
const LATEST: UnixMillis = UnixMillis(i64::MAX.unsigned_abs());

pub const MIGRATIONS: &[Migration] = &[SESSIONS, ROTATION, DEVICE, TRACKING, DETAILS, browser::MIGRATION];

const SESSIONS: Migration = Migration {
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

/// `refresh_digest` is of the token that is good at present; `first_digest` of the first one once that was replaced, since it is the only
/// one that doesn't say which session it is of. An issuer that knows nothing of these columns finds no replaced token.
const ROTATION: Migration = Migration {
    version: 601,
    name: "session_rotation",
    sql: "
        ALTER TABLE sessions ADD COLUMN generation BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE sessions ADD COLUMN first_digest BYTEA;
        ALTER TABLE sessions ADD COLUMN rotated_at BIGINT;
        ALTER TABLE sessions ADD COLUMN grace_until BIGINT;
        ALTER TABLE sessions ADD COLUMN parent TEXT;
        CREATE UNIQUE INDEX sessions_first ON sessions (pool, first_digest) WHERE first_digest IS NOT NULL;
        CREATE INDEX sessions_grace ON sessions (grace_until) WHERE grace_until IS NOT NULL;
        CREATE INDEX sessions_parent ON sessions (pool, parent) WHERE parent IS NOT NULL;
    ",
};

/// The device that a session comes from. A key that a sign-in has given is known by its session until the device is confirmed.
const DEVICE: Migration = Migration {
    version: 790,
    name: "session_devices",
    sql: "
        ALTER TABLE sessions ADD COLUMN device TEXT;
        CREATE INDEX sessions_device ON sessions (pool, device) WHERE device IS NOT NULL;
    ",
};

/// What lists of sessions show, and how the sessions of a user that live are found. An issuer that knows nothing of these columns leaves them
/// NULL.
const TRACKING: Migration = Migration {
    version: 820,
    name: "session_tracking",
    sql: "
        ALTER TABLE sessions ADD COLUMN active_at BIGINT;
        ALTER TABLE sessions ADD COLUMN address TEXT;
        ALTER TABLE sessions ADD COLUMN user_agent TEXT;
        CREATE INDEX sessions_alive ON sessions (pool, sub, minted_at) WHERE revoked_at IS NULL;
    ",
};

/// What tokens say beyond those of API sign-ins, which leave it NULL.
const DETAILS: Migration =
    Migration { version: 860, name: "session_details", sql: "ALTER TABLE sessions ADD COLUMN details TEXT;" };

/// For [`session`].
const COLUMNS: &str =
    "pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at, revoked_at,
                generation, rotated_at, grace_until, parent, device, active_at, address, user_agent, details";

pub fn insert(session: &Session) -> Statement {
    Statement::new(
        "INSERT INTO sessions (pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at,
                               revoked_at, generation, rotated_at, grace_until, parent, device, active_at, address, user_agent,
                               details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
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
    .bind(session.rotation.generation)
    .bind(session.rotation.rotated)
    .bind(session.rotation.grace_until)
    .bind(session.parent.as_deref())
    .bind(session.device.as_deref())
    .bind(session.active)
    .bind(session.seen.as_ref().map(|seen| seen.address.to_string()))
    .bind(session.seen.as_ref().and_then(|seen| seen.user_agent.clone()))
    .bind(session.details.to_column())
    .expect(Rows::Exactly(1))
}

/// By the present refresh token, or the first one.
pub fn by_refresh_digest(pool: &PoolId, digest: &[u8; 32]) -> Query {
    Query::new(format!("SELECT {COLUMNS} FROM sessions WHERE pool = $1 AND (refresh_digest = $2 OR first_digest = $2)"))
        .bind(pool)
        .bind(digest)
}

pub fn by_origin_jti(pool: &PoolId, origin_jti: &str) -> Query {
    Query::new(format!("SELECT {COLUMNS} FROM sessions WHERE pool = $1 AND origin_jti = $2"))
        .bind(pool)
        .bind(origin_jti)
}

/// Misses when it is revoked already.
pub fn revoke(session: &Session, now: UnixMillis) -> Statement {
    revoke_named(&session.pool, &session.origin_jti, now)
}

/// Ends every session there is, after a restore.
pub fn end_all(at: UnixMillis) -> Statement {
    Statement::new("UPDATE sessions SET revoked_at = $1 WHERE revoked_at IS NULL").bind(at)
}

/// The guard of a refresh that replaces nothing: misses when the session was revoked, or its refresh token replaced, since it was read.
pub fn unchanged(session: &Session) -> Statement {
    Statement::new(
        "UPDATE sessions SET scope = scope
         WHERE pool = $1 AND origin_jti = $2 AND revoked_at IS NULL AND generation = $3 AND refresh_digest = $4",
    )
    .bind(&session.pool)
    .bind(&session.origin_jti)
    .bind(session.rotation.generation)
    .bind(session.refresh_digest)
    .expect(Rows::Exactly(1))
}

/// Replaces the present refresh token. It is the one check-and-set of a rotation (SECURITY I19): of those who read the same token, the
/// first one changes the row, and all others miss.
pub fn rotate(session: &Session, successor: &[u8; 32], now: UnixMillis, grace_until: Option<UnixMillis>) -> Statement {
    Statement::new(
        "UPDATE sessions SET refresh_digest = $1, first_digest = COALESCE(first_digest, refresh_digest),
                             generation = generation + 1, rotated_at = $2, grace_until = $3
         WHERE pool = $4 AND origin_jti = $5 AND revoked_at IS NULL AND generation = $6 AND refresh_digest = $7",
    )
    .bind(successor)
    .bind(now)
    .bind(grace_until)
    .bind(&session.pool)
    .bind(&session.origin_jti)
    .bind(session.rotation.generation)
    .bind(session.refresh_digest)
    .expect(Rows::Exactly(1))
}

/// The guard of an answer to a token in its grace: misses when that was closed, or the session changed, since it was read.
pub fn still_in_grace(session: &Session) -> Statement {
    Statement::new(
        "UPDATE sessions SET scope = scope
         WHERE pool = $1 AND origin_jti = $2 AND revoked_at IS NULL AND generation = $3 AND grace_until IS NOT NULL",
    )
    .bind(&session.pool)
    .bind(&session.origin_jti)
    .bind(session.rotation.generation)
    .expect(Rows::Exactly(1))
}

/// A session whose grace is over and not closed yet, if there is one. `now`: `None` asks for any open grace.
pub fn overdue_grace(now: Option<UnixMillis>) -> Query {
    match now {
        Some(now) => Query::new("SELECT origin_jti FROM sessions WHERE grace_until <= $1 LIMIT 1").bind(now),
        None => Query::new("SELECT origin_jti FROM sessions WHERE grace_until IS NOT NULL LIMIT 1"),
    }
}

/// Closes what [`overdue_grace`] looks for.
pub fn close_grace(now: Option<UnixMillis>) -> Statement {
    match now {
        Some(now) => Statement::new("UPDATE sessions SET grace_until = NULL WHERE grace_until <= $1").bind(now),
        None => Statement::new("UPDATE sessions SET grace_until = NULL WHERE grace_until IS NOT NULL"),
    }
}

/// The session was used just now, from there.
pub fn used(session: &Session, place: &Place, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE sessions SET active_at = $1, address = $2, user_agent = $3 WHERE pool = $4 AND origin_jti = $5",
    )
    .bind(now)
    .bind(place.address.to_string())
    .bind(place.user_agent.clone())
    .bind(&session.pool)
    .bind(&session.origin_jti)
}

/// A page of a user's sessions that live, the newest first: after the one that was minted then and has this `origin_jti`.
pub fn alive(user: &User, after: Option<(UnixMillis, &str)>, now: UnixMillis, limit: u64) -> Query {
    let (minted, origin_jti) = after.unwrap_or((LATEST, ""));
    Query::new(format!(
        "SELECT {COLUMNS} FROM sessions
         WHERE pool = $1 AND sub = $2 AND revoked_at IS NULL AND expires_at > $3 AND minted_at > $4
           AND (minted_at < $5 OR (minted_at = $5 AND origin_jti > $6))
         ORDER BY minted_at DESC, origin_jti LIMIT $7"
    ))
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(now)
    .bind(user.valid_after)
    .bind(minted)
    .bind(origin_jti)
    .bind(limit)
}

/// The sessions of a user that live, those that were used least recently first, each with the number of all of them.
pub fn idle(user: &User, now: UnixMillis, limit: u64) -> Query {
    Query::new(
        "SELECT origin_jti, COUNT(*) OVER () FROM sessions
         WHERE pool = $1 AND sub = $2 AND revoked_at IS NULL AND expires_at > $3 AND minted_at > $4
         ORDER BY COALESCE(active_at, rotated_at, minted_at), origin_jti LIMIT $5",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(now)
    .bind(user.valid_after)
    .bind(limit)
}

/// Ends the session with this id. Misses when it has ended.
pub fn revoke_named(pool: &PoolId, origin_jti: &str, now: UnixMillis) -> Statement {
    Statement::new("UPDATE sessions SET revoked_at = $1 WHERE pool = $2 AND origin_jti = $3 AND revoked_at IS NULL")
        .bind(now)
        .bind(pool)
        .bind(origin_jti)
        .expect(Rows::Exactly(1))
}

/// In a batch that holds the user's row: misses when more sessions of the user live than `most`.
pub fn at_most(user: &User, most: u64, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE users SET sub = sub WHERE pool = $1 AND sub = $2 AND (
             SELECT COUNT(*) FROM sessions s
             WHERE s.pool = $3 AND s.sub = $4 AND s.revoked_at IS NULL AND s.expires_at > $5 AND s.minted_at > $6) <= $7",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(now)
    .bind(user.valid_after)
    .bind(most)
    .expect(Rows::Exactly(1))
}

/// Sessions of a browser session that are not revoked: `origin_jti`, client.
pub fn children(pool: &PoolId, parent: &str, limit: u64) -> Query {
    Query::new(
        "SELECT origin_jti, client FROM sessions WHERE pool = $1 AND parent = $2 AND revoked_at IS NULL
         ORDER BY origin_jti LIMIT $3",
    )
    .bind(pool)
    .bind(parent)
    .bind(limit)
}

/// Sessions of a user that come from a device and are not revoked. Those that were minted at or before `valid_after`, the user's, are dead
/// anyhow.
pub fn of_device(pool: &PoolId, sub: &Sub, device: &str, valid_after: UnixMillis, limit: u64) -> Query {
    Query::new(
        "SELECT origin_jti, minted_at FROM sessions
         WHERE pool = $1 AND device = $2 AND sub = $3 AND revoked_at IS NULL AND minted_at > $4
         ORDER BY origin_jti LIMIT $5",
    )
    .bind(pool)
    .bind(device)
    .bind(sub)
    .bind(valid_after)
    .bind(limit)
}

/// Ends a session that may have ended already.
pub fn end(pool: &PoolId, origin_jti: &str, now: UnixMillis) -> Statement {
    Statement::new("UPDATE sessions SET revoked_at = $1 WHERE pool = $2 AND origin_jti = $3 AND revoked_at IS NULL")
        .bind(now)
        .bind(pool)
        .bind(origin_jti)
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
        rotation: Rotation {
            generation: u32::try_from(row.u64(10)?).map_err(|_| RowError::Range(10))?,
            rotated: row.opt_millis(11)?,
            grace_until: row.opt_millis(12)?,
        },
        parent: row.opt_text(13)?.map(str::to_owned),
        device: row.opt_text(14)?.map(str::to_owned),
        active: row.opt_millis(15)?,
        seen: seen(row)?,
        details: Details::of_column(row.opt_text(18)?).map_err(|_| RowError::Type(18))?,
    })
}

/// `None` where the pool kept no record of it.
fn seen(row: &Row) -> Result<Option<Place>, RowError> {
    let Some(address) = row.opt_text(16)? else { return Ok(None) };
    let address = address.parse().map_err(|_| RowError::Range(16))?;
    Ok(Some(Place { address, user_agent: row.opt_text(17)?.map(str::to_owned) }))
}
