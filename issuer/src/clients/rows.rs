//! The table `clients`.

use common::ids::{ClientId, PoolId};

use super::model::{Client, Settings};
use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 510,
    name: "clients",
    sql: "
        CREATE TABLE clients (
            pool TEXT NOT NULL,
            client TEXT NOT NULL,
            name TEXT NOT NULL,
            settings TEXT NOT NULL,
            secret BYTEA,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            PRIMARY KEY (pool, client)
        );
        CREATE UNIQUE INDEX clients_client ON clients (client);
    ",
};

/// Where a client secret lives; `row` is the client id.
pub fn secret_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "clients", row, column: "secret" }
}

/// Unsigned calls name a client without its pool, so its id is unique in a deployment.
pub fn by_client_id(client: &ClientId) -> Query {
    Query::new("SELECT pool, client, name, settings, secret, created_at, modified_at FROM clients WHERE client = $1")
        .bind(client)
}

pub fn insert(client: &Client) -> Statement {
    Statement::new(
        "INSERT INTO clients (pool, client, name, settings, secret, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&client.pool)
    .bind(&client.id)
    .bind(&client.name)
    .bind(serde_json::to_string(&client.settings).unwrap_or_default())
    .bind(client.sealed_secret.clone())
    .bind(client.created)
    .bind(client.modified)
    .expect(Rows::Exactly(1))
}

/// Administrators name a client together with its pool.
pub fn by_id(pool: &PoolId, client: &ClientId) -> Query {
    Query::new(
        "SELECT pool, client, name, settings, secret, created_at, modified_at FROM clients
         WHERE pool = $1 AND client = $2",
    )
    .bind(pool)
    .bind(client)
}

/// A page of a pool's clients by id, after this one.
pub fn page(pool: &PoolId, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, client, name, settings, secret, created_at, modified_at FROM clients
         WHERE pool = $1 AND client > $2 ORDER BY client LIMIT $3",
    )
    .bind(pool)
    .bind(after)
    .bind(limit)
}

/// Sets name and settings to those of `new`. Misses when the client was changed, or deleted, since it was read; `modified_at` always
/// grows.
pub fn update(read: &Client, new: &Client) -> Statement {
    Statement::new(
        "UPDATE clients SET name = $1, settings = $2, modified_at = $3
         WHERE pool = $4 AND client = $5 AND modified_at = $6",
    )
    .bind(&new.name)
    .bind(serde_json::to_string(&new.settings).unwrap_or_default())
    .bind(new.modified)
    .bind(&read.pool)
    .bind(&read.id)
    .bind(read.modified)
    .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn delete(pool: &PoolId, client: &ClientId) -> Statement {
    Statement::new("DELETE FROM clients WHERE pool = $1 AND client = $2")
        .bind(pool)
        .bind(client)
        .expect(Rows::Exactly(1))
}

pub fn client(row: &Row) -> Result<Client, RowError> {
    Ok(Client {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        id: ClientId::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        name: row.text(2)?.to_owned(),
        settings: serde_json::from_str::<Settings>(row.text(3)?).map_err(|_| RowError::Type(3))?,
        sealed_secret: row.opt_bytes(4)?.map(<[u8]>::to_vec),
        created: row.millis(5)?,
        modified: row.millis(6)?,
    })
}
