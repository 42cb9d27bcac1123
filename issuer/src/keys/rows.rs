//! The table of signing keys.

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::jose::{Alg, Jwk};

use super::error::KeyError;
use super::federation;
use super::rules::{Horizon, KeyFacts, KeyState, MAX_PER_PURPOSE, Purpose};
use crate::store::{Migration, Query, Row, Rows, Statement};

/// The table that this module owns.
pub const MIGRATIONS: &[Migration] = &[TABLE, SINCE, federation::MIGRATION];

const TABLE: Migration = Migration {
    version: 21,
    name: "signing_keys",
    sql: "
CREATE TABLE signing_keys (
    pool TEXT NOT NULL,
    kid TEXT NOT NULL,
    purpose TEXT NOT NULL,
    alg TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    public_jwk TEXT NOT NULL,
    private_key BYTEA,
    PRIMARY KEY (pool, kid)
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (pool, purpose) WHERE state = 'active';
CREATE UNIQUE INDEX signing_keys_pending ON signing_keys (pool, purpose) WHERE state = 'pending';
",
};

/// For whoever follows what others changed.
const SINCE: Migration = Migration {
    version: 31,
    name: "signing_keys_since",
    sql: "CREATE INDEX signing_keys_since ON signing_keys (since);",
};

/// Keys of one pool that are read at once: published ones, a few.
const MAX_PUBLISHED: usize = Purpose::ALL.len() * (MAX_PER_PURPOSE + 1);
/// Keys of one pool, those of the past included, that an operator sees: the newest.
const MAX_LISTED: u32 = 1_000;

pub(super) struct StoredKey {
    pub(super) facts: KeyFacts,
    pub(super) alg: Alg,
    pub(super) public: Jwk,
    /// Enveloped; none when retired or revoked.
    pub(super) private: Option<Vec<u8>>,
}

impl StoredKey {
    pub(super) fn read(row: &Row) -> Result<Self, KeyError> {
        let facts = KeyFacts {
            kid: row.text(0)?.to_owned(),
            purpose: Purpose::parse(row.text(1)?).ok_or(KeyError::Damaged("unknown purpose"))?,
            state: KeyState::parse(row.text(3)?).ok_or(KeyError::Damaged("unknown state"))?,
            since: UnixMillis(row.u64(4)?),
        };
        let alg = row.text(2)?.parse().map_err(|_| KeyError::Damaged("unknown algorithm"))?;
        let private = row.opt_bytes(6)?.map(<[u8]>::to_vec);
        Ok(Self { facts, alg, public: Jwk::parse(row.text(5)?)?, private })
    }
}

pub(super) fn insert(now: UnixMillis, pool: &PoolId, key: &StoredKey) -> Statement {
    let sql = "INSERT INTO signing_keys (pool, kid, purpose, alg, state, since, created_at, public_jwk, private_key) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    Statement::new(sql)
        .bind(pool)
        .bind(&key.facts.kid)
        .bind(key.facts.purpose.name())
        .bind(key.alg.name())
        .bind(key.facts.state.name())
        .bind(key.facts.since)
        .bind(now)
        .bind(key.public.to_json())
        .bind(key.private.as_deref())
        .expect(Rows::Exactly(1))
}

/// Moves a key on, if it still is in the state it was seen in. A key that leaves the set loses its private half.
pub(super) fn advance(now: UnixMillis, pool: &PoolId, kid: &str, from: KeyState, to: KeyState) -> Statement {
    let keep = "UPDATE signing_keys SET state = $1, since = $2 WHERE pool = $3 AND kid = $4 AND state = $5";
    let wipe = "UPDATE signing_keys SET state = $1, since = $2, private_key = NULL WHERE pool = $3 AND kid = $4 AND state = $5";
    Statement::new(if to.is_published() { keep } else { wipe })
        .bind(to.name())
        .bind(now)
        .bind(pool)
        .bind(kid)
        .bind(from.name())
        .expect(Rows::Exactly(1))
}

/// The keys of the pool's set, oldest first.
pub(super) fn published(pool: &PoolId) -> Query {
    Query::new(
        "SELECT kid, purpose, alg, state, since, public_jwk, private_key FROM signing_keys \
         WHERE pool = $1 AND state IN ('pending', 'active', 'retiring') ORDER BY created_at, kid",
    )
    .bind(pool)
    .at_most(MAX_PUBLISHED)
}

/// Every key of a pool, without its halves, the newest first: kid, purpose, algorithm, state, since, instant of creation.
pub fn all(pool: &PoolId) -> Query {
    Query::new(
        "SELECT kid, purpose, alg, state, since, created_at FROM signing_keys WHERE pool = $1 \
         ORDER BY created_at DESC, kid LIMIT $2",
    )
    .bind(pool)
    .bind(MAX_LISTED)
}

/// Pools that have keys, in the order of their ids.
pub fn pools_with_keys(after: &str, limit: usize) -> Query {
    let sql = "SELECT DISTINCT k.pool FROM signing_keys k JOIN pool_keys p ON p.pool = k.pool
               WHERE k.pool > $1 ORDER BY k.pool LIMIT $2";
    Query::new(sql).bind(after).bind(limit as u64)
}

/// Pools in which something may be due, in the order of their ids.
pub fn pools_due(horizon: &Horizon, after: &str, limit: usize) -> Query {
    Query::new(
        "SELECT DISTINCT pool FROM signing_keys WHERE pool > $1 AND ((state = 'pending' AND since <= $2) \
         OR (state = 'retiring' AND since <= $3) OR (state = 'active' AND since <= $4)) ORDER BY pool LIMIT $5",
    )
    .bind(after)
    .bind(horizon.pending)
    .bind(horizon.retiring)
    // No key is that old.
    .bind(horizon.active.map_or(-1, |at| i64::try_from(at.0).unwrap_or(i64::MAX)))
    .bind(limit as u64)
}

/// Pool, kid and state of keys that changed at or after `since`.
pub fn changed_since(since: UnixMillis, limit: usize) -> Query {
    let sql = "SELECT pool, kid, state FROM signing_keys WHERE since >= $1 ORDER BY since DESC, kid LIMIT $2";
    Query::new(sql).bind(since).bind(limit as u64)
}
