//! The log against both engines.

use std::sync::{Mutex, OnceLock};

use common::clock::UnixMillis;
use common::feed::{Change, ClientSettings, FeedName, FeedState, LONGEST_TOKEN_LIFE, Position, Removable, Revoked};
use common::ids::{ClientId, Sub};

use super::*;
use crate::store::fixture::{Cluster, Fsync};
use crate::store::{Batch, CommitError, Migration, Query, Store, StoreConfig};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

/// One server for these tests; each has a database of its own.
static SERVER: OnceLock<Result<Mutex<Cluster>, String>> = OnceLock::new();

async fn open(config: &StoreConfig) -> Store {
    let migrations: Vec<&Migration> = MIGRATIONS.iter().collect();
    Store::open(config, &migrations).await.unwrap()
}

macro_rules! on_both_engines {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let dir = tempfile::tempdir().unwrap();
                super::$name(super::open(&super::StoreConfig::sqlite(dir.path().join("t.db"))).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let server = super::SERVER.get_or_init(|| super::Cluster::start(super::Fsync::Off).map(super::Mutex::new));
                let url = server.as_ref().unwrap().lock().unwrap().database().unwrap();
                super::$name(super::open(&super::StoreConfig::postgres(url)).await).await;
            })*
        }
    };
}

on_both_engines!(
    the_log_is_a_chain_and_its_fold_is_the_snapshot,
    what_cannot_be_published_is_not_committed,
    pruning_forgets_what_has_left_and_brings_nothing_back,
    many_records_of_one_subject_are_pruned_in_one_pass,
    a_new_epoch_is_later_whatever_the_clock_says,
);

async fn commit(store: &Store, statements: impl IntoIterator<Item = Statement>) -> Result<(), CommitError> {
    let mut batch = Batch::new();
    batch.extend(statements);
    store.commit(batch).await
}

async fn page(store: &Store, after: u64) -> LogPage {
    read_page(&store.read(deltas_after(&FeedName::Global, after)).await.unwrap()).unwrap().unwrap()
}

async fn snap(store: &Store, now: UnixMillis) -> FeedState {
    let (position, records) =
        read_snapshot(&store.read(snapshot(&FeedName::Global, now)).await.unwrap()).unwrap().unwrap();
    FeedState::from_records(position, &records).unwrap()
}

fn token(jti: &str) -> Change {
    Change::Revoked(Revoked::Token { jti: jti.into() })
}

fn client(enabled: bool) -> Change {
    Change::Client(ClientSettings { client_id: ClientId::parse("c").unwrap(), enabled, scopes: None })
}

async fn the_log_is_a_chain_and_its_fold_is_the_snapshot(store: Store) {
    let global = FeedName::Global;
    commit(&store, [create(&global, NOW)]).await.unwrap();
    for change in [token("a"), client(true), token("b"), client(false)] {
        commit(&store, append(&global, &change, NOW)).await.unwrap();
    }
    let page = page(&store, 0).await;
    let mut position = Position::start(page.epoch);
    for entry in &page.records {
        assert_eq!(entry.prev, position.digest);
        position = position.after(&entry.record);
        assert_eq!((entry.seq, entry.digest), (position.seq, position.digest));
    }
    let heads = read_heads(&store.read(heads()).await.unwrap()).unwrap();
    assert_eq!(heads[&global], Head { position, floor: 0 });
    let state = snap(&store, NOW).await;
    assert_eq!(state.position(), position);
    assert!(state.revoked().token("a") && state.revoked().token("b"));
    assert!(!state.clients().next().unwrap().enabled, "the newest counts");
}

async fn what_cannot_be_published_is_not_committed(store: Store) {
    let missing = commit(&store, append(&FeedName::Global, &token("a"), NOW)).await;
    assert_eq!(missing, Err(CommitError::Missed { index: 0 }), "no such feed");
    commit(&store, [create(&FeedName::Global, NOW)]).await.unwrap();
    let again = commit(&store, [create(&FeedName::Global, NOW)]).await;
    assert_eq!(again, Err(CommitError::Missed { index: 0 }), "there is one already");
    commit(&store, [ensure(&FeedName::Global, NOW)]).await.unwrap();
    let long = commit(&store, append(&FeedName::Global, &token(&"j".repeat(300)), NOW)).await;
    assert_eq!(long, Err(CommitError::Missed { index: 0 }), "no encoding");
    assert_eq!(page(&store, 0).await.records, []);
}

async fn pruning_forgets_what_has_left_and_brings_nothing_back(store: Store) {
    let global = FeedName::Global;
    let gone = Change::Removed(Removable::Client(ClientId::parse("c").unwrap()));
    commit(&store, [create(&global, NOW)]).await.unwrap();
    for change in [client(true), token("a"), gone] {
        commit(&store, append(&global, &change, NOW)).await.unwrap();
    }
    let later = NOW.plus(LONGEST_TOKEN_LIFE);
    commit(&store, append(&global, &token("b"), later)).await.unwrap();
    let before = snap(&store, later).await;
    assert_eq!(before.clients().count(), 0, "a removal that has left still hides what it removed");
    commit(&store, prune(&global, NOW)).await.unwrap();
    assert_eq!(page(&store, 0).await.records.len(), 4, "too early");
    commit(&store, prune(&global, later)).await.unwrap();
    let page = page(&store, 0).await;
    assert_eq!((page.floor, page.records.len()), (3, 1));
    assert_eq!(snap(&store, later).await, before);
    assert!(before.revoked().token("b") && !before.revoked().token("a"));
}

/// By comparing each record with each, either engine would take minutes.
async fn many_records_of_one_subject_are_pruned_in_one_pass(store: Store) {
    const SIGN_OUTS: u64 = 20_000;
    let (global, sub) = (FeedName::Global, Sub::parse("0b6e5b4e-6b3d-4b0e-9f0e-1a2b3c4d5e6f").unwrap());
    commit(&store, [create(&global, NOW)]).await.unwrap();
    for first in (0..SIGN_OUTS).step_by(1_000) {
        let at = |nth| UnixMillis(NOW.0 + nth);
        let sign_out = |nth| Change::Revoked(Revoked::User { sub: sub.clone(), valid_after: at(nth) });
        let batch = (first..first + 1_000).flat_map(|nth| append(&global, &sign_out(nth), at(nth)));
        commit(&store, batch.collect::<Vec<_>>()).await.unwrap();
    }
    let prunes = async {
        for (after, left) in [(0, SIGN_OUTS), (LONGEST_TOKEN_LIFE.as_millis() as u64 / 2, SIGN_OUTS)] {
            commit(&store, prune(&global, UnixMillis(NOW.0 + after))).await.unwrap();
            assert_eq!(count(&store).await, left);
        }
        commit(&store, prune(&global, UnixMillis(NOW.0 + REPLACED_STAY_MS + SIGN_OUTS))).await.unwrap();
        assert_eq!(count(&store).await, 1, "the newest stays for as long as a token may live");
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), prunes).await.expect("one pass each");
}

async fn count(store: &Store) -> u64 {
    let rows = store.read(Query::new("SELECT COUNT(*) FROM feed_log")).await.unwrap();
    rows[0].u64(0).unwrap()
}

async fn a_new_epoch_is_later_whatever_the_clock_says(store: Store) {
    commit(&store, [create(&FeedName::Global, NOW)]).await.unwrap();
    let old = page(&store, 0).await.epoch;
    commit(&store, [new_epoch(Some(old), UnixMillis(5))]).await.unwrap();
    assert!(page(&store, 0).await.epoch > old);
}
