//! The tables `identity_providers` and `provider_identifiers`.

use cognito_model::idp::types::IdentityProviderTypeType;
use common::clock::UnixMillis;
use common::ids::PoolId;

use super::model::{Known, Provider, Settings};
use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const TABLE: &str = "identity_providers";

pub const MIGRATION: Migration = Migration {
    version: 710,
    name: "identity_providers",
    sql: "
        CREATE TABLE identity_providers (
            pool TEXT NOT NULL,
            name TEXT NOT NULL,
            type TEXT NOT NULL,
            details BYTEA NOT NULL,
            settings TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, name)
        );
        CREATE TABLE provider_identifiers (
            pool TEXT NOT NULL,
            identifier TEXT NOT NULL,
            name TEXT NOT NULL,
            PRIMARY KEY (pool, identifier)
        ) WITHOUT ROWID;
    ",
};

/// A row whose details are sealed.
pub struct Stored {
    pub name: String,
    pub kind: IdentityProviderTypeType,
    pub details: Vec<u8>,
    pub settings: Settings,
    pub created: UnixMillis,
    pub modified: UnixMillis,
}

/// Where the details live; `row` is the provider's name.
pub fn details_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: TABLE, row, column: "details" }
}

/// Misses when the name is taken.
pub fn insert(provider: &Provider, sealed: Vec<u8>) -> Statement {
    Statement::new(
        "INSERT INTO identity_providers (pool, name, type, details, settings, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&provider.pool)
    .bind(&provider.name)
    .bind(provider.kind.as_str())
    .bind(sealed)
    .bind(settings(provider))
    .bind(provider.created)
    .bind(provider.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when the provider was changed, or deleted, since it was read; `modified_at` always grows.
pub fn update(read: &Provider, new: &Provider, sealed: Vec<u8>) -> Statement {
    Statement::new(
        "UPDATE identity_providers SET details = $1, settings = $2, modified_at = $3
         WHERE pool = $4 AND name = $5 AND modified_at = $6",
    )
    .bind(sealed)
    .bind(settings(new))
    .bind(new.modified)
    .bind(&read.pool)
    .bind(&read.name)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// The first statement misses when there is none.
pub fn delete(pool: &PoolId, name: &str) -> [Statement; 2] {
    let provider = Statement::new("DELETE FROM identity_providers WHERE pool = $1 AND name = $2").bind(pool).bind(name);
    [provider.expect(Rows::Exactly(1)), forget_identifiers(pool, name)]
}

/// After [`insert`] or [`update`], which hold back others of the same provider; each misses when the identifier is another's.
pub fn identify(provider: &Provider) -> Vec<Statement> {
    let insert = |identifier: &String| {
        Statement::new(
            "INSERT INTO provider_identifiers (pool, identifier, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(&provider.pool)
        .bind(identifier)
        .bind(&provider.name)
        .expect(Rows::Exactly(1))
    };
    provider.settings.identifiers.iter().map(insert).collect()
}

pub fn forget_identifiers(pool: &PoolId, name: &str) -> Statement {
    Statement::new("DELETE FROM provider_identifiers WHERE pool = $1 AND name = $2").bind(pool).bind(name)
}

pub fn by_name(pool: &PoolId, name: &str) -> Query {
    Query::new(
        "SELECT name, type, details, settings, created_at, modified_at FROM identity_providers
         WHERE pool = $1 AND name = $2",
    )
    .bind(pool)
    .bind(name)
}

pub fn by_identifier(pool: &PoolId, identifier: &str) -> Query {
    Query::new(
        "SELECT p.name, p.type, p.details, p.settings, p.created_at, p.modified_at
         FROM provider_identifiers i JOIN identity_providers p ON p.pool = i.pool AND p.name = i.name
         WHERE i.pool = $1 AND i.identifier = $2",
    )
    .bind(pool)
    .bind(identifier)
}

/// For [`read_known`].
pub fn known(pool: &PoolId, name: &str) -> Query {
    Query::new(
        "SELECT name, type, settings, created_at, modified_at FROM identity_providers WHERE pool = $1 AND name = $2",
    )
    .bind(pool)
    .bind(name)
}

/// A page of a pool's providers by name, after this one; for [`read_known`].
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT name, type, settings, created_at, modified_at FROM identity_providers
         WHERE pool = $1 AND name > $2 ORDER BY name LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

pub fn stored(row: &Row) -> Result<Stored, RowError> {
    Ok(Stored {
        name: row.text(0)?.to_owned(),
        kind: IdentityProviderTypeType::parse(row.text(1)?).ok_or(RowError::Range(1))?,
        details: row.bytes(2)?.to_vec(),
        settings: serde_json::from_str(row.text(3)?).map_err(|_| RowError::Type(3))?,
        created: row.millis(4)?,
        modified: row.millis(5)?,
    })
}

pub fn read_known(row: &Row) -> Result<Known, RowError> {
    Ok(Known {
        name: row.text(0)?.to_owned(),
        kind: IdentityProviderTypeType::parse(row.text(1)?).ok_or(RowError::Range(1))?,
        settings: serde_json::from_str(row.text(2)?).map_err(|_| RowError::Type(2))?,
        created: row.millis(3)?,
        modified: row.millis(4)?,
    })
}

/// The mapping under another name of the attribute, or without it; nothing where the mapping does not have it. Misses as [`update`] does.
pub fn remap(pool: &PoolId, read: &Stored, from: &str, to: Option<&str>, now: UnixMillis) -> Option<Statement> {
    let mut settings = read.settings.clone();
    let claim = settings.attribute_mapping.remove(from)?;
    settings.attribute_mapping.extend(to.map(|to| (to.to_owned(), claim)));
    let sql = "UPDATE identity_providers SET settings = $1, modified_at = $2 WHERE pool = $3 AND name = $4 AND modified_at = $5";
    let statement = Statement::new(sql)
        .bind(serde_json::to_string(&settings).unwrap_or_default())
        .bind(now.max(UnixMillis(read.modified.0.saturating_add(1))))
        .bind(pool)
        .bind(&read.name)
        .bind(read.modified);
    Some(statement.expect(Rows::Exactly(1)))
}

fn settings(provider: &Provider) -> String {
    serde_json::to_string(&provider.settings).unwrap_or_default()
}
