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
    a_rotation_at_once_goes_by_the_same_states,
    a_rotation_may_change_the_algorithm,
    a_revoked_key_is_gone_at_once_and_replaced,
    starting_over_leaves_no_key_that_was_there,
    many_rotations_end_where_verifiers_might_not_follow,
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

    fn both(&self) -> (&Store, &PoolKeys) {
        (&self.store, &self.pool_keys)
    }

    async fn due(&self, now: UnixMillis) -> Rotation {
        Rotation::due(now, &self.pool, self.both(), &RotationPolicy::default()).await.unwrap()
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
    let begun = Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap();
    let race = Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap();
    assert_eq!(begun.changes.iter().map(|c| c.state).collect::<Vec<_>>(), [KeyState::Pending; 2]);
    let next = begun.changes[0].kid.clone();
    world.commit(begun.statements).await.unwrap();
    assert_eq!(world.commit(race.statements).await, Err(CommitError::Missed { index: 0 }), "another issuer's turn");
    assert!(world.published().await.contains(&next), "published ahead");
    assert_eq!(world.signs_with(Purpose::Id).await.unwrap(), kid(old.expose()), "not signing yet");
    let twice = Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap();
    assert!(twice.statements.is_empty(), "there are pending keys");

    assert!(world.due(NOW.plus(Duration::from_secs(599))).await.statements.is_empty());
    let promoted = NOW.plus(Duration::from_secs(600));
    let (promote, race) = (world.due(promoted).await, world.due(promoted).await);
    let states: Vec<_> = promote.changes.iter().map(|c| c.state).collect();
    assert_eq!(states, [KeyState::Retiring, KeyState::Active, KeyState::Retiring, KeyState::Active]);
    world.commit(promote.statements).await.unwrap();
    assert_eq!(world.commit(race.statements).await, Err(CommitError::Missed { index: 0 }), "another issuer's turn");
    assert_eq!(world.signs_with(Purpose::Id).await.unwrap(), next);
    assert!(verifies(&world.ring.key_set(&world.pool, ISSUER).await.unwrap(), old.expose()));

    let before = world.private_halves().await;
    assert!(world.due(promoted.plus(hours(24))).await.statements.is_empty(), "tokens of the old keys may live");
    world.commit(world.due(promoted.plus(hours(25))).await.statements).await.unwrap();
    assert!(!world.published().await.contains(&kid(old.expose())));
    assert_eq!(world.private_halves().await, before - 2, "retired keys are destroyed");
}

async fn a_rotation_at_once_goes_by_the_same_states(store: Store) {
    let world = World::new(store).await;
    let old = world.ring.sign(&world.pool, Purpose::Access, &json!({})).await.unwrap();
    assert!(Rotation::promote(NOW, &world.pool, &world.store).await.unwrap().statements.is_empty(), "nothing pending");
    world.commit(Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap().statements).await.unwrap();
    let promote = Rotation::promote(NOW, &world.pool, &world.store).await.unwrap();
    world.commit(promote.statements).await.unwrap();
    assert_ne!(world.signs_with(Purpose::Access).await.unwrap(), kid(old.expose()));
    assert!(verifies(&world.ring.key_set(&world.pool, ISSUER).await.unwrap(), old.expose()));
}

async fn a_revoked_key_is_gone_at_once_and_replaced(store: Store) {
    let world = World::new(store).await;
    for pending in [false, true] {
        if pending {
            world
                .commit(Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap().statements)
                .await
                .unwrap();
        }
        let token = world.ring.sign(&world.pool, Purpose::Access, &json!({})).await.unwrap();
        let stolen = kid(token.expose());
        let revoked = Rotation::revoke(NOW, &world.pool, world.both(), &stolen).await.unwrap();
        let states: Vec<_> = revoked.changes.iter().map(|change| change.state).collect();
        assert_eq!(states, [KeyState::Active, KeyState::Revoked], "the successor first");
        let successor = revoked.changes[0].kid.clone();
        assert_eq!(world.published().await.contains(&successor), pending);
        world.commit(revoked.statements).await.unwrap();
        assert!(!world.published().await.contains(&stolen));
        assert_eq!(world.signs_with(Purpose::Access).await.unwrap(), successor);
        assert!(world.signs_with(Purpose::Id).await.is_ok(), "the other purpose goes on");
        let again = Rotation::revoke(NOW, &world.pool, world.both(), &stolen).await;
        assert_eq!(again.err(), Some(KeyError::Forbidden));
    }
}

async fn starting_over_leaves_no_key_that_was_there(store: Store) {
    let world = World::new(store).await;
    world.commit(Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap().statements).await.unwrap();
    let before = world.published().await;
    assert_eq!(before.len(), 4);
    let fresh = Rotation::start_over(NOW, &world.pool, world.both()).await.unwrap();
    world.commit(fresh.statements).await.unwrap();
    let after = world.published().await;
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|kid| !before.contains(kid)));
    assert!(world.signs_with(Purpose::Id).await.is_ok() && world.signs_with(Purpose::Access).await.is_ok());
    assert_eq!(world.private_halves().await, 2);
}

async fn many_rotations_end_where_verifiers_might_not_follow(store: Store) {
    let world = World::new(store).await;
    let mut rotations = 0;
    let refused = loop {
        match Rotation::begin(NOW, &world.pool, world.both(), None).await {
            Ok(begun) => world.commit(begun.statements).await.unwrap(),
            Err(refused) => break refused,
        }
        world.commit(Rotation::promote(NOW, &world.pool, &world.store).await.unwrap().statements).await.unwrap();
        rotations += 1;
    };
    assert_eq!((refused, rotations), (KeyError::TooManyKeys, 127));
    assert!(world.signs_with(Purpose::Id).await.is_ok());
}

async fn a_rotation_may_change_the_algorithm(store: Store) {
    let world = World::new(store).await;
    let before = world.ring.sign(&world.pool, Purpose::Access, &json!({"sub": "x"})).await.unwrap();
    let begun = Rotation::begin(NOW, &world.pool, world.both(), Some(Alg::EdDSA)).await.unwrap();
    assert!(begun.changes.iter().all(|change| change.alg == Alg::EdDSA));
    world.commit(begun.statements).await.unwrap();
    assert_eq!(world.ring.algorithm(&world.pool, Purpose::Access).await, Ok(Alg::ES256), "not yet");
    let promoted = Rotation::promote(NOW, &world.pool, &world.store).await.unwrap();
    world.commit(promoted.statements).await.unwrap();
    for purpose in Purpose::ALL {
        world.signs_with(purpose).await.unwrap();
        assert_eq!(world.ring.algorithm(&world.pool, purpose).await, Ok(Alg::EdDSA));
    }
    let set = world.ring.key_set(&world.pool, ISSUER).await.unwrap();
    assert!(verifies(&set, before.expose()), "what the old key signed stays good");
    // The next ones go on with it; others are not made.
    let next = Rotation::begin(NOW, &world.pool, world.both(), None).await.unwrap();
    assert!(!next.changes.is_empty() && next.changes.iter().all(|change| change.alg == Alg::EdDSA));
    let other = Rotation::begin(NOW, &world.pool, world.both(), Some(Alg::PS256)).await;
    assert_eq!(other.err(), Some(KeyError::Algorithm));
}

async fn a_private_key_does_not_open_in_another_row(store: Store) {
    let world = World::new(store).await;
    let swap = "UPDATE signing_keys SET private_key = (SELECT o.private_key FROM signing_keys o WHERE o.purpose = 'access') \
                WHERE purpose = 'id'";
    world.commit([Statement::new(swap)]).await.unwrap();
    let error = world.signs_with(Purpose::Id).await.unwrap_err();
    assert_eq!(error, KeyError::Open(envelope::OpenError::Refused));
}
