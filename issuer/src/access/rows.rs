//! The tables `admin_keys` and `admin_requests`.

use common::clock::UnixMillis;

use super::model::AdminKey;
use super::replay::{Fingerprint, HELD};
use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

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

/// Keys of before may do everything, as they could.
pub const POLICIES: Migration = Migration {
    version: 421,
    name: "admin_key_policies",
    sql: "
        ALTER TABLE admin_keys ADD COLUMN name TEXT NOT NULL DEFAULT 'first';
        ALTER TABLE admin_keys ADD COLUMN policy TEXT NOT NULL
            DEFAULT '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}';
        ALTER TABLE admin_keys ADD COLUMN created_by TEXT;
        ALTER TABLE admin_keys ADD COLUMN expires_at BIGINT;
        ALTER TABLE admin_keys ADD COLUMN disabled_at BIGINT;
        ALTER TABLE admin_keys ADD COLUMN single_use BIGINT NOT NULL DEFAULT 0;
    ",
};

pub const REQUESTS: Migration = Migration {
    version: 422,
    name: "admin_requests",
    sql: "
        CREATE TABLE admin_requests (
            signature BYTEA NOT NULL,
            variant BYTEA NOT NULL,
            at BIGINT NOT NULL,
            PRIMARY KEY (signature, variant)
        );
        CREATE INDEX admin_requests_at ON admin_requests (at);
    ",
};

const COLUMNS: &str =
    "access_key_id, name, policy, created_at, created_by, expires_at, disabled_at, single_use, secret";

/// Where a secret lives; `row` is the access key id.
pub fn secret_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "admin_keys", row, column: "secret" }
}

pub fn by_id(access_key_id: &str) -> Query {
    Query::new(format!("SELECT {COLUMNS} FROM admin_keys WHERE access_key_id = $1")).bind(access_key_id)
}

/// All keys, the oldest first.
pub fn all() -> Query {
    Query::new(format!("SELECT {COLUMNS} FROM admin_keys ORDER BY created_at, access_key_id"))
}

pub fn insert(key: &AdminKey) -> Statement {
    Statement::new(format!("INSERT INTO admin_keys ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"))
        .bind(&key.access_key_id)
        .bind(&key.name)
        .bind(&key.policy)
        .bind(key.created)
        .bind(key.created_by.clone())
        .bind(key.expires)
        .bind(key.disabled)
        .bind(key.single_use)
        .bind(key.sealed_secret.clone())
        .expect(Rows::Exactly(1))
}

pub fn set_policy(access_key_id: &str, policy: &str) -> Statement {
    Statement::new("UPDATE admin_keys SET policy = $1 WHERE access_key_id = $2")
        .bind(policy)
        .bind(access_key_id)
        .expect(Rows::Exactly(1))
}

/// `None` enables it again.
pub fn set_disabled(access_key_id: &str, disabled: Option<UnixMillis>) -> Statement {
    Statement::new("UPDATE admin_keys SET disabled_at = $1 WHERE access_key_id = $2")
        .bind(disabled)
        .bind(access_key_id)
        .expect(Rows::Exactly(1))
}

/// Misses when there is none.
pub fn delete(access_key_id: &str) -> Statement {
    Statement::new("DELETE FROM admin_keys WHERE access_key_id = $1").bind(access_key_id).expect(Rows::Exactly(1))
}

/// First keys that nobody used.
pub fn delete_unused() -> Statement {
    Statement::new("DELETE FROM admin_keys WHERE single_use = 1")
}

/// The statements that let a request be done once. The first misses when it was seen before; the second when its signature was seen
/// before `renewed`, whatever else differs.
pub fn once(request: &Fingerprint, now: UnixMillis, renewed: UnixMillis) -> [Statement; 2] {
    let insert = Statement::new(
        "INSERT INTO admin_requests (signature, variant, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(request.signature)
    .bind(request.variant)
    .bind(now)
    .expect(Rows::Exactly(1));
    let earlier = Statement::new("UPDATE admin_requests SET at = at WHERE signature = $1 AND at < $2")
        .bind(request.signature)
        .bind(renewed)
        .expect(Rows::Exactly(0));
    [insert, earlier]
}

/// Forgets requests whose dates are too old to be taken again.
pub fn prune(now: UnixMillis) -> Statement {
    Statement::new("DELETE FROM admin_requests WHERE at < $1").bind(now.minus(HELD))
}

pub fn key(row: &Row) -> Result<AdminKey, RowError> {
    Ok(AdminKey {
        access_key_id: row.text(0)?.to_owned(),
        name: row.text(1)?.to_owned(),
        policy: row.text(2)?.to_owned(),
        created: row.millis(3)?,
        created_by: row.opt_text(4)?.map(str::to_owned),
        expires: row.opt_millis(5)?,
        disabled: row.opt_millis(6)?,
        single_use: row.flag(7)?,
        sealed_secret: row.bytes(8)?.to_vec(),
    })
}
