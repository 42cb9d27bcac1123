//! The table `software_tokens`: one a user.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};
use crate::users::User;

/// `pending`: a seed that was given out and waits for its first code. `seed`: the one whose codes count. `last_step`: the step of its code
/// that was used last.
pub const MIGRATION: Migration = Migration {
    version: 801,
    name: "software_tokens",
    sql: "
        CREATE TABLE software_tokens (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            pending BYTEA,
            seed BYTEA,
            name TEXT,
            last_step BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub)
        );
    ",
};

/// Where a seed lives; `row` is the `sub`.
pub fn pending_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "software_tokens", row, column: "pending" }
}

/// The same once it is verified.
pub fn seed_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "software_tokens", row, column: "seed" }
}

pub struct Stored {
    pub pending: Option<Vec<u8>>,
    pub seed: Option<Vec<u8>>,
    pub name: Option<String>,
    pub last_step: u64,
}

pub fn of_user(pool: &PoolId, sub: &Sub) -> Query {
    Query::new("SELECT pending, seed, name, last_step FROM software_tokens WHERE pool = $1 AND sub = $2")
        .bind(pool)
        .bind(sub)
}

pub fn stored(row: &Row) -> Result<Stored, RowError> {
    Ok(Stored {
        pending: row.opt_bytes(0)?.map(<[u8]>::to_vec),
        seed: row.opt_bytes(1)?.map(<[u8]>::to_vec),
        name: row.opt_text(2)?.map(str::to_owned),
        last_step: row.u64(3)?,
    })
}

/// Keeps a seed that is given out, in place of an older one. A verified one stays until this one is verified.
pub fn put_pending(user: &User, sealed: &[u8], now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO software_tokens (pool, sub, pending, last_step, modified_at) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (pool, sub) DO UPDATE SET pending = excluded.pending, modified_at = excluded.modified_at",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(sealed)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// What a verified seed is kept with.
pub struct Verified<'a> {
    pub seed: &'a [u8],
    pub name: Option<&'a str>,
    /// Of the code that verified it: it is used.
    pub step: u64,
}

/// The seed that waits becomes the one that counts. Misses when it is not the one that was read any more.
pub fn verify_pending(user: &User, pending: &[u8], new: &Verified<'_>, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE software_tokens SET seed = $1, pending = NULL, name = $2, last_step = $3, modified_at = $4
         WHERE pool = $5 AND sub = $6 AND pending = $7",
    )
    .bind(new.seed)
    .bind(new.name)
    .bind(new.step)
    .bind(now)
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(pending)
    .expect(Rows::Exactly(1))
}

/// Keeps a verified seed for a user who has none. Misses when there is one.
pub fn put_first(user: &User, new: &Verified<'_>, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO software_tokens (pool, sub, seed, name, last_step, modified_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (pool, sub) DO UPDATE SET seed = excluded.seed, pending = NULL, name = excluded.name,
             last_step = excluded.last_step, modified_at = excluded.modified_at
         WHERE software_tokens.seed IS NULL",
    )
    .bind(&user.pool)
    .bind(&user.sub)
    .bind(new.seed)
    .bind(new.name)
    .bind(new.step)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Uses a step up. Misses when it, or a later one, was used, or the seed is another one: of all who bring a code, one passes.
pub fn use_step(pool: &PoolId, sub: &Sub, seed: &[u8], step: u64) -> Statement {
    Statement::new(
        "UPDATE software_tokens SET last_step = $1 WHERE pool = $2 AND sub = $3 AND seed = $4 AND last_step < $5",
    )
    .bind(step)
    .bind(pool)
    .bind(sub)
    .bind(seed)
    .bind(step)
    .expect(Rows::Exactly(1))
}

pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM software_tokens WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}
