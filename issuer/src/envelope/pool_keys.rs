//! The data keys of all pools: made with the pool, unwrapped when asked for, kept in a bounded cache.

use std::sync::Arc;

use common::clock::UnixMillis;
use common::ids::PoolId;
use moka::sync::Cache;

use super::cipher::{OpenError, SealError};
use super::pool_key::PoolKey;
use super::root_key::RootKey;
use super::rows::{self, WrappedKey};
use crate::store::{Statement, Store, StoreError};

/// Unwrapped keys kept in memory, at about 1 KiB each.
const CACHED_POOLS: u64 = 4_096;

/// Why a pool's data key is not to be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolKeyError {
    #[error("the pool has no data key")]
    NoSuchPool,
    /// For whoever operates the issuer: the wrong root key was configured.
    #[error("the data keys were wrapped by the root key {stored}, but {configured} is configured")]
    WrongRoot { stored: String, configured: String },
    #[error("the pool's data key does not open: {0}")]
    Damaged(#[from] OpenError),
    #[error(transparent)]
    Storage(#[from] StoreError),
}

/// Finds the data key of a pool.
pub struct PoolKeys {
    root: RootKey,
    store: Store,
    cache: Cache<PoolId, Arc<PoolKey>>,
}

impl PoolKeys {
    pub fn new(root: RootKey, store: Store) -> Self {
        Self { root, store, cache: Cache::new(CACHED_POOLS) }
    }

    /// The key for values that belong to no pool.
    pub fn root(&self) -> &RootKey {
        &self.root
    }

    /// Refuses a root key that did not wrap what is stored: ask at start, before anything is served.
    pub async fn check_root(&self) -> Result<(), PoolKeyError> {
        match self.store.one(rows::foreign(self.root.id())).await? {
            None => Ok(()),
            Some(row) => Err(self.wrong_root(row.text(0).map_err(StoreError::from)?)),
        }
    }

    /// A fresh data key for a new pool, and the statement that stores it, for the batch that makes the pool.
    pub fn create(&self, now: UnixMillis, pool: &PoolId) -> Result<(Arc<PoolKey>, Statement), SealError> {
        // Not cached here: the batch may fail, and another issuer may have made the pool.
        let (key, wrapped) = self.root.new_pool_key(pool)?;
        Ok((Arc::new(key), rows::insert(now, pool, self.root.id(), &wrapped)))
    }

    /// The data key of a pool. It never changes while the pool lives, so the cache needs no refresh.
    pub async fn key(&self, pool: &PoolId) -> Result<Arc<PoolKey>, PoolKeyError> {
        if let Some(key) = self.cache.get(pool) {
            return Ok(key);
        }
        let row = self.store.one(rows::by_pool(pool)).await?.ok_or(PoolKeyError::NoSuchPool)?;
        let stored = WrappedKey::read(&row).map_err(StoreError::from)?;
        if stored.root_id != self.root.id() {
            return Err(self.wrong_root(&stored.root_id));
        }
        let key = Arc::new(self.root.open_pool_key(pool, &stored.wrapped)?);
        self.cache.insert(pool.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// Drops the key of a deleted pool from memory.
    pub fn forget(&self, pool: &PoolId) {
        self.cache.invalidate(pool);
    }

    /// Drops the keys of all pools from memory.
    pub fn forget_all(&self) {
        self.cache.invalidate_all();
    }

    fn wrong_root(&self, stored: &str) -> PoolKeyError {
        PoolKeyError::WrongRoot { stored: stored.to_owned(), configured: self.root.id().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use common::secret::SecretString;

    use super::*;
    use crate::engines::on_both_engines;
    use crate::envelope::{Context, MIGRATIONS};
    use crate::store::{Batch, CommitError, Migration};

    const CELL: Context<'_> = Context { table: "t", row: &["r"], column: "c" };

    on_both_engines!(a_key_outlives_the_process_that_made_it, another_root_key_is_refused_by_name,);

    fn migrations() -> Vec<&'static Migration> {
        MIGRATIONS.iter().collect()
    }

    fn root(fill: &str) -> RootKey {
        RootKey::from_text(&SecretString::new(fill.repeat(32))).unwrap()
    }

    fn batch(statement: Statement) -> Batch {
        let mut batch = Batch::new();
        batch.add(statement);
        batch
    }

    async fn a_key_outlives_the_process_that_made_it(store: Store) {
        let pool = PoolId::parse("eu_a").unwrap();
        let keys = PoolKeys::new(root("07"), store.clone());
        assert_eq!(keys.key(&pool).await.err(), Some(PoolKeyError::NoSuchPool));
        let (key, statement) = keys.create(UnixMillis(1), &pool).unwrap();
        store.commit(batch(statement)).await.unwrap();
        let sealed = key.seal(CELL, b"x").unwrap();

        let restarted = PoolKeys::new(root("07"), store.clone());
        assert_eq!(restarted.check_root().await, Ok(()));
        assert_eq!(restarted.key(&pool).await.unwrap().open(CELL, &sealed).unwrap().expose(), b"x");
        let (_, again) = restarted.create(UnixMillis(2), &pool).unwrap();
        assert_eq!(store.commit(batch(again)).await, Err(CommitError::Missed { index: 0 }));
    }

    async fn another_root_key_is_refused_by_name(store: Store) {
        let pool = PoolId::parse("eu_a").unwrap();
        let (_, statement) = PoolKeys::new(root("07"), store.clone()).create(UnixMillis(1), &pool).unwrap();
        store.commit(batch(statement)).await.unwrap();
        let other = PoolKeys::new(root("08"), store);
        assert!(matches!(other.check_root().await, Err(PoolKeyError::WrongRoot { .. })));
        assert!(matches!(other.key(&pool).await, Err(PoolKeyError::WrongRoot { .. })));
    }
}
