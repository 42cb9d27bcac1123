//! The table of wrapped data keys.

use common::clock::UnixMillis;
use common::ids::PoolId;

use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

/// The table that this module owns.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 20,
    name: "pool_keys",
    sql: "
CREATE TABLE pool_keys (
    pool TEXT NOT NULL PRIMARY KEY,
    root_id TEXT NOT NULL,
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;
",
}];

pub(super) struct WrappedKey {
    pub(super) root_id: String,
    pub(super) wrapped: Vec<u8>,
}

impl WrappedKey {
    pub(super) fn read(row: &Row) -> Result<Self, RowError> {
        Ok(Self { root_id: row.text(0)?.to_owned(), wrapped: row.bytes(1)?.to_vec() })
    }
}

pub(super) fn insert(now: UnixMillis, pool: &PoolId, root_id: &str, wrapped: &[u8]) -> Statement {
    let sql =
        "INSERT INTO pool_keys (pool, root_id, wrapped, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    Statement::new(sql).bind(pool).bind(root_id).bind(wrapped).bind(now).expect(Rows::Exactly(1))
}

pub(super) fn by_pool(pool: &PoolId) -> Query {
    Query::new("SELECT root_id, wrapped FROM pool_keys WHERE pool = $1").bind(pool)
}

/// A row that another root key wrapped, if there is one.
pub(super) fn foreign(root_id: &str) -> Query {
    Query::new("SELECT root_id, pool FROM pool_keys WHERE root_id <> $1 LIMIT 1").bind(root_id)
}
