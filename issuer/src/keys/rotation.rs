//! Makes keys and moves them on. Decisions are in [`super::rules`]; this turns them into statements.

use std::sync::Arc;

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::jose::Alg;

use super::error::KeyError;
use super::generate::{Generated, generate};
use super::key_ring::cell;
use super::rows::{self, StoredKey};
use super::rules::{KeyFacts, KeyState, MAX_PER_PURPOSE, Purpose, RotationPolicy, Step, due};
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

    /// What is due for the pool by `policy`. A new key is of its predecessor's algorithm. Empty most of the time.
    pub async fn due(
        now: UnixMillis,
        pool: &PoolId,
        (store, pool_keys): (&Store, &PoolKeys),
        policy: &RotationPolicy,
    ) -> Result<Self, KeyError> {
        let (key, stored) = (pool_keys.key(pool).await?, published(store, pool).await?);
        let facts: Vec<KeyFacts> = stored.iter().map(|key| key.facts.clone()).collect();
        let mut rotation = Self::default();
        for purpose in Purpose::ALL {
            let alg = alg_of(&stored, purpose);
            for step in due(now, purpose, &facts, policy) {
                match step {
                    Step::CreateActive => rotation.create(now, pool, &key, purpose, alg, KeyState::Active).await?,
                    Step::CreatePending => rotation.create(now, pool, &key, purpose, alg, KeyState::Pending).await?,
                    Step::Promote { pending, active } => {
                        rotation.replace(now, pool, &stored, (&pending, active.as_deref()))?;
                    }
                    Step::Retire { kid } => rotation.advance(now, pool, &stored, &kid, KeyState::Retired)?,
                }
            }
        }
        Ok(rotation)
    }

    /// Pending keys for both purposes, asked for by an operator; [`Rotation::due`] promotes them when they have been published for long
    /// enough. `alg`: of the predecessors' algorithm where it is none. Empty where there are such keys already.
    ///
    /// # Errors
    /// [`KeyError::TooManyKeys`] where so many retiring keys are still needed that verifiers might not take more; [`KeyError::Algorithm`].
    pub async fn begin(
        now: UnixMillis,
        pool: &PoolId,
        (store, pool_keys): (&Store, &PoolKeys),
        alg: Option<Alg>,
    ) -> Result<Self, KeyError> {
        let (key, stored) = (pool_keys.key(pool).await?, published(store, pool).await?);
        let mut rotation = Self::default();
        for purpose in Purpose::ALL {
            let of_purpose = || stored.iter().filter(|key| key.facts.purpose == purpose);
            if of_purpose().count() >= MAX_PER_PURPOSE {
                return Err(KeyError::TooManyKeys);
            }
            if !of_purpose().any(|key| key.facts.state == KeyState::Pending) {
                let alg = alg.unwrap_or_else(|| alg_of(&stored, purpose));
                rotation.create(now, pool, &key, purpose, alg, KeyState::Pending).await?;
            }
        }
        Ok(rotation)
    }

    /// The pending keys sign from now, however short a time they have been published: for who has made sure that verifiers know them.
    pub async fn promote(now: UnixMillis, pool: &PoolId, store: &Store) -> Result<Self, KeyError> {
        let stored = published(store, pool).await?;
        let mut rotation = Self::default();
        for purpose in Purpose::ALL {
            let find = |state| stored.iter().find(|key| key.facts.purpose == purpose && key.facts.state == state);
            if let Some(pending) = find(KeyState::Pending) {
                let active = find(KeyState::Active).map(|key| key.facts.kid.as_str());
                rotation.replace(now, pool, &stored, (&pending.facts.kid, active))?;
            }
        }
        Ok(rotation)
    }

    /// Revokes a key. If it is the active one, another is active in the same batch: the pending one, else a new one.
    ///
    /// # Errors
    /// [`KeyError::Forbidden`] for a key that is not published, or not of this pool.
    pub async fn revoke(
        now: UnixMillis,
        pool: &PoolId,
        (store, pool_keys): (&Store, &PoolKeys),
        kid: &str,
    ) -> Result<Self, KeyError> {
        let stored = published(store, pool).await?;
        let revoked = stored.iter().find(|key| key.facts.kid == kid).ok_or(KeyError::Forbidden)?;
        let purpose = revoked.facts.purpose;
        let mut rotation = Self::default();
        rotation.advance(now, pool, &stored, kid, KeyState::Revoked)?;
        if revoked.facts.state == KeyState::Active {
            let next = stored.iter().find(|key| key.facts.purpose == purpose && key.facts.state == KeyState::Pending);
            match next {
                Some(next) => rotation.advance(now, pool, &stored, &next.facts.kid, KeyState::Active)?,
                None => {
                    let key = pool_keys.key(pool).await?;
                    rotation.create(now, pool, &key, purpose, revoked.alg, KeyState::Active).await?;
                }
            }
        }
        // Verifiers hear of the new key first. In the database it is the other way round: one key of a purpose is active.
        rotation.changes.reverse();
        Ok(rotation)
    }

    /// Revokes every key of the pool's set and makes a new active one a purpose: after a restore.
    pub async fn start_over(
        now: UnixMillis,
        pool: &PoolId,
        (store, pool_keys): (&Store, &PoolKeys),
    ) -> Result<Self, KeyError> {
        let (key, stored) = (pool_keys.key(pool).await?, published(store, pool).await?);
        let mut rotation = Self::default();
        for old in &stored {
            rotation.advance(now, pool, &stored, &old.facts.kid, KeyState::Revoked)?;
        }
        for purpose in Purpose::ALL {
            rotation.create(now, pool, &key, purpose, alg_of(&stored, purpose), KeyState::Active).await?;
        }
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

    fn replace(
        &mut self,
        now: UnixMillis,
        pool: &PoolId,
        stored: &[StoredKey],
        (pending, active): (&str, Option<&str>),
    ) -> Result<(), KeyError> {
        if let Some(active) = active {
            self.advance(now, pool, stored, active, KeyState::Retiring)?;
        }
        self.advance(now, pool, stored, pending, KeyState::Active)
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

/// What the key that signs next is of, else the one that signs, else the newest of the purpose; Cognito's own where there is none. Keys that were
/// made within one millisecond, or before a step back of the clock, have no order that says which is the successor: their states do.
fn alg_of(stored: &[StoredKey], purpose: Purpose) -> Alg {
    let of_purpose = || stored.iter().filter(|key| key.facts.purpose == purpose);
    let of_state = |state| of_purpose().find(|key| key.facts.state == state);
    let key = of_state(KeyState::Pending).or_else(|| of_state(KeyState::Active)).or_else(|| of_purpose().next_back());
    key.map_or(Alg::RS256, |key| key.alg)
}

async fn published(store: &Store, pool: &PoolId) -> Result<Vec<StoredKey>, KeyError> {
    store.read(rows::published(pool)).await?.iter().map(StoredKey::read).collect()
}

fn change(key: &StoredKey, state: KeyState) -> KeyChange {
    KeyChange { kid: key.facts.kid.clone(), purpose: key.facts.purpose, alg: key.alg, state, jwk: key.public.to_json() }
}
