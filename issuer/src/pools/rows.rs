//! The table `pools`.

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::model::{Pool, Settings};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 500,
    name: "pools",
    sql: "
        CREATE TABLE pools (
            pool TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            iss TEXT NOT NULL,
            settings TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL
        );
        CREATE UNIQUE INDEX pools_iss ON pools (iss);
    ",
};

/// What is left of a deleted pool until its rows are gone, too (see `crate::purge`).
pub const DELETED: Migration = Migration {
    version: 501,
    name: "deleted_pools",
    sql: "
        CREATE TABLE deleted_pools (
            pool TEXT PRIMARY KEY,
            deleted_at BIGINT NOT NULL
        ) WITHOUT ROWID;
    ",
};

pub fn by_id(pool: &PoolId) -> Query {
    Query::new("SELECT pool, name, iss, settings, created_at, modified_at FROM pools WHERE pool = $1").bind(pool)
}

/// Misses when the id or the `iss` is taken.
pub fn insert(pool: &Pool) -> Statement {
    Statement::new(
        "INSERT INTO pools (pool, name, iss, settings, created_at, modified_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
    )
    .bind(&pool.id)
    .bind(&pool.name)
    .bind(&pool.iss)
    .bind(serde_json::to_string(&pool.settings).unwrap_or_default())
    .bind(pool.created)
    .bind(pool.modified)
    .expect(Rows::Exactly(1))
}

/// A page of all pools by id, after this one.
pub fn page(after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, name, iss, settings, created_at, modified_at FROM pools WHERE pool > $1 ORDER BY pool LIMIT $2",
    )
    .bind(after)
    .bind(limit)
}

/// Begins a batch that makes or counts something in a pool: misses when the pool is gone, and lets one such batch after the other
/// look at what there is.
pub fn hold(pool: &PoolId) -> Statement {
    Statement::new("UPDATE pools SET name = name WHERE pool = $1").bind(pool).expect(Rows::Exactly(1))
}

/// After [`hold`]: misses when the pool has that many rows in the table, or more.
pub fn room(pool: &PoolId, table: &'static str, most: u64) -> Statement {
    let sql =
        format!("UPDATE pools SET name = name WHERE pool = $1 AND (SELECT COUNT(*) FROM {table} WHERE pool = $2) < $3");
    Statement::new(sql).bind(pool).bind(pool).bind(most).expect(Rows::Exactly(1))
}

/// Sets name and settings. Misses when the pool was changed, or deleted, since it was read; `modified_at` always grows.
pub fn update(pool: &Pool, name: &str, settings: &Settings, now: UnixMillis) -> Statement {
    Statement::new("UPDATE pools SET name = $1, settings = $2, modified_at = $3 WHERE pool = $4 AND modified_at = $5")
        .bind(name)
        .bind(serde_json::to_string(settings).unwrap_or_default())
        .bind(now.max(UnixMillis(pool.modified.0.saturating_add(1))))
        .bind(&pool.id)
        .bind(pool.modified)
        .expect(Rows::Exactly(1))
}

/// Deletes a pool: from this batch on nothing answers for it. The first statement misses when the pool was changed since it was read, or has
/// a domain; one that is made at the same moment goes with the rest.
///
/// Goes at once: the pool's row, which every request asks for; its clients, by which unsigned requests name it; its data key, without
/// which nothing that is sealed opens; its messages, which could not be opened; its web ACL's association, which would keep the web ACL from being
/// deleted. The rest is [`DELETED`]'s to name and `crate::purge`'s
/// to delete.
pub fn delete(pool: &Pool, now: UnixMillis) -> Vec<Statement> {
    let gone = Statement::new(
        "DELETE FROM pools WHERE pool = $1 AND modified_at = $2 AND NOT EXISTS (SELECT 1 FROM domains WHERE pool = $3)",
    );
    let gone = gone.bind(&pool.id).bind(pool.modified).bind(&pool.id);
    let mark = Statement::new("INSERT INTO deleted_pools (pool, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(&pool.id)
        .bind(now);
    let rest = [
        "DELETE FROM clients WHERE pool = $1",
        "DELETE FROM messages WHERE pool = $1",
        "DELETE FROM pool_keys WHERE pool = $1",
        "DELETE FROM waf_associations WHERE pool = $1",
    ];
    let rest = rest.into_iter().map(|sql| Statement::new(sql).bind(&pool.id));
    [gone.expect(Rows::Exactly(1)), mark].into_iter().chain(rest).collect()
}

pub fn pool(row: &Row) -> Result<Pool, RowError> {
    Ok(Pool {
        id: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        name: row.text(1)?.to_owned(),
        iss: row.text(2)?.to_owned(),
        settings: serde_json::from_str::<Settings>(row.text(3)?).map_err(|_| RowError::Type(3))?,
        created: row.millis(4)?,
        modified: row.millis(5)?,
    })
}

/// The pool's domains: its prefix (kind `prefix`), and its own (`custom`).
pub fn domains(pool: &PoolId) -> Query {
    Query::new("SELECT kind, domain FROM domains WHERE pool = $1").bind(pool)
}

/// How many users a pool has (`EstimatedNumberOfUsers`).
pub fn user_count(pool: &PoolId) -> Query {
    Query::new("SELECT COUNT(*) FROM users WHERE pool = $1").bind(pool)
}
