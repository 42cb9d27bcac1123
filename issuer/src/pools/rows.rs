//! The table `pools`.

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

/// How many users a pool has (`EstimatedNumberOfUsers`).
pub fn user_count(pool: &PoolId) -> Query {
    Query::new("SELECT COUNT(*) FROM users WHERE pool = $1").bind(pool)
}
