//! Prepared keys of the pools in use: signs tokens, serves JWK sets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use common::ids::PoolId;
use common::jose::{Alg, Header, Jwks, KeySet, SigningKey};
use moka::sync::Cache;
use serde::Serialize;
use tokio::sync::{Mutex, Semaphore};

use super::error::KeyError;
use super::rows::{self, StoredKey};
use super::rules::{KeyState, Purpose};
use super::signed::SignedToken;
use crate::envelope::{Context, PoolKey, PoolKeys};
use crate::store::Store;

/// Pools whose keys are held ready, at about 10 KiB each.
const CACHED_POOLS: u64 = 1_024;

/// How long a change that nobody told may go unnoticed. Changes are told by [`KeyRing::forget`]: this issuer's at once, others' when
/// `signing::watch` sees them.
const REFRESH_AFTER: Duration = Duration::from_secs(30);

/// Signs with the active keys of pools, and publishes their public halves.
pub struct KeyRing {
    store: Store,
    pool_keys: Arc<PoolKeys>,
    pools: Cache<PoolId, Arc<PoolRing>>,
    /// Counts [`KeyRing::forget`]: what was read before one is not kept after it.
    forgotten: AtomicU64,
    /// One pool is loaded at a time: when an entry ends under load, one caller loads it and the others find it.
    loading: Mutex<()>,
    /// RS256 is 0.5 ms of arithmetic, too little to pay for a thread switch, so it is done where it is asked for; one worker
    /// thread less than there are may be at it, so that one is always free for sockets.
    signing: Semaphore,
}

struct PoolRing {
    id: Option<SigningKey>,
    access: Option<SigningKey>,
    jwks: Arc<Jwks>,
    json: Arc<str>,
    verifying: OnceLock<Arc<KeySet>>,
}

impl KeyRing {
    pub fn new(store: Store, pool_keys: Arc<PoolKeys>) -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            pool_keys,
            pools: Cache::builder().max_capacity(CACHED_POOLS).time_to_live(REFRESH_AFTER).build(),
            forgotten: AtomicU64::new(0),
            loading: Mutex::new(()),
            signing: Semaphore::new(workers.saturating_sub(1).max(1)),
        }
    }

    /// Signs claims with the pool's active key for `purpose`. The header has `kid` and `alg`, as Cognito's tokens have.
    pub async fn sign(
        &self,
        pool: &PoolId,
        purpose: Purpose,
        claims: &impl Serialize,
    ) -> Result<SignedToken, KeyError> {
        self.sign_typed(pool, purpose, None, claims).await
    }

    /// The same with the header's `typ`, where there is one.
    pub async fn sign_typed(
        &self,
        pool: &PoolId,
        purpose: Purpose,
        typ: Option<&str>,
        claims: &impl Serialize,
    ) -> Result<SignedToken, KeyError> {
        let ring = self.ring(pool).await?;
        let key = ring.active(purpose).ok_or(KeyError::NoActiveKey)?;
        // The semaphore is never closed; without a permit, signing would go on unbounded, which is better than failing.
        let _turn = self.signing.acquire().await;
        let header = Header { typ: typ.map(str::to_owned), ..key.header() };
        Ok(SignedToken::new(key.sign_compact(&header, claims)?))
    }

    /// What the pool's active key for `purpose` signs with.
    pub async fn algorithm(&self, pool: &PoolId, purpose: Purpose) -> Result<Alg, KeyError> {
        self.ring(pool).await?.active(purpose).map(SigningKey::alg).ok_or(KeyError::NoActiveKey)
    }

    /// The public keys that verify the pool's tokens: pending, active and retiring ones.
    pub async fn public_jwks(&self, pool: &PoolId) -> Result<Arc<Jwks>, KeyError> {
        Ok(Arc::clone(&self.ring(pool).await?.jwks))
    }

    /// The same as the JSON document of `/{pool}/.well-known/jwks.json`.
    pub async fn public_jwks_json(&self, pool: &PoolId) -> Result<Arc<str>, KeyError> {
        Ok(Arc::clone(&self.ring(pool).await?.json))
    }

    /// The same, ready to verify the pool's own tokens, whose `iss` is `issuer`.
    pub async fn key_set(&self, pool: &PoolId, issuer: &str) -> Result<Arc<KeySet>, KeyError> {
        let ring = self.ring(pool).await?;
        if let Some(known) = ring.verifying.get().filter(|set| &**set.issuer() == issuer) {
            return Ok(Arc::clone(known));
        }
        let set = Arc::new(KeySet::new(issuer, ring.jwks.as_ref().clone())?);
        let _another_was_first = ring.verifying.set(Arc::clone(&set));
        Ok(set)
    }

    /// The same, if it is at hand: costs no read.
    pub fn held(&self, pool: &PoolId) -> Option<Arc<KeySet>> {
        self.pools.get(pool)?.verifying.get().map(Arc::clone)
    }

    /// Drops what is held of a pool: after a rotation or revocation, here or at another issuer, and when the pool is deleted.
    pub fn forget(&self, pool: &PoolId) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.pools.invalidate(pool);
    }

    /// Drops what is held of all pools.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.pools.invalidate_all();
    }

    async fn ring(&self, pool: &PoolId) -> Result<Arc<PoolRing>, KeyError> {
        if let Some(ring) = self.pools.get(pool) {
            return Ok(ring);
        }
        let _turn = self.loading.lock().await;
        if let Some(ring) = self.pools.get(pool) {
            return Ok(ring);
        }
        let forgotten = self.forgotten.load(Ordering::SeqCst);
        let key = self.pool_keys.key(pool).await?;
        let rows = self.store.read(rows::published(pool)).await?;
        let stored = rows.iter().map(StoredKey::read).collect::<Result<Vec<_>, _>>()?;
        let ring = Arc::new(PoolRing::open(&key, stored)?);
        self.pools.insert(pool.clone(), Arc::clone(&ring));
        if self.forgotten.load(Ordering::SeqCst) != forgotten {
            self.pools.invalidate(pool); // the rows may be from before the change that was told meanwhile
        }
        Ok(ring)
    }
}

impl PoolRing {
    fn open(pool_key: &PoolKey, stored: Vec<StoredKey>) -> Result<Self, KeyError> {
        let active = |purpose| {
            let wanted = |key: &&StoredKey| key.facts.purpose == purpose && key.facts.state == KeyState::Active;
            stored.iter().find(wanted).map(|key| open_private(pool_key, key)).transpose()
        };
        let (id, access) = (active(Purpose::Id)?, active(Purpose::Access)?);
        let jwks = Jwks::new(stored.into_iter().map(|key| key.public).collect())?;
        let json = jwks.to_json().into();
        Ok(Self { id, access, jwks: Arc::new(jwks), json, verifying: OnceLock::new() })
    }

    fn active(&self, purpose: Purpose) -> Option<&SigningKey> {
        match purpose {
            Purpose::Id => self.id.as_ref(),
            Purpose::Access => self.access.as_ref(),
        }
    }
}

/// Where a private key is sealed.
pub(super) fn cell<'a>(row: &'a [&'a str; 1]) -> Context<'a> {
    Context { table: "signing_keys", row, column: "private_key" }
}

fn open_private(pool_key: &PoolKey, stored: &StoredKey) -> Result<SigningKey, KeyError> {
    let sealed = stored.private.as_deref().ok_or(KeyError::Damaged("an active key has no private half"))?;
    let pkcs8 = pool_key.open(cell(&[&stored.facts.kid]), sealed)?;
    let key = SigningKey::from_pkcs8(stored.alg, pkcs8.expose())?;
    // The set publishes the stored public half: what is signed must verify under it.
    if key.kid() == stored.facts.kid { Ok(key) } else { Err(KeyError::Damaged("the two halves of a key differ")) }
}
