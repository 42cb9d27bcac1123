//! The table `oauth_registrations`: who may manage which registration, and what has no place in a client's settings.

use common::ids::{ClientId, PoolId};
use common::secret::SecretString;

use crate::clients::metadata::Told;
use crate::clients::{Client, rows as client_rows};
use crate::codes::token_digest;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 881,
    name: "oauth_registrations",
    sql: "
        CREATE TABLE oauth_registrations (
            pool TEXT NOT NULL,
            client TEXT NOT NULL,
            digest BYTEA NOT NULL,
            told TEXT NOT NULL,
            registered_at BIGINT NOT NULL,
            PRIMARY KEY (pool, client)
        );
    ",
};

pub fn insert(client: &Client, token: &SecretString, told: &Told) -> Statement {
    Statement::new(
        "INSERT INTO oauth_registrations (pool, client, digest, told, registered_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&client.pool)
    .bind(&client.id)
    .bind(token_digest(token.expose()))
    .bind(serde_json::to_string(told).unwrap_or_default())
    .bind(client.created)
    .expect(Rows::Exactly(1))
}

/// The registration that the token opens. Nothing tells one that is not there from one that another token opens.
pub fn opened(pool: &PoolId, client: &ClientId, token: &SecretString) -> Query {
    Query::new("SELECT told FROM oauth_registrations WHERE pool = $1 AND client = $2 AND digest = $3")
        .bind(pool)
        .bind(client)
        .bind(token_digest(token.expose()))
}

pub fn told(row: &Row) -> Result<Told, RowError> {
    serde_json::from_str(row.text(0)?).map_err(|_| RowError::Type(0))
}

/// The client and what was told of it; the first statement misses when the client was changed since it was read, and the second when the registration has
/// gone.
pub fn update(read: &Client, new: &Client, told: &Told) -> [Statement; 2] {
    let told = Statement::new("UPDATE oauth_registrations SET told = $1 WHERE pool = $2 AND client = $3")
        .bind(serde_json::to_string(told).unwrap_or_default())
        .bind(&read.pool)
        .bind(&read.id)
        .expect(Rows::Exactly(1));
    [client_rows::update(read, new), told]
}
