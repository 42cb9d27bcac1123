//! The table `domains`.

use common::ids::PoolId;

use super::model::{Domain, Settings};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 720,
    name: "domains",
    sql: "
        CREATE TABLE domains (
            pool TEXT NOT NULL,
            kind TEXT NOT NULL,
            domain TEXT NOT NULL,
            settings TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, kind)
        );
        CREATE UNIQUE INDEX domains_domain ON domains (domain);
    ",
};

const PREFIX: &str = "prefix";
const CUSTOM: &str = "custom";

/// Misses when the pool has a domain of this kind, or the name is taken.
pub fn insert(domain: &Domain) -> Statement {
    Statement::new(
        "INSERT INTO domains (pool, kind, domain, settings, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&domain.pool)
    .bind(kind(domain))
    .bind(&domain.name)
    .bind(settings(domain))
    .bind(domain.created)
    .bind(domain.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when the domain was changed, or deleted, since it was read; `modified_at` always grows.
pub fn update(read: &Domain, new: &Domain) -> Statement {
    Statement::new(
        "UPDATE domains SET settings = $1, modified_at = $2
         WHERE pool = $3 AND kind = $4 AND domain = $5 AND modified_at = $6",
    )
    .bind(settings(new))
    .bind(new.modified)
    .bind(&read.pool)
    .bind(kind(read))
    .bind(&read.name)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn delete(domain: &Domain) -> Statement {
    Statement::new("DELETE FROM domains WHERE pool = $1 AND kind = $2 AND domain = $3")
        .bind(&domain.pool)
        .bind(kind(domain))
        .bind(&domain.name)
        .expect(Rows::Exactly(1))
}

/// A domain is named without its pool: it is unique in a deployment.
pub fn by_name(domain: &str) -> Query {
    Query::new("SELECT pool, domain, settings, created_at, modified_at FROM domains WHERE domain = $1").bind(domain)
}

/// Domains of all pools by name, after one.
pub fn page(after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, domain, settings, created_at, modified_at FROM domains WHERE domain > $1 ORDER BY domain LIMIT $2",
    )
    .bind(after)
    .bind(limit)
}

/// At most one of each kind.
pub fn of_pool(pool: &PoolId) -> Query {
    Query::new(
        "SELECT pool, domain, settings, created_at, modified_at FROM domains WHERE pool = $1 ORDER BY kind LIMIT 1",
    )
    .bind(pool)
}

/// Whether the pool has one of this kind.
pub fn of_kind(domain: &Domain) -> Query {
    Query::new("SELECT pool, domain, settings, created_at, modified_at FROM domains WHERE pool = $1 AND kind = $2")
        .bind(&domain.pool)
        .bind(kind(domain))
}

pub fn domain(row: &Row) -> Result<Domain, RowError> {
    Ok(Domain {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        name: row.text(1)?.to_owned(),
        settings: serde_json::from_str::<Settings>(row.text(2)?).map_err(|_| RowError::Type(2))?,
        created: row.millis(3)?,
        modified: row.millis(4)?,
    })
}

fn kind(domain: &Domain) -> &'static str {
    if domain.is_custom() { CUSTOM } else { PREFIX }
}

fn settings(domain: &Domain) -> String {
    serde_json::to_string(&domain.settings).unwrap_or_default()
}
