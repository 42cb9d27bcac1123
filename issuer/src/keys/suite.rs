//! Keys with a store: made, used, rotated, revoked.

use std::sync::Arc;
use std::time::Duration;

use common::clock::UnixMillis;
use common::ids::PoolId;
use common::jose::{Alg, Jwks, Jws, KeySet};
use common::secret::SecretString;
use serde_json::json;

use super::rotation::Rotation;
use super::{KeyError, KeyRing, KeyState, Purpose, RotationPolicy};
use crate::engines::on_both_engines;
use crate::envelope::{self, PoolKeys, RootKey};
use crate::store::{Batch, CommitError, Migration, Query, Statement, Store};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const ISSUER: &str = "https://issuer.example/eu_a";

on_both_engines!(
    a_new_pool_signs_each_kind_of_token_with_its_own_key,
    rsa_keys_sign_what_their_set_verifies,
    a_rotation_keeps_every_token_good,
    a_revoked_key_is_gone_at_once_and_replaced,
    a_private_key_does_not_open_in_another_row,
);

fn migrations() -> Vec<&'static Migration> {
    envelope::MIGRATIONS.iter().chain(super::MIGRATIONS).collect()
}

struct World {
    store: Store,
    pool_keys: Arc<PoolKeys>,
    ring: KeyRing,
    pool: PoolId,
}

impl World {
    /// A pool with its two keys. Elliptic ones, which are quick to make.
    async fn new(store: Store) -> Self {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let pool_keys = Arc::new(PoolKeys::new(root, store.clone()));
        let ring = KeyRing::new(store.clone(), Arc::clone(&pool_keys));
        let pool = PoolId::parse("eu_a").unwrap();
        let world = Self { store, pool_keys, ring, pool };
        let (key, statement) = world.pool_keys.create(NOW, &world.pool).unwrap();
        let made = Rotation::of_new_pool(NOW, &world.pool, &key, Alg::ES256).await.unwrap();
        world.commit([statement].into_iter().chain(made.statements)).await.unwrap();
        world
    }

    async fn commit(&self, statements: impl IntoIterator<Item = Statement>) -> Result<(), CommitError> {
        let mut batch = Batch::new();
        batch.extend(statements);
        let done = self.store.commit(batch).await;
        self.ring.forget(&self.pool);
        done
    }

    /// The `kid` that signs now; the token verifies under the published set.
    async fn signs_with(&self, purpose: Purpose) -> Result<String, KeyError> {
        let token = self.ring.sign(&self.pool, purpose, &json!({"sub": "x"})).await?;
        let set = self.ring.key_set(&self.pool, ISSUER).await?;
        assert!(verifies(&set, token.expose()));
        Ok(kid(token.expose()))
    }

    async fn published(&self) -> Vec<String> {
        let json = self.ring.public_jwks_json(&self.pool).await.unwrap();
        Jwks::parse(&json).unwrap().keys().iter().map(|key| key.kid().to_owned()).collect()
    }

    async fn due(&self, now: UnixMillis) -> Rotation {
        let policy = RotationPolicy::default();
        Rotation::due(now, &self.pool, (&self.store, &self.pool_keys), (&policy, Alg::ES256)).await.unwrap()
    }

    async fn private_halves(&self) -> usize {
        let query = Query::new("SELECT kid FROM signing_keys WHERE private_key IS NOT NULL");
        self.store.read(query).await.unwrap().len()
    }
}

fn kid(token: &str) -> String {
    Jws::parse(token).unwrap().header.kid.as_deref().unwrap().to_owned()
}

fn verifies(set: &KeySet, token: &str) -> bool {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = common::jose::base64url_decode(signature).unwrap();
    set.key(Some(&kid(token))).is_some_and(|key| key.verifies(input.as_bytes(), &signature))
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3_600)
}

async fn a_new_pool_signs_each_kind_of_token_with_its_own_key(store: Store) {
    let world = World::new(store).await;
    let (id, access) = (world.signs_with(Purpose::Id).await.unwrap(), world.signs_with(Purpose::Access).await.unwrap());
    assert_ne!(id, access);
    let mut published = world.published().await;
    published.sort();
    let mut both = vec![id, access];
    both.sort();
    assert_eq!(published, both);
    assert!(!world.ring.public_jwks_json(&world.pool).await.unwrap().contains("\"d\""), "nothing private");
    assert!(world.due(NOW.plus(hours(10_000))).await.statements.is_empty(), "rotated only when asked");
}

async fn rsa_keys_sign_what_their_set_verifies(store: Store) {
    let world = World::new(store).await;
    let pool = PoolId::parse("eu_b").unwrap();
    let (key, statement) = world.pool_keys.create(NOW, &pool).unwrap();
    let made = Rotation::of_new_pool(NOW, &pool, &key, Alg::RS256).await.unwrap();
    world.commit([statement].into_iter().chain(made.statements)).await.unwrap();
    let token = world.ring.sign(&pool, Purpose::Access, &json!({"sub": "x"})).await.unwrap();
    let set = world.ring.key_set(&pool, ISSUER).await.unwrap();
    assert!(verifies(&set, token.expose()));
    assert_eq!(Jws::parse(token.expose()).unwrap().header.alg, Alg::RS256);
    assert!(!verifies(&world.ring.key_set(&world.pool, ISSUER).await.unwrap(), token.expose()), "another pool's set");
}

async fn a_rotation_keeps_every_token_good(store: Store) {
    let world = World::new(store).await;
    let old = world.ring.sign(&world.pool, Purpose::Id, &json!({})).await.unwrap();
    let begun = Rotation::begin(NOW, &world.pool, &world.pool_keys, (Purpose::Id, Alg::ES256)).await.unwrap();
    let next = begun.changes[0].kid.clone();
    assert_eq!(begun.changes[0].state, KeyState::Pending);
    world.commit(begun.statements).await.unwrap();
    assert!(world.published().await.contains(&next), "published ahead");
    assert_eq!(world.signs_with(Purpose::Id).await.unwrap(), kid(old.expose()), "not signing yet");
    let twice = Rotation::begin(NOW, &world.pool, &world.pool_keys, (Purpose::Id, Alg::ES256)).await.unwrap();
    assert_eq!(world.commit(twice.statements).await, Err(CommitError::Missed { index: 0 }));

    assert!(world.due(NOW.plus(hours(23))).await.statements.is_empty());
    let (promote, race) = (world.due(NOW.plus(hours(24))).await, world.due(NOW.plus(hours(24))).await);
    assert_eq!(promote.changes.iter().map(|c| c.state).collect::<Vec<_>>(), [KeyState::Retiring, KeyState::Active]);
    world.commit(promote.statements).await.unwrap();
    assert_eq!(world.commit(race.statements).await, Err(CommitError::Missed { index: 0 }), "another issuer's turn");
    assert_eq!(world.signs_with(Purpose::Id).await.unwrap(), next);
    assert!(verifies(&world.ring.key_set(&world.pool, ISSUER).await.unwrap(), old.expose()));

    let before = world.private_halves().await;
    world.commit(world.due(NOW.plus(hours(49))).await.statements).await.unwrap();
    assert!(!world.published().await.contains(&kid(old.expose())));
    assert_eq!(world.private_halves().await, before - 1, "a retired key is destroyed");
}

async fn a_revoked_key_is_gone_at_once_and_replaced(store: Store) {
    let world = World::new(store).await;
    let token = world.ring.sign(&world.pool, Purpose::Access, &json!({})).await.unwrap();
    let stolen = kid(token.expose());
    let revoked = Rotation::revoke(NOW, &world.pool, &world.store, &stolen).await.unwrap();
    world.commit(revoked.statements).await.unwrap();
    assert!(!world.published().await.contains(&stolen));
    assert_eq!(world.signs_with(Purpose::Access).await, Err(KeyError::NoActiveKey));
    assert!(world.signs_with(Purpose::Id).await.is_ok(), "the other purpose goes on");
    world.commit(world.due(NOW).await.statements).await.unwrap();
    assert_ne!(world.signs_with(Purpose::Access).await.unwrap(), stolen);
    let again = Rotation::revoke(NOW, &world.pool, &world.store, &stolen).await;
    assert_eq!(again.err(), Some(KeyError::Forbidden));
}

async fn a_private_key_does_not_open_in_another_row(store: Store) {
    let world = World::new(store).await;
    let swap = "UPDATE signing_keys SET private_key = (SELECT o.private_key FROM signing_keys o WHERE o.purpose = 'access') \
                WHERE purpose = 'id'";
    world.commit([Statement::new(swap)]).await.unwrap();
    let error = world.signs_with(Purpose::Id).await.unwrap_err();
    assert_eq!(error, KeyError::Open(envelope::OpenError::Refused));
}
