//! The table `admin_keys`.

use common::clock::UnixMillis;

use crate::envelope::Context;
use crate::store::{Migration, Query, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 420,
    name: "admin_keys",
    sql: "
        CREATE TABLE admin_keys (
            access_key_id TEXT PRIMARY KEY,
            secret BYTEA NOT NULL,
            created_at BIGINT NOT NULL
        );
    ",
};

/// Where a secret lives; `row` is the access key id.
pub fn secret_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "admin_keys", row, column: "secret" }
}

pub fn by_id(access_key_id: &str) -> Query {
    Query::new("SELECT secret FROM admin_keys WHERE access_key_id = $1").bind(access_key_id)
}

/// Id and instant of creation of every key.
pub fn all() -> Query {
    Query::new("SELECT access_key_id, created_at FROM admin_keys ORDER BY access_key_id")
}

pub fn delete(access_key_id: &str) -> Statement {
    Statement::new("DELETE FROM admin_keys WHERE access_key_id = $1").bind(access_key_id).expect(Rows::Exactly(1))
}

pub fn insert(access_key_id: &str, sealed: Vec<u8>, now: UnixMillis) -> Statement {
    Statement::new("INSERT INTO admin_keys (access_key_id, secret, created_at) VALUES ($1, $2, $3)")
        .bind(access_key_id)
        .bind(sealed)
        .bind(now)
        .expect(Rows::Exactly(1))
}
