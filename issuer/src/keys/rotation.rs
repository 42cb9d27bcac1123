//! Makes keys and moves them on. Decisions are in [`super::rules`]; this turns them into statements.

use std::sync::Arc;

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::jose::Alg;

use super::error::KeyError;
use super::generate::{Generated, generate};
use super::key_ring::cell;
use super::rows::{self, StoredKey};
use super::rules::{KeyFacts, KeyState, Purpose, RotationPolicy, Step, due};
use crate::envelope::{PoolKey, PoolKeys};
use crate::store::{Statement, Store};

/// A key in its new state: what the feed tells the edges, in the same batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    pub kid: String,
    pub purpose: Purpose,
    pub alg: Alg,
    pub state: KeyState,
    /// The public half (RFC 7517).
    pub jwk: String,
}

/// Statements for one batch, with the changes that they make true. After the commit, tell [`super::KeyRing::forget`].
#[derive(Debug, Default)]
pub struct Rotation {
    pub statements: Vec<Statement>,
    pub changes: Vec<KeyChange>,
}

impl Rotation {
    /// The keys of a new pool, one a purpose, active at once: nobody has fetched its set yet. For the batch that makes the pool.
    pub async fn of_new_pool(now: UnixMillis, pool: &PoolId, key: &Arc<PoolKey>, alg: Alg) -> Result<Self, KeyError> {
        let mut rotation = Self::default();
        for purpose in Purpose::ALL {
            rotation.create(now, pool, key, purpose, alg, KeyState::Active).await?;
        }
        Ok(rotation)
    }

    /// What is due for the pool by `policy`; new keys are of `alg`. Empty most of the time.
    pub async fn due(
        now: UnixMillis,
        pool: &PoolId,
        (store, pool_keys): (&Store, &PoolKeys),
        (policy, alg): (&RotationPolicy, Alg),
    ) -> Result<Self, KeyError> {
        let (key, stored) = (pool_keys.key(pool).await?, published(store, pool).await?);
        let facts: Vec<KeyFacts> = stored.iter().map(|key| key.facts.clone()).collect();
        let mut rotation = Self::default();
        for purpose in Purpose::ALL {
            for step in due(now, purpose, &facts, policy) {
                match step {
                    Step::CreateActive => rotation.create(now, pool, &key, purpose, alg, KeyState::Active).await?,
                    Step::CreatePending => rotation.create(now, pool, &key, purpose, alg, KeyState::Pending).await?,
                    Step::Promote { pending, active } => {
                        if let Some(active) = active {
                            rotation.advance(now, pool, &stored, &active, KeyState::Retiring)?;
                        }
                        rotation.advance(now, pool, &stored, &pending, KeyState::Active)?;
                    }
                    Step::Retire { kid } => rotation.advance(now, pool, &stored, &kid, KeyState::Retired)?,
                }
            }
        }
        Ok(rotation)
    }

    /// A pending key for `purpose`, asked for by an operator; [`Rotation::due`] promotes it when it has been published for long
    /// enough. The batch misses if there is one already.
    pub async fn begin(
        now: UnixMillis,
        pool: &PoolId,
        pool_keys: &PoolKeys,
        (purpose, alg): (Purpose, Alg),
    ) -> Result<Self, KeyError> {
        let mut rotation = Self::default();
        rotation.create(now, pool, &pool_keys.key(pool).await?, purpose, alg, KeyState::Pending).await?;
        Ok(rotation)
    }

    /// Revokes a key. If it was the active one, follow with [`Rotation::due`] after the commit: until then nothing is signed.
    pub async fn revoke(now: UnixMillis, pool: &PoolId, store: &Store, kid: &str) -> Result<Self, KeyError> {
        let mut rotation = Self::default();
        rotation.advance(now, pool, &published(store, pool).await?, kid, KeyState::Revoked)?;
        Ok(rotation)
    }

    /// The end of all keys of a pool, for the batch that deletes it. Misses when one was made or moved on since they were read.
    pub async fn end(now: UnixMillis, pool: &PoolId, store: &Store) -> Result<Self, KeyError> {
        let mut rotation = Self::default();
        let stored = published(store, pool).await?;
        for key in &stored {
            rotation.advance(now, pool, &stored, &key.facts.kid, KeyState::Revoked)?;
        }
        Ok(rotation)
    }

    async fn create(
        &mut self,
        now: UnixMillis,
        pool: &PoolId,
        pool_key: &Arc<PoolKey>,
        purpose: Purpose,
        alg: Alg,
        state: KeyState,
    ) -> Result<(), KeyError> {
        let Generated { key, pkcs8 } =
            tokio::task::spawn_blocking(move || generate(alg)).await.map_err(|_| KeyError::Generate)??;
        let facts = KeyFacts { kid: key.kid().to_owned(), purpose, state, since: now };
        let private = pool_key.seal(cell(&[&facts.kid]), &pkcs8)?;
        let stored = StoredKey { facts, alg, public: key.public_jwk().clone(), private: Some(private) };
        self.statements.push(rows::insert(now, pool, &stored));
        self.changes.push(change(&stored, state));
        Ok(())
    }

    fn advance(
        &mut self,
        now: UnixMillis,
        pool: &PoolId,
        stored: &[StoredKey],
        kid: &str,
        to: KeyState,
    ) -> Result<(), KeyError> {
        let key = stored.iter().find(|key| key.facts.kid == kid).ok_or(KeyError::Forbidden)?;
        if !key.facts.state.allows(to) {
            return Err(KeyError::Forbidden);
        }
        self.statements.push(rows::advance(now, pool, kid, key.facts.state, to));
        self.changes.push(change(key, to));
        Ok(())
    }
}

async fn published(store: &Store, pool: &PoolId) -> Result<Vec<StoredKey>, KeyError> {
    store.read(rows::published(pool)).await?.iter().map(StoredKey::read).collect()
}

fn change(key: &StoredKey, state: KeyState) -> KeyChange {
    KeyChange { kid: key.facts.kid.clone(), purpose: key.facts.purpose, alg: key.alg, state, jwk: key.public.to_json() }
}
