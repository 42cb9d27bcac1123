//! The table `waiting_addresses`: addresses that become attributes once they are proven.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use crate::store::{Migration, Query, Rows, Statement};
use crate::users::address::Address;

/// At most one a user and attribute.
pub const MIGRATION: Migration = Migration {
    version: 521,
    name: "waiting_addresses",
    sql: "
        CREATE TABLE waiting_addresses (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            attribute TEXT NOT NULL,
            value TEXT NOT NULL,
            asked_at BIGINT NOT NULL,
            PRIMARY KEY (pool, sub, attribute)
        );
    ",
};

/// In place of one that waited before.
pub(super) fn put(pool: &PoolId, sub: &Sub, address: Address, value: &str, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO waiting_addresses (pool, sub, attribute, value, asked_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (pool, sub, attribute) DO UPDATE SET value = excluded.value, asked_at = excluded.asked_at",
    )
    .bind(pool)
    .bind(sub)
    .bind(address.attribute())
    .bind(value)
    .bind(now)
    .expect(Rows::Exactly(1))
}

/// Gives it up, if there is one.
pub(super) fn drop_any(pool: &PoolId, sub: &Sub, address: Address) -> Statement {
    Statement::new("DELETE FROM waiting_addresses WHERE pool = $1 AND sub = $2 AND attribute = $3")
        .bind(pool)
        .bind(sub)
        .bind(address.attribute())
}

/// Takes it, for the batch that makes it the attribute. Misses when it is another by now.
pub(super) fn take(pool: &PoolId, sub: &Sub, address: Address, value: &str) -> Statement {
    Statement::new("DELETE FROM waiting_addresses WHERE pool = $1 AND sub = $2 AND attribute = $3 AND value = $4")
        .bind(pool)
        .bind(sub)
        .bind(address.attribute())
        .bind(value)
        .expect(Rows::Exactly(1))
}

pub(super) fn find(pool: &PoolId, sub: &Sub, address: Address) -> Query {
    Query::new("SELECT value FROM waiting_addresses WHERE pool = $1 AND sub = $2 AND attribute = $3")
        .bind(pool)
        .bind(sub)
        .bind(address.attribute())
}

/// All of a user who is deleted.
pub(in crate::users) fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM waiting_addresses WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}
