//! The table `messages`: what waits for delivery.

use common::clock::UnixMillis;

use crate::envelope::Context;
use crate::store::{Migration, Query, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 410,
    name: "messages",
    sql: "
        CREATE TABLE messages (
            pool TEXT NOT NULL,
            id TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            sealed BYTEA NOT NULL,
            PRIMARY KEY (pool, id)
        );
        CREATE INDEX messages_created ON messages (created_at);
    ",
};

/// Where a message lives; `row` is its id.
pub fn cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "messages", row, column: "sealed" }
}

pub fn insert(pool: &str, id: &str, now: UnixMillis, sealed: Vec<u8>) -> Statement {
    Statement::new("INSERT INTO messages (pool, id, created_at, sealed) VALUES ($1, $2, $3, $4)")
        .bind(pool)
        .bind(id)
        .bind(now)
        .bind(sealed)
        .expect(Rows::Exactly(1))
}

/// The oldest first.
pub fn waiting(limit: u32) -> Query {
    Query::new("SELECT pool, id, sealed FROM messages ORDER BY created_at, id LIMIT $1").bind(limit)
}

/// Forgets every message that waits, after a restore: it may have been sent since.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM messages")
}

/// Misses when another issuer has delivered it.
pub fn delivered(pool: &str, id: &str) -> Statement {
    Statement::new("DELETE FROM messages WHERE pool = $1 AND id = $2").bind(pool).bind(id)
}
