//! The table `resource_servers`.

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::model::ResourceServer;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const TABLE: &str = "resource_servers";

pub const MIGRATION: Migration = Migration {
    version: 700,
    name: "resource_servers",
    sql: "
        CREATE TABLE resource_servers (
            pool TEXT NOT NULL,
            identifier TEXT NOT NULL,
            name TEXT NOT NULL,
            scopes TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, identifier)
        );
    ",
};

/// Misses when the identifier is taken.
pub fn insert(server: &ResourceServer) -> Statement {
    Statement::new(
        "INSERT INTO resource_servers (pool, identifier, name, scopes, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&server.pool)
    .bind(&server.identifier)
    .bind(&server.name)
    .bind(scopes(server))
    .bind(server.created)
    .bind(server.modified)
    .expect(Rows::Exactly(1))
}

/// Sets name and scopes. Misses when there is none.
pub fn update(server: &ResourceServer, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE resource_servers SET name = $1, scopes = $2, modified_at = $3 WHERE pool = $4 AND identifier = $5",
    )
    .bind(&server.name)
    .bind(scopes(server))
    .bind(now)
    .bind(&server.pool)
    .bind(&server.identifier)
    .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn delete(pool: &PoolId, identifier: &str) -> Statement {
    Statement::new("DELETE FROM resource_servers WHERE pool = $1 AND identifier = $2")
        .bind(pool)
        .bind(identifier)
        .expect(Rows::Exactly(1))
}

pub fn by_identifier(pool: &PoolId, identifier: &str) -> Query {
    Query::new(
        "SELECT pool, identifier, name, scopes, created_at, modified_at FROM resource_servers
         WHERE pool = $1 AND identifier = $2",
    )
    .bind(pool)
    .bind(identifier)
}

/// A page of a pool's resource servers by identifier, after this one.
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, identifier, name, scopes, created_at, modified_at FROM resource_servers
         WHERE pool = $1 AND identifier > $2 ORDER BY identifier LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

pub fn resource_server(row: &Row) -> Result<ResourceServer, RowError> {
    Ok(ResourceServer {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        identifier: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        scopes: serde_json::from_str(row.text(3)?).map_err(|_| RowError::Type(3))?,
        created: row.millis(4)?,
        modified: row.millis(5)?,
    })
}

fn scopes(server: &ResourceServer) -> String {
    serde_json::to_string(&server.scopes).unwrap_or_default()
}
