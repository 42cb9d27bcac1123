//! What an export reads, and the table `pool_imports`: how far an import is.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 840,
    name: "pool_imports",
    sql: "
        CREATE TABLE pool_imports (
            pool TEXT PRIMARY KEY,
            export TEXT NOT NULL,
            digest TEXT NOT NULL,
            lines BIGINT NOT NULL,
            done BIGINT NOT NULL,
            keeps_srp BIGINT NOT NULL,
            sealed_key BYTEA NOT NULL,
            started_at BIGINT NOT NULL,
            finished_at BIGINT
        );
    ",
};

/// Rows of one page of users, with what hangs on them.
const MOST_ROWS: usize = 200_000;

/// Where the key that lines travel under lives.
pub fn key_cell<'a>() -> Context<'a> {
    Context { table: "pool_imports", row: &[], column: "sealed_key" }
}

/// Where an export goes on; it lies in the file of whoever takes the export.
pub fn resume_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "pool_exports", row, column: "resume" }
}

/// The `sub`s after this one, in order.
pub fn next_subs(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new("SELECT sub FROM users WHERE pool = $1 AND sub > $2 ORDER BY sub LIMIT $3")
        .bind(pool)
        .bind(after)
        .bind(limit)
}

/// Kinds of rows of [`people`].
pub const USER: i64 = 1;
pub const MEMBERSHIP: i64 = 2;
pub const NAME: i64 = 3;
pub const TOKEN: i64 = 4;
pub const PASSKEY: i64 = 5;
pub const DEVICE: i64 = 6;

/// Users of a range, and what hangs on them: memberships of groups from before `started`, names, software tokens, passkeys, devices. One SELECT, so
/// that each user is as of one moment. Columns have their meaning by the kind of row.
pub fn people(pool: &PoolId, after: &str, last: &str, started: UnixMillis) -> Query {
    Query::new(
        "SELECT 1 AS kind, sub, username, status, attributes, password_hash, srp_verifier, enabled, temporary_until,
                created_at, modified_at, former_passwords, mfa
         FROM users WHERE pool = $1 AND sub > $2 AND sub <= $3
         UNION ALL
         SELECT 2, m.sub, m.name, '', '', NULL, NULL, 0, NULL, m.created_at, 0, NULL, ''
         FROM memberships m JOIN groups g ON g.pool = m.pool AND g.name = m.name
         WHERE m.pool = $1 AND m.sub > $2 AND m.sub <= $3 AND g.created_at <= $4
         UNION ALL
         SELECT 3, sub, name, kind, '', NULL, NULL, 0, NULL, 0, 0, NULL, ''
         FROM login_names WHERE pool = $1 AND sub > $2 AND sub <= $3
         UNION ALL
         SELECT 4, sub, '', '', name, NULL, seed, last_step, NULL, 0, modified_at, NULL, ''
         FROM software_tokens WHERE pool = $1 AND sub > $2 AND sub <= $3 AND seed IS NOT NULL
         UNION ALL
         SELECT 5, sub, credential, name, relying_party, attachment, public_key, sign_count, flags, created_at, 0, transports, ''
         FROM passkeys WHERE pool = $1 AND sub > $2 AND sub <= $3
         UNION ALL
         SELECT 6, sub, device, group_key, last_address, name, verifier, remembered, authenticated_at, created_at, modified_at,
                NULL, ''
         FROM devices WHERE pool = $1 AND sub > $2 AND sub <= $3",
    )
    .bind(pool)
    .bind(after)
    .bind(last)
    .bind(started)
    .at_most(MOST_ROWS)
}

pub fn counts(pool: &PoolId) -> Query {
    Query::new(
        "SELECT (SELECT COUNT(*) FROM groups WHERE pool = $1), (SELECT COUNT(*) FROM clients WHERE pool = $1),
                (SELECT COUNT(*) FROM users WHERE pool = $1)",
    )
    .bind(pool)
}

/// An import of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The export's id.
    pub export: String,
    /// The digest of its file.
    pub digest: String,
    /// Lines between the first and the last one.
    pub lines: u64,
    /// How many of them are in the database.
    pub done: u64,
    /// Whether the pool has the name that the export's verifiers are bound to.
    pub keeps_srp: bool,
    pub sealed_key: Vec<u8>,
    pub started: UnixMillis,
    pub finished: Option<UnixMillis>,
}

pub fn of_pool(pool: &PoolId) -> Query {
    Query::new(
        "SELECT export, digest, lines, done, keeps_srp, sealed_key, started_at, finished_at FROM pool_imports WHERE pool = $1",
    )
    .bind(pool)
}

pub fn import(row: &Row) -> Result<Import, RowError> {
    Ok(Import {
        export: row.text(0)?.to_owned(),
        digest: row.text(1)?.to_owned(),
        lines: row.u64(2)?,
        done: row.u64(3)?,
        keeps_srp: row.flag(4)?,
        sealed_key: row.bytes(5)?.to_vec(),
        started: row.millis(6)?,
        finished: row.opt_millis(7)?,
    })
}

/// Misses when the pool has one already.
pub fn begin(pool: &PoolId, import: &Import) -> Statement {
    Statement::new(
        "INSERT INTO pool_imports (pool, export, digest, lines, done, keeps_srp, sealed_key, started_at, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL) ON CONFLICT DO NOTHING",
    )
    .bind(pool)
    .bind(&import.export)
    .bind(&import.digest)
    .bind(import.lines)
    .bind(import.done)
    .bind(import.keeps_srp)
    .bind(import.sealed_key.clone())
    .bind(import.started)
    .expect(Rows::Exactly(1))
}

/// After `pools::rows::hold`: misses when the pool has users, groups or, where the export brings some, clients.
pub fn is_empty(pool: &PoolId, without_clients: bool) -> Statement {
    let clients = if without_clients { " AND NOT EXISTS (SELECT 1 FROM clients WHERE pool = $2)" } else { "" };
    Statement::new(format!(
        "UPDATE pools SET name = name WHERE pool = $1 AND NOT EXISTS (SELECT 1 FROM users WHERE pool = $2)
         AND NOT EXISTS (SELECT 1 FROM groups WHERE pool = $2){clients}"
    ))
    .bind(pool)
    .bind(pool)
    .expect(Rows::Exactly(1))
}

/// After the pool's row: misses while rows of a deleted pool of this id are being cleared away.
pub fn is_not_being_purged(pool: &PoolId) -> Statement {
    Statement::new(
        "UPDATE pools SET name = name WHERE pool = $1 AND NOT EXISTS (SELECT 1 FROM deleted_pools WHERE pool = $2)",
    )
    .bind(pool)
    .bind(pool)
    .expect(Rows::Exactly(1))
}

/// When the pool of this id was deleted whose rows are being cleared away, if there is one.
pub fn being_purged(pool: &PoolId) -> Query {
    Query::new("SELECT deleted_at FROM deleted_pools WHERE pool = $1").bind(pool)
}

/// Notes that lines were stored, in their batch. Misses when another try stored them, or the import has ended.
pub fn advance(pool: &PoolId, import: &Import, to: u64) -> Statement {
    Statement::new(
        "UPDATE pool_imports SET done = $1 WHERE pool = $2 AND export = $3 AND done = $4 AND finished_at IS NULL",
    )
    .bind(to)
    .bind(pool)
    .bind(&import.export)
    .bind(import.done)
    .expect(Rows::Exactly(1))
}

/// Ends an import, of which all lines must be there. The key goes.
pub fn finish(pool: &PoolId, import: &Import, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE pool_imports SET finished_at = $1, sealed_key = $2
         WHERE pool = $3 AND export = $4 AND done = lines AND finished_at IS NULL",
    )
    .bind(now)
    .bind(Vec::new())
    .bind(pool)
    .bind(&import.export)
    .expect(Rows::Exactly(1))
}

/// Keeps hashes of an imported user's former passwords.
pub fn remember(pool: &PoolId, sub: &Sub, former: &str) -> Statement {
    Statement::new("UPDATE users SET former_passwords = $1 WHERE pool = $2 AND sub = $3")
        .bind(former)
        .bind(pool)
        .bind(sub)
        .expect(Rows::Exactly(1))
}

/// Puts an imported user into a group of the pool. Misses when there is no such group.
pub fn join(pool: &PoolId, sub: &Sub, group: &str, since: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO memberships (pool, sub, name, created_at)
         SELECT pool, $1, name, $2 FROM groups WHERE pool = $3 AND name = $4",
    )
    .bind(sub)
    .bind(since)
    .bind(pool)
    .bind(group)
    .expect(Rows::Exactly(1))
}
