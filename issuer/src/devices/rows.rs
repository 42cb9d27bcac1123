//! The table `devices`.

use common::clock::UnixMillis;
use common::ids::{PoolId, Sub};

use super::model::{Device, DeviceKey};
use super::rules::{self, Ground};
use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATION: Migration = Migration {
    version: 791,
    name: "devices",
    sql: "
        CREATE TABLE devices (
            pool TEXT NOT NULL,
            sub TEXT NOT NULL,
            device TEXT NOT NULL,
            group_key TEXT NOT NULL,
            name TEXT,
            verifier BYTEA,
            remembered BIGINT NOT NULL,
            trust BYTEA,
            last_address TEXT NOT NULL,
            authenticated_at BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            modified_at BIGINT NOT NULL,
            version BIGINT NOT NULL,
            PRIMARY KEY (pool, sub, device)
        );
    ",
};

/// Where a device's verifier lives; `row` is the `sub` and the device's key.
pub fn verifier_cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "devices", row, column: "verifier" }
}

/// Misses when the user has confirmed it already.
pub fn insert(device: &Device) -> Statement {
    Statement::new(
        "INSERT INTO devices (pool, sub, device, group_key, name, verifier, remembered, trust, last_address,
                              authenticated_at, created_at, modified_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
    )
    .bind(&device.pool)
    .bind(&device.sub)
    .bind(device.key.as_str())
    .bind(&device.group_key)
    .bind(device.name.as_deref())
    .bind(device.sealed_verifier.as_deref())
    .bind(device.remembered)
    .bind(device.trust.map(|trust| trust.to_vec()))
    .bind(&device.last_address)
    .bind(device.authenticated)
    .bind(device.created)
    .bind(device.modified)
    .bind(device.version)
    .expect(Rows::Exactly(1))
}

/// Forgets what a user has above [`rules::MOST`]: what was used longest ago.
pub fn trim(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new(
        "DELETE FROM devices WHERE pool = $1 AND sub = $2 AND device IN (
             SELECT device FROM devices WHERE pool = $1 AND sub = $2
             ORDER BY authenticated_at DESC, device LIMIT 1000 OFFSET $3
         )",
    )
    .bind(pool)
    .bind(sub)
    .bind(rules::MOST)
}

/// A sign-in with the device; `trust` where it was proven, unless trust has ended since the device was read. Misses when it was forgotten.
pub fn seen(device: &Device, address: &str, trust: Option<Ground>, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE devices SET last_address = $1, authenticated_at = $2,
                trust = CASE WHEN version = $3 THEN COALESCE($4, trust) ELSE trust END, version = version + 1
         WHERE pool = $5 AND sub = $6 AND device = $7",
    )
    .bind(address)
    .bind(now)
    .bind(device.version)
    .bind(trust.map(|trust| trust.to_vec()))
    .bind(&device.pool)
    .bind(&device.sub)
    .bind(device.key.as_str())
    .expect(Rows::Exactly(1))
}

/// Misses when it changed since it was read.
pub fn set_status(read: &Device, remembered: bool, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE devices SET remembered = $1, modified_at = $2, version = version + 1
         WHERE pool = $3 AND sub = $4 AND device = $5 AND version = $6",
    )
    .bind(remembered)
    .bind(now)
    .bind(&read.pool)
    .bind(&read.sub)
    .bind(read.key.as_str())
    .bind(read.version)
    .expect(Rows::Exactly(1))
}

/// Ends trust in all devices of a user, for the batch that changes their factors. The devices stay, and are trusted again once they were
/// proven after a second factor.
pub fn distrust(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("UPDATE devices SET trust = NULL, version = version + 1 WHERE pool = $1 AND sub = $2")
        .bind(pool)
        .bind(sub)
}

/// The same for every device there is, after a restore.
pub fn distrust_all() -> Statement {
    Statement::new("UPDATE devices SET trust = NULL, version = version + 1 WHERE trust IS NOT NULL")
}

/// Misses when it changed since it was read, by a sign-in for one.
pub fn delete(read: &Device) -> Statement {
    Statement::new("DELETE FROM devices WHERE pool = $1 AND sub = $2 AND device = $3 AND version = $4")
        .bind(&read.pool)
        .bind(&read.sub)
        .bind(read.key.as_str())
        .bind(read.version)
        .expect(Rows::Exactly(1))
}

/// Forgets the devices of a user who is gone.
pub fn forget(pool: &PoolId, sub: &Sub) -> Statement {
    Statement::new("DELETE FROM devices WHERE pool = $1 AND sub = $2").bind(pool).bind(sub)
}

pub fn by_key(pool: &PoolId, sub: &Sub, key: &DeviceKey) -> Query {
    Query::new(
        "SELECT pool, sub, device, group_key, name, verifier, remembered, trust, last_address, authenticated_at,
                created_at, modified_at, version
         FROM devices WHERE pool = $1 AND sub = $2 AND device = $3",
    )
    .bind(pool)
    .bind(sub)
    .bind(key.as_str())
}

/// A page of a user's devices by key, after this one.
pub fn page(pool: &PoolId, sub: &Sub, after: &str, limit: u64) -> Query {
    Query::new(
        "SELECT pool, sub, device, group_key, name, verifier, remembered, trust, last_address, authenticated_at,
                created_at, modified_at, version
         FROM devices WHERE pool = $1 AND sub = $2 AND device > $3 ORDER BY device LIMIT $4",
    )
    .bind(pool)
    .bind(sub)
    .bind(after)
    .bind(limit)
}

pub fn device(row: &Row) -> Result<Device, RowError> {
    Ok(Device {
        pool: PoolId::parse(row.text(0)?).map_err(|_| RowError::Range(0))?,
        sub: Sub::parse(row.text(1)?).map_err(|_| RowError::Range(1))?,
        key: DeviceKey::parse(row.text(2)?).ok_or(RowError::Range(2))?,
        group_key: row.text(3)?.to_owned(),
        name: row.opt_text(4)?.map(str::to_owned),
        sealed_verifier: row.opt_bytes(5)?.map(<[u8]>::to_vec),
        remembered: row.flag(6)?,
        trust: row.opt_bytes(7)?.map(Ground::try_from).transpose().map_err(|_| RowError::Range(7))?,
        last_address: row.text(8)?.to_owned(),
        authenticated: row.millis(9)?,
        created: row.millis(10)?,
        modified: row.millis(11)?,
        version: row.u64(12)?,
    })
}
