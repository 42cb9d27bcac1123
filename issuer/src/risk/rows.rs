//! The table `risk_configurations`.

use common::ids::PoolId;

use super::model::{Configuration, Parts};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 750,
    name: "risk_configurations",
    sql: "
        CREATE TABLE risk_configurations (
            pool TEXT NOT NULL,
            client TEXT NOT NULL,
            parts TEXT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, client)
        );
    ",
};

/// Stands for the pool itself: no client has it for an id.
const POOL: &str = "";

/// Puts a configuration in the place of the one that there is.
pub fn put(configuration: &Configuration) -> Statement {
    Statement::new(
        "INSERT INTO risk_configurations (pool, client, parts, modified_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (pool, client) DO UPDATE SET parts = excluded.parts, modified_at = excluded.modified_at",
    )
    .bind(&configuration.pool)
    .bind(configuration.client.as_deref().unwrap_or(POOL))
    .bind(serde_json::to_string(&configuration.parts).unwrap_or_default())
    .bind(configuration.modified)
    .expect(Rows::Exactly(1))
}

pub fn delete(pool: &PoolId, client: Option<&str>) -> Statement {
    Statement::new("DELETE FROM risk_configurations WHERE pool = $1 AND client = $2")
        .bind(pool)
        .bind(client.unwrap_or(POOL))
}

pub fn by_client(pool: &PoolId, client: Option<&str>) -> Query {
    Query::new("SELECT pool, client, parts, modified_at FROM risk_configurations WHERE pool = $1 AND client = $2")
        .bind(pool)
        .bind(client.unwrap_or(POOL))
}

pub fn configuration(row: &Row) -> Result<Configuration, RowError> {
    Ok(Configuration {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        client: Some(row.text(1)?).filter(|client| *client != POOL).map(str::to_owned),
        parts: serde_json::from_str::<Parts>(row.text(2)?).map_err(|_| RowError::Type(2))?,
        modified: row.millis(3)?,
    })
}
