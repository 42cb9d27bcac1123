//! Backups of real rows into the other engine, and what is refused.

use std::path::{Path, PathBuf};

use common::clock::UnixMillis;
use common::feed::{FeedName, KeyUsage};
use common::ids::PoolId;
use common::jose::Alg;
use common::secret::SecretString;
use tokio::sync::oneshot;

use super::{Ask, Kept, RestoreError, restore, stream};
use crate::engines::on_both_engines;
use crate::envelope::{PoolKeys, RootKey};
use crate::keys::Rotation;
use crate::publish::{DeploymentSealing, deployment_keys};
use crate::store::{Batch, Migration, OpenError, Query, Statement, Store, StoreConfig};
use crate::{migrations, outbox};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const LATER: UnixMillis = UnixMillis(1_700_000_600_000);

on_both_engines!(
    a_backup_restores_and_revives_nothing,
    what_is_not_a_whole_backup_of_ours_is_refused_and_leaves_nothing,
    a_pool_that_is_being_purged_does_not_stand_in_the_way,
    tables_of_others_are_left_alone,
);

fn migrations() -> Vec<&'static Migration> {
    migrations::all()
}

fn root(fill: &str) -> RootKey {
    RootKey::from_text(&SecretString::new(fill.repeat(32))).unwrap()
}

/// A pool with keys and a feed, 3,000 users with a session each, a code, an admin key and a join token.
async fn fill(store: &Store) {
    let pool = PoolId::parse("eu_a").unwrap();
    let keys = PoolKeys::new(root("07"), store.clone());
    let (key, statement) = keys.create(NOW, &pool).unwrap();
    let mut batch = Batch::new();
    batch.add(statement);
    batch.add(outbox::create(&FeedName::from(pool.clone()), NOW));
    batch.extend(Rotation::of_new_pool(NOW, &pool, &key, Alg::ES256).await.unwrap().statements);
    batch.add(Statement::new(
        "INSERT INTO one_time_codes (pool, purpose, subject, digest, attempts, created_at, expires_at) VALUES ('eu_a', 'p', 's', $1, 0, 1, 2)",
    ).bind([1u8; 32]));
    batch.add(
        Statement::new("INSERT INTO enrolments (secret_hash, edge, expires_at) VALUES ($1, 'e', 9)").bind([2u8; 32]),
    );
    batch.add(
        Statement::new("INSERT INTO admin_keys (access_key_id, secret, created_at) VALUES ('AKIA', $1, 1)")
            .bind([3u8; 9]),
    );
    batch.add(
        Statement::new(
            "INSERT INTO devices (pool, sub, device, group_key, remembered, trust, last_address, authenticated_at, created_at, modified_at, version) \
             VALUES ('eu_a', 's', 'eu_0', '-0', 1, $1, '', 1, 1, 1, 0)",
        )
        .bind([4u8; 16].as_slice()),
    );
    batch.add(outbox::ensure(&FeedName::Global, NOW));
    batch.add(crate::users::search::indexes::create(&pool, "custom:a", NOW));
    store.commit(batch).await.unwrap();
    let sealing = DeploymentSealing::new(root("07").deployment_key().unwrap());
    deployment_keys::ensure(store, &sealing, KeyUsage::Challenge, NOW).await.unwrap();
    for part in 0..3 {
        let mut batch = Batch::new();
        for user in part * 1_000..(part + 1) * 1_000 {
            let sub = format!("{user:08x}-6b3d-4b0e-9f0e-1a2b3c4d5e6f");
            batch.add(Statement::new(
                "INSERT INTO users (pool, sub, username, status, enabled, attributes, valid_after, newest_mint, created_at, modified_at) \
                 VALUES ('eu_a', $1, $2, 'CONFIRMED', 1, '{\"custom:a\":\"v\",\"ü\":\"'' ;\"}', 0, $3, 1, 1)",
            ).bind(&sub).bind(format!("user {user}")).bind(LATER.0 + 7));
            batch.add(Statement::new(
                "INSERT INTO sessions (pool, origin_jti, sub, client, refresh_digest, scope, minted_at, authenticated_at, expires_at) \
                 VALUES ('eu_a', $1, $2, 'c', $3, '', 1, 1, 2)",
            ).bind(format!("o{user}")).bind(&sub).bind(format!("{user:032}").into_bytes()));
        }
        store.commit(batch).await.unwrap();
    }
}

async fn back_up(store: &Store, folder: &Path) -> PathBuf {
    let (told, ended) = oneshot::channel();
    let mut parts =
        stream(store, &root("07"), NOW, |outcome| async move { told.send(outcome).unwrap() }).await.unwrap();
    let mut file = Vec::new();
    while let Some(part) = parts.recv().await {
        file.extend_from_slice(&part);
    }
    let made = ended.await.unwrap().unwrap();
    assert_eq!(made.bytes, file.len() as u64);
    let outline = super::outline(file.as_slice()).unwrap();
    assert_eq!((outline.rows, outline.bytes), (made.rows, made.bytes));
    assert!(!file.windows(9).any(|part| part == b"user 1234"), "nothing can be read in it");
    let path = folder.join("backup");
    std::fs::write(&path, file).unwrap();
    path
}

async fn restored(file: &Path, into: &StoreConfig, key: &str, now: UnixMillis) -> Result<super::Report, RestoreError> {
    let all = migrations::all();
    let ask = Ask { file, into, migrations: &all, now, kept: Kept::default() };
    restore(ask, root(key), &mut |_| {}).await
}

async fn count(store: &Store, what: &str) -> i64 {
    store.one(Query::new(format!("SELECT COUNT(*) FROM {what}"))).await.unwrap().unwrap().int(0).unwrap()
}

async fn a_backup_restores_and_revives_nothing(store: Store) {
    fill(&store).await;
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(&store, folder.path()).await;
    let into = StoreConfig::sqlite(folder.path().join("other.db"));
    let report = restored(&file, &into, "07", LATER).await.unwrap();
    assert_eq!(report.at, UnixMillis(LATER.0 + 7), "later than every mint");
    assert_eq!((report.pools, report.admin_keys.len(), report.admin_keys[0].kept), (1, 1, false));

    let other = Store::open(&into, &migrations::all()).await.unwrap();
    assert_eq!(count(&other, "users WHERE attributes = '{\"custom:a\":\"v\",\"ü\":\"'' ;\"}'").await, 3_000);
    assert_eq!(count(&other, &format!("users WHERE valid_after = {}", report.at.0)).await, 3_000);
    assert_eq!(count(&other, "sessions WHERE revoked_at IS NULL").await, 0);
    assert_eq!(count(&other, "sessions").await, 3_000);
    for filled_by_triggers in ["derived_values", "derived_suffixes"] {
        assert_eq!(count(&other, filled_by_triggers).await, 3_000, "{filled_by_triggers}");
    }
    assert_eq!(count(&other, "signing_keys WHERE state = 'revoked' AND private_key IS NULL").await, 2);
    assert_eq!(count(&other, "signing_keys WHERE state = 'active'").await, 2);
    assert_eq!(
        count(&other, "devices WHERE remembered = 1 AND trust IS NULL").await,
        1,
        "it may have been stolen since"
    );
    assert_eq!(count(&other, "oauth_used_ids WHERE pool = ''").await, 1, "it knows that it was restored");
    for gone in ["one_time_codes", "enrolments", "admin_keys"] {
        assert_eq!(count(&other, gone).await, 0, "{gone}");
    }
    assert_eq!(count(&other, "deployment_keys WHERE number = 1").await, 0, "a key that edges share");
    assert_eq!(count(&other, "deployment_keys WHERE number = 2 AND ends_at IS NULL").await, 1);
    assert_eq!(count(&other, "audit WHERE operation = 'Restore'").await, 1);
    let heads = |rows: Vec<crate::store::Row>| {
        outbox::read_heads(&rows).unwrap().into_iter().find(|(feed, _)| *feed != FeedName::Global).unwrap().1.position
    };
    let (before, after) =
        (heads(store.read(outbox::heads()).await.unwrap()), heads(other.read(outbox::heads()).await.unwrap()));
    assert!(after.epoch > before.epoch && after.seq == 6, "{before:?} {after:?}");
    drop(other);
    let again = restored(&file, &into, "07", LATER).await;
    assert!(again.unwrap_err().to_string().contains("not empty"));
}

async fn what_is_not_a_whole_backup_of_ours_is_refused_and_leaves_nothing(store: Store) {
    fill(&store).await;
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(&store, folder.path()).await;
    let whole = std::fs::read(&file).unwrap();
    let database = folder.path().join("other.db");
    let into = StoreConfig::sqlite(&database);
    assert!(matches!(restored(&file, &into, "08", LATER).await, Err(RestoreError::WrongRootKey { .. })));
    let behind = restored(&file, &into, "07", UnixMillis(NOW.0 - 400_000)).await;
    assert!(matches!(behind, Err(RestoreError::ClockBehind(_))));
    for at in [3, 40, 300, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for bad in [whole[..at].to_vec(), flipped, [whole.as_slice(), b"x"].concat()] {
            std::fs::write(&file, bad).unwrap();
            restored(&file, &into, "07", LATER).await.unwrap_err();
            assert!(!database.exists(), "byte {at}");
        }
    }
    std::fs::write(&file, whole).unwrap();
    let all = migrations::all();
    let loading = crate::store::Loading::begin(&into, &all, &[]).await.unwrap();
    drop(loading);
    let interrupted = Store::open_alone(&into, &all).await;
    assert_eq!(interrupted.err(), Some(OpenError::Unfinished));
    restored(&file, &into, "07", LATER).await.unwrap();
}

/// Its data key goes with the pool, its signing keys later, in the background.
async fn a_pool_that_is_being_purged_does_not_stand_in_the_way(store: Store) {
    fill(&store).await;
    let mut batch = Batch::new();
    batch.add(Statement::new("DELETE FROM pool_keys"));
    store.commit(batch).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(&store, folder.path()).await;
    let into = StoreConfig::sqlite(folder.path().join("other.db"));
    assert_eq!(restored(&file, &into, "07", LATER).await.unwrap().pools, 0);
}

async fn tables_of_others_are_left_alone(store: Store) {
    fill(&store).await;
    let folder = tempfile::tempdir().unwrap();
    let file = back_up(&store, folder.path()).await;
    let theirs = StoreConfig::sqlite(folder.path().join("theirs.db"));
    let made = Migration { version: 1, name: "theirs", sql: "CREATE TABLE users (name TEXT NOT NULL);" };
    let other = Store::open(&theirs, &[&made]).await.unwrap();
    let mut batch = Batch::new();
    batch.add(Statement::new("INSERT INTO users (name) VALUES ('bob')"));
    batch.add(Statement::new("DELETE FROM schema_migrations"));
    other.commit(batch).await.unwrap();
    drop(other);
    let refused = restored(&file, &theirs, "07", LATER).await.unwrap_err();
    assert!(refused.to_string().contains("not empty"), "{refused}");
    let other = Store::open(&theirs, &[]).await.unwrap();
    assert_eq!(count(&other, "users WHERE name = 'bob'").await, 1);
}
