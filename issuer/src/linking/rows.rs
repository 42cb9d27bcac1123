//! The table `linked_identities`.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

/// `provider_made`: when the provider was; see the module.
pub const MIGRATION: Migration = Migration {
    version: 821,
    name: "linked_identities",
    sql: "
        CREATE TABLE linked_identities (
            pool TEXT NOT NULL,
            provider TEXT NOT NULL,
            provider_made BIGINT NOT NULL,
            attribute TEXT NOT NULL,
            value TEXT NOT NULL,
            sub TEXT NOT NULL,
            linked_at BIGINT NOT NULL,
            PRIMARY KEY (pool, provider, provider_made, attribute, value)
        );
        CREATE INDEX linked_identities_sub ON linked_identities (pool, sub);
    ",
};

/// An identity, as its provider is now.
pub struct Link<'a> {
    pub pool: &'a PoolId,
    pub provider: &'a str,
    pub provider_made: UnixMillis,
    pub attribute: &'a str,
    pub value: &'a str,
}

/// Misses when the identity is somebody's.
pub fn insert(link: &Link<'_>, sub: &Sub, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO linked_identities (pool, provider, provider_made, attribute, value, sub, linked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(link.pool)
    .bind(link.provider)
    .bind(link.provider_made)
    .bind(link.attribute)
    .bind(link.value)
    .bind(sub)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Whose an identity is.
pub fn holder(link: &Link<'_>) -> Query {
    Query::new(
        "SELECT sub FROM linked_identities
         WHERE pool = $1 AND provider = $2 AND provider_made = $3 AND attribute = $4 AND value = $5",
    )
    .bind(link.pool)
    .bind(link.provider)
    .bind(link.provider_made)
    .bind(link.attribute)
    .bind(link.value)
}

/// Whose it is, whichever provider of this name the link was made to: the newest first.
pub fn holder_by_name(pool: &PoolId, provider: &str, attribute: &str, value: &str) -> Query {
    Query::new(
        "SELECT sub FROM linked_identities WHERE pool = $1 AND provider = $2 AND attribute = $3 AND value = $4
         ORDER BY provider_made DESC LIMIT 1",
    )
    .bind(pool)
    .bind(provider)
    .bind(attribute)
    .bind(value)
}

/// Ends a user's link. Misses when there is none any more.
pub fn delete(pool: &PoolId, provider: &str, attribute: &str, value: &str, sub: &Sub) -> Statement {
    Statement::new(
        "DELETE FROM linked_identities WHERE pool = $1 AND provider = $2 AND attribute = $3 AND value = $4 AND sub = $5",
    )
    .bind(pool)
    .bind(provider)
    .bind(attribute)
    .bind(value)
    .bind(sub)
    .expect(Rows::AtLeast(1))
}

/// Forgets the links of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM linked_identities WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

pub fn sub(row: &Row) -> Result<Sub, RowError> {
    Sub::parse(row.text(0)?).map_err(|_| RowError::Range(0))
}
