//! The table `terms`.

use common::ids::PoolId;

use super::model::Terms;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 740,
    name: "terms",
    sql: "
        CREATE TABLE terms (
            pool TEXT NOT NULL,
            id TEXT NOT NULL,
            client TEXT NOT NULL,
            name TEXT NOT NULL,
            links TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, id)
        );
        CREATE UNIQUE INDEX terms_client ON terms (pool, client, name);
    ",
};

/// Misses when the client has terms of this name.
pub fn insert(terms: &Terms) -> Statement {
    Statement::new(
        "INSERT INTO terms (pool, id, client, name, links, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&terms.pool)
    .bind(&terms.id)
    .bind(&terms.client)
    .bind(&terms.name)
    .bind(links(terms))
    .bind(terms.created)
    .bind(terms.modified)
    .expect(Rows::Exactly(1))
}

/// While the client is held: misses when the client has other terms of this name.
pub fn free(terms: &Terms) -> Statement {
    Statement::new(
        "UPDATE terms SET name = name WHERE pool = $1 AND id = $2
         AND NOT EXISTS (SELECT 1 FROM terms t WHERE t.pool = $3 AND t.client = $4 AND t.name = $5 AND t.id <> $6)",
    )
    .bind(&terms.pool)
    .bind(&terms.id)
    .bind(&terms.pool)
    .bind(&terms.client)
    .bind(&terms.name)
    .bind(&terms.id)
    .expect(Rows::Exactly(1))
}

/// Misses when the terms were changed, or deleted, since they were read; `modified_at` always grows.
pub fn update(read: &Terms, new: &Terms) -> Statement {
    Statement::new(
        "UPDATE terms SET name = $1, links = $2, modified_at = $3 WHERE pool = $4 AND id = $5 AND modified_at = $6",
    )
    .bind(&new.name)
    .bind(links(new))
    .bind(new.modified)
    .bind(&read.pool)
    .bind(&read.id)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when there are none.
pub fn delete(pool: &PoolId, id: &str) -> Statement {
    Statement::new("DELETE FROM terms WHERE pool = $1 AND id = $2").bind(pool).bind(id).expect(Rows::Exactly(1))
}

pub fn by_id(pool: &PoolId, id: &str) -> Query {
    Query::new("SELECT pool, id, client, name, links, created_at, modified_at FROM terms WHERE pool = $1 AND id = $2")
        .bind(pool)
        .bind(id)
}

pub fn of_client(pool: &PoolId, client: &str, name: &str) -> Query {
    Query::new(
        "SELECT pool, id, client, name, links, created_at, modified_at FROM terms
         WHERE pool = $1 AND client = $2 AND name = $3",
    )
    .bind(pool)
    .bind(client)
    .bind(name)
}

/// A page of a pool's terms by id, after this one.
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, id, client, name, links, created_at, modified_at FROM terms
         WHERE pool = $1 AND id > $2 ORDER BY id LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

pub fn terms(row: &Row) -> Result<Terms, RowError> {
    Ok(Terms {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        id: row.text(1)?.to_owned(),
        client: row.text(2)?.to_owned(),
        name: row.text(3)?.to_owned(),
        links: serde_json::from_str(row.text(4)?).map_err(|_| RowError::Type(4))?,
        created: row.millis(5)?,
        modified: row.millis(6)?,
    })
}

fn links(terms: &Terms) -> String {
    serde_json::to_string(&terms.links).unwrap_or_default()
}
