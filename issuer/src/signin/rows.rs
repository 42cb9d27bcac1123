//! The table `attempts`.

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};

use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 610,
    name: "sign_in_attempts",
    sql: "
        CREATE TABLE attempts (
            pool TEXT NOT NULL,
            digest BYTEA NOT NULL,
            client TEXT NOT NULL,
            sub TEXT,
            block_digest BYTEA,
            sealed BYTEA NOT NULL,
            expires_at BIGINT NOT NULL,
            PRIMARY KEY (pool, digest)
        );
        CREATE INDEX attempts_block ON attempts (pool, block_digest);
        CREATE INDEX attempts_expiry ON attempts (expires_at);
    ",
};

/// For the deletion of all attempts of a user.
pub const BY_SUB: Migration = Migration {
    version: 619,
    name: "sign_in_attempts_by_sub",
    sql: "CREATE INDEX attempts_sub ON attempts (pool, sub);",
};

/// The key of the device that the sign-in said it comes from. Some SDKs answer the challenges of devices without a Session.
pub const DEVICE: Migration = Migration {
    version: 792,
    name: "sign_in_attempts_devices",
    sql: "
        ALTER TABLE attempts ADD COLUMN device TEXT;
    ",
};

/// Answers that were tried at an attempt that a wrong one leaves open.
pub const TRIES: Migration = Migration {
    version: 802,
    name: "sign_in_attempts_tries",
    sql: "ALTER TABLE attempts ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;",
};

/// Where an attempt's challenge lives; `row` is the hexadecimal digest of its Session.
pub fn cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "attempts", row, column: "sealed" }
}

pub struct NewAttempt<'a> {
    pub pool: &'a PoolId,
    pub digest: [u8; 32],
    pub client: &'a ClientId,
    pub sub: Option<&'a Sub>,
    pub block_digest: Option<[u8; 32]>,
    pub sealed: Vec<u8>,
    pub expires: UnixMillis,
}

pub struct Stored {
    pub digest: [u8; 32],
    pub client: ClientId,
    pub sub: Option<Sub>,
    pub sealed: Vec<u8>,
    pub expires: UnixMillis,
    pub device: Option<String>,
}

pub fn insert(new: &NewAttempt<'_>) -> Statement {
    Statement::new(
        "INSERT INTO attempts (pool, digest, client, sub, block_digest, sealed, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.pool)
    .bind(new.digest)
    .bind(new.client)
    .bind(new.sub)
    .bind(new.block_digest)
    .bind(new.sealed.as_slice())
    .bind(new.expires)
    .expect(Rows::Exactly(1))
}

pub fn by_digest(pool: &PoolId, digest: &[u8; 32]) -> Query {
    Query::new("SELECT digest, client, sub, sealed, expires_at, device FROM attempts WHERE pool = $1 AND digest = $2")
        .bind(pool)
        .bind(digest)
}

pub fn by_block(pool: &PoolId, digest: &[u8; 32]) -> Query {
    Query::new(
        "SELECT digest, client, sub, sealed, expires_at, device FROM attempts WHERE pool = $1 AND block_digest = $2",
    )
    .bind(pool)
    .bind(digest)
}

/// Attempts of a user from a device, newest first.
pub fn by_device(pool: &PoolId, sub: &Sub, device: &str, limit: u64) -> Query {
    Query::new(
        "SELECT digest, client, sub, sealed, expires_at, device FROM attempts
         WHERE pool = $1 AND sub = $2 AND device = $3 ORDER BY expires_at DESC, digest LIMIT $4",
    )
    .bind(pool)
    .bind(sub)
    .bind(device)
    .bind(limit)
}

/// Notes which device an attempt that is being added says it comes from.
pub fn note_device(pool: &PoolId, digest: &[u8; 32], device: &str) -> Statement {
    Statement::new("UPDATE attempts SET device = $1 WHERE pool = $2 AND digest = $3")
        .bind(device)
        .bind(pool)
        .bind(digest)
}

pub fn delete(pool: &PoolId, digest: &[u8; 32]) -> Statement {
    Statement::new("DELETE FROM attempts WHERE pool = $1 AND digest = $2")
        .bind(pool)
        .bind(digest)
        .expect(Rows::Exactly(1))
}

/// Takes one of the answers that an attempt is good for. Misses when none is left, or the attempt is used up or over.
pub fn count_try(pool: &PoolId, digest: &[u8; 32], most: u32, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE attempts SET tries = tries + 1 WHERE pool = $1 AND digest = $2 AND tries < $3 AND expires_at > $4",
    )
    .bind(pool)
    .bind(digest)
    .bind(most)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Forgets the attempts of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM attempts WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

/// Forgets every attempt, after a restore: it may have been used up since.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM attempts")
}

/// Forgets what is over; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM attempts WHERE expires_at < $1").bind(now)
}

pub fn stored(row: &Row) -> Result<Stored, RowError> {
    Ok(Stored {
        digest: row.array(0)?,
        client: ClientId::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        sub: row.opt_text(2)?.map(Sub::parse).transpose().map_err(|_| RowError::Range(2))?,
        sealed: row.bytes(3)?.to_vec(),
        expires: row.millis(4)?,
        device: row.opt_text(5)?.map(str::to_owned),
    })
}
