//! The table `replicas`.

use cognito_model::idp::types::ReplicaStatusType;
use common::clock::UnixMillis;
use common::ids::PoolId;

use super::model::Replica;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const TABLE: &str = "replicas";

pub const MIGRATION: Migration = Migration {
    version: 770,
    name: "replicas",
    sql: "
        CREATE TABLE replicas (
            pool TEXT NOT NULL,
            region TEXT NOT NULL,
            status TEXT NOT NULL,
            tags TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, region)
        );
    ",
};

/// Misses when there is one in the region.
pub fn insert(replica: &Replica) -> Statement {
    Statement::new(
        "INSERT INTO replicas (pool, region, status, tags, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&replica.pool)
    .bind(&replica.region)
    .bind(replica.status.as_str())
    .bind(serde_json::to_string(&replica.tags).unwrap_or_default())
    .bind(replica.created)
    .bind(replica.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn update(replica: &Replica, now: UnixMillis) -> Statement {
    Statement::new("UPDATE replicas SET status = $1, modified_at = $2 WHERE pool = $3 AND region = $4")
        .bind(replica.status.as_str())
        .bind(now)
        .bind(&replica.pool)
        .bind(&replica.region)
        .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn delete(pool: &PoolId, region: &str) -> Statement {
    Statement::new("DELETE FROM replicas WHERE pool = $1 AND region = $2")
        .bind(pool)
        .bind(region)
        .expect(Rows::Exactly(1))
}

pub fn by_region(pool: &PoolId, region: &str) -> Query {
    Query::new(
        "SELECT pool, region, status, tags, created_at, modified_at FROM replicas WHERE pool = $1 AND region = $2",
    )
    .bind(pool)
    .bind(region)
}

/// All of a pool: there is one at most.
pub fn of_pool(pool: &PoolId) -> Query {
    Query::new(
        "SELECT pool, region, status, tags, created_at, modified_at FROM replicas
         WHERE pool = $1 ORDER BY region LIMIT 60",
    )
    .bind(pool)
}

pub fn replica(row: &Row) -> Result<Replica, RowError> {
    Ok(Replica {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        region: row.text(1)?.to_owned(),
        status: ReplicaStatusType::parse(row.text(2)?).ok_or(RowError::Range(2))?,
        tags: serde_json::from_str(row.text(3)?).map_err(|_| RowError::Type(3))?,
        created: row.millis(4)?,
        modified: row.millis(5)?,
    })
}
