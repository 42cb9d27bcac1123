//! On both engines: who makes keys, what edges get of them, and what lies in the database.

use std::sync::Arc;

use common::clock::FakeClock;
use common::feed::{Epoch, FeedState, LogRecord, Position};
use common::secret::SecretString;

use super::*;
use crate::engines::on_both_engines;
use crate::envelope::RootKey;
use crate::outbox::Wake;
use crate::publish::hub::Hub;
use crate::publish::sealing::DeploymentSealing;
use crate::store::Migration;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const USAGE: KeyUsage = KeyUsage::Challenge;

on_both_engines!(
    of_many_issuers_one_makes_the_first_key,
    a_replaced_key_is_accepted_for_its_time_and_goes,
    a_leaked_key_ends_at_once,
    there_are_four_at_most,
    of_many_rotations_at_once_each_makes_a_key_of_its_own,
    nothing_in_the_database_shows_a_key,
    another_root_key_opens_none,
);

fn migrations() -> Vec<&'static Migration> {
    outbox::MIGRATIONS.iter().collect()
}

fn sealing(fill: &str) -> Arc<dyn Sealing> {
    let root = RootKey::from_text(&SecretString::new(fill.repeat(32))).unwrap();
    Arc::new(DeploymentSealing::new(root.deployment_key().unwrap()))
}

async fn with_feed(store: &Store) -> Arc<dyn Sealing> {
    let mut batch = Batch::new();
    batch.add(outbox::ensure(&FeedName::Global, NOW));
    store.commit(batch).await.unwrap();
    sealing("07")
}

fn hub(store: &Store, sealing: &Arc<dyn Sealing>) -> Hub {
    Hub::new(store.clone(), Arc::new(FakeClock::at(NOW)), Wake::default(), Arc::clone(sealing))
}

/// What an edge has, once by a snapshot and once by all that was ever appended: number and key, the newest first.
async fn at_an_edge(store: &Store, sealing: &Arc<dyn Sealing>) -> Vec<(u64, [u8; 32])> {
    let hub = hub(store, sealing);
    let (position, records) = hub.snapshot(&FeedName::Global).await.unwrap().unwrap();
    let state = FeedState::from_records(position, records.iter()).unwrap();
    let keys: Vec<_> = state.deployment_keys(USAGE).map(|key| (key.number, key.key)).collect();
    let start = Position::start(Epoch([0; 16]));
    let page = hub.records_after(&FeedName::Global, start).await.unwrap().unwrap();
    let told = page.records.iter().fold(start, |position, one: &LogRecord| position.after(&one.record));
    assert_eq!((told.seq, told.digest), (position.seq, position.digest), "the chain is over what edges get");
    let records: Vec<_> = page.records.into_iter().map(|one| one.record).collect();
    let folded = FeedState::from_records(told, records.iter()).unwrap();
    let by_deltas: Vec<_> = folded.deployment_keys(USAGE).map(|key| (key.number, key.key)).collect();
    assert_eq!(keys, by_deltas);
    keys
}

fn numbers(keys: &[(u64, [u8; 32])]) -> Vec<u64> {
    keys.iter().map(|(number, _)| *number).collect()
}

async fn of_many_issuers_one_makes_the_first_key(store: Store) {
    let sealing = with_feed(&store).await;
    let issuers: Vec<_> = (0..8)
        .map(|_| {
            let (store, sealing) = (store.clone(), Arc::clone(&sealing));
            tokio::spawn(async move { ensure(&store, sealing.as_ref(), USAGE, NOW).await })
        })
        .collect();
    let mut done = 0;
    for issuer in issuers {
        done += usize::from(issuer.await.unwrap().is_ok());
    }
    assert_eq!(done, 8);
    let keys = at_an_edge(&store, &sealing).await;
    assert_eq!(numbers(&keys), [1]);
    ensure(&store, sealing.as_ref(), USAGE, NOW).await.unwrap();
    assert_eq!(at_an_edge(&store, &sealing).await, keys, "a restart makes none");
}

async fn a_replaced_key_is_accepted_for_its_time_and_goes(store: Store) {
    let sealing = with_feed(&store).await;
    ensure(&store, sealing.as_ref(), USAGE, NOW).await.unwrap();
    let [(1, first)] = at_an_edge(&store, &sealing).await[..] else { panic!("one key") };
    rotate(&store, sealing.as_ref(), USAGE, Old::Accepted, NOW).await.unwrap();
    let end = NOW.plus(Duration::from_hours(96));
    let keys = at_an_edge(&store, &sealing).await;
    assert_eq!(numbers(&keys), [2, 1]);
    assert!(keys[1].1 == first && keys[0].1 != first);
    let view = list(&store, USAGE).await.unwrap();
    assert_eq!(view[1], KeyView { number: 1, created: NOW, until: Some(end) });
    prune(&store, sealing.as_ref(), UnixMillis(end.0 - 1)).await.unwrap();
    assert_eq!(at_an_edge(&store, &sealing).await, keys);
    prune(&store, sealing.as_ref(), end).await.unwrap();
    assert_eq!(numbers(&at_an_edge(&store, &sealing).await), [2]);
    assert!(list(&store, KeyUsage::Limit).await.unwrap().is_empty(), "a use has keys of its own");
}

async fn a_leaked_key_ends_at_once(store: Store) {
    let sealing = with_feed(&store).await;
    for old in [Old::Accepted, Old::Accepted, Old::Ended] {
        rotate(&store, sealing.as_ref(), USAGE, old, NOW).await.unwrap();
    }
    assert_eq!(numbers(&at_an_edge(&store, &sealing).await), [3]);
    assert_eq!(list(&store, USAGE).await.unwrap().len(), 1);
}

async fn there_are_four_at_most(store: Store) {
    let sealing = with_feed(&store).await;
    for _ in 0..7 {
        rotate(&store, sealing.as_ref(), USAGE, Old::Accepted, NOW).await.unwrap();
    }
    assert_eq!(numbers(&at_an_edge(&store, &sealing).await), [7, 6, 5, 4]);
}

async fn of_many_rotations_at_once_each_makes_a_key_of_its_own(store: Store) {
    let sealing = with_feed(&store).await;
    ensure(&store, sealing.as_ref(), USAGE, NOW).await.unwrap();
    let both = [0, 1].map(|_| {
        let (store, sealing) = (store.clone(), Arc::clone(&sealing));
        tokio::spawn(async move { rotate(&store, sealing.as_ref(), USAGE, Old::Accepted, NOW).await })
    });
    for one in both {
        one.await.unwrap().unwrap();
    }
    assert_eq!(numbers(&at_an_edge(&store, &sealing).await), [3, 2, 1]);
    let ends: Vec<bool> = list(&store, USAGE).await.unwrap().iter().map(|key| key.until.is_some()).collect();
    assert_eq!(ends, [false, true, true]);
}

async fn nothing_in_the_database_shows_a_key(store: Store) {
    let sealing = with_feed(&store).await;
    rotate(&store, sealing.as_ref(), USAGE, Old::Accepted, NOW).await.unwrap();
    rotate(&store, sealing.as_ref(), USAGE, Old::Accepted, NOW).await.unwrap();
    let keys = at_an_edge(&store, &sealing).await;
    assert_eq!(keys.len(), 2);
    let mut looked_at = 0;
    for row in store.read(Query::new("SELECT body FROM feed_log").at_most(100)).await.unwrap() {
        let bytes = row.bytes(0).unwrap();
        assert!(!keys.iter().any(|(_, key)| bytes.windows(8).any(|part| part == &key[..8])));
        looked_at += 1;
    }
    assert_eq!(looked_at, 2);
}

async fn another_root_key_opens_none(store: Store) {
    let sealed = with_feed(&store).await;
    rotate(&store, sealed.as_ref(), USAGE, Old::Accepted, NOW).await.unwrap();
    let other = sealing("08");
    let hub = hub(&store, &other);
    assert!(hub.snapshot(&FeedName::Global).await.is_err(), "and edges get nothing that they could not read");
    assert_eq!(at_an_edge(&store, &sealed).await.len(), 1);
}
