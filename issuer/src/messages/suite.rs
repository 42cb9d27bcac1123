//! The queue on both engines: nothing is lost, nothing is sent twice, and what can't be sent ends.

use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, FakeClock, UnixMillis};
use common::ids::PoolId;
use common::secret::SecretString;
use tokio::sync::watch;

use super::senders::{Config, Senders};
use super::status::{self, Filter, RetryError, State, Status};
use super::{Courier, Message, Parts, rows};
use crate::engines::on_both_engines;
use crate::envelope::{self, PoolKey, PoolKeys, RootKey};
use crate::metrics::Metrics;
use crate::store::{Batch, CommitError, Migration, Store};

on_both_engines!(
    delivered_once_by_two_issuers,
    a_lease_holds_until_it_ends,
    without_a_sender_a_message_fails_at_its_end,
    a_failed_message_goes_again_while_its_code_lives,
    status_outlives_the_content_and_then_goes,
    what_an_older_build_queued_is_delivered,
    pages_go_on_where_the_last_one_ended,
);

const START: UnixMillis = UnixMillis(1_800_000_000_000);
const PATIENCE: Duration = Duration::from_secs(30);

fn migrations() -> Vec<&'static Migration> {
    envelope::MIGRATIONS.iter().chain(rows::MIGRATIONS).collect()
}

/// A deployment with one pool and an outbox folder.
struct World {
    store: Store,
    keys: Arc<PoolKeys>,
    key: Arc<PoolKey>,
    clock: Arc<FakeClock>,
    outbox: tempfile::TempDir,
}

impl World {
    async fn new(store: Store) -> Self {
        let root = RootKey::from_text(&SecretString::new("07".repeat(32))).unwrap();
        let keys = Arc::new(PoolKeys::new(root, store.clone()));
        let pool = PoolId::parse("eu_a").unwrap();
        let (_, stored) = keys.create(START, &pool).unwrap();
        commit(&store, stored).await;
        let key = keys.key(&pool).await.unwrap();
        let outbox = tempfile::tempdir().unwrap();
        Self { store, keys, key, clock: Arc::new(FakeClock::at(START)), outbox }
    }

    /// One issuer on this database, with the outbox as its sender or none.
    fn issuer(&self, outbox: bool) -> (Courier, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
        let outbox = outbox.then(|| self.outbox.path().to_owned());
        let parts = Parts {
            store: self.store.clone(),
            pool_keys: self.keys.clone(),
            clock: self.clock.clone(),
            metrics: Arc::new(Metrics::default()),
            senders: Senders::open(&Config { outbox, smtp: None }).unwrap(),
        };
        let (stop, stopping) = watch::channel(false);
        let (courier, task) = Courier::start(parts, stopping);
        (courier, stop, task)
    }

    async fn queue(&self, courier: &Courier, message: &Message) {
        let queued = courier.queue(&self.key, message, "request-1", self.clock.now()).unwrap();
        commit(&self.store, queued).await;
        courier.queued(std::slice::from_ref(message));
    }

    fn message(&self, life: Duration) -> Message {
        Message { until: self.clock.now().plus(life).0, at: self.clock.now().0, ..Message::sample() }
    }

    async fn list(&self) -> Vec<Status> {
        status::list(&self.store, &Filter { limit: 500, ..Filter::default() }).await.unwrap().0
    }

    /// Waits until all messages are in this state.
    async fn until_all(&self, state: State, count: usize) -> Vec<Status> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let all = self.list().await;
            if all.len() == count && all.iter().all(|m| m.state == state) {
                return all;
            }
            assert!(tokio::time::Instant::now() < deadline, "not {state:?}: {all:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn files(&self) -> usize {
        std::fs::read_dir(self.outbox.path()).unwrap().count()
    }
}

async fn commit(store: &Store, statement: crate::store::Statement) {
    let mut batch = Batch::new();
    batch.add(statement);
    store.commit(batch).await.unwrap();
}

async fn delivered_once_by_two_issuers(store: Store) {
    let world = World::new(store).await;
    let (first, stop_first, first_task) = world.issuer(true);
    let (second, stop_second, second_task) = world.issuer(true);
    let message = world.message(Duration::from_secs(3600));
    for _ in 0..20 {
        world.queue(&first, &message).await;
        world.queue(&second, &message).await;
    }
    let all = world.until_all(State::Delivered, 40).await;
    assert_eq!(world.files(), 40);
    // Whoever takes a message counts a try: nobody took one that another had.
    assert!(all.iter().all(|m| m.attempts == 1 && m.last_error.is_empty() && m.request == "request-1"), "{all:?}");
    stop_first.send_replace(true);
    stop_second.send_replace(true);
    first_task.await.unwrap();
    second_task.await.unwrap();
}

async fn a_lease_holds_until_it_ends(store: Store) {
    let world = World::new(store).await;
    let message = world.message(Duration::from_secs(3600));
    commit(&world.store, rows::insert(&message, "m", "r", START, vec![1])).await;
    let until = START.plus(Duration::from_secs(30));
    for lease in ["dead", "late"] {
        commit(&world.store, rows::take("eu_a", "m", lease, START, until)).await;
    }
    assert!(world.store.read(rows::taken_by("late")).await.unwrap().is_empty());
    let dead = world.store.read(rows::taken_by("dead")).await.unwrap();
    let dead = rows::taken(&dead[0]).unwrap();
    assert_eq!((dead.attempts, dead.end.0), (1, message.until));
    assert!(world.store.read(rows::due(UnixMillis(until.0 - 1), 9)).await.unwrap().is_empty());
    // The first is taken for dead, and what it says afterwards is too late.
    commit(&world.store, rows::take("eu_a", "m", "next", until, until.plus(Duration::from_secs(30)))).await;
    for late in [rows::delivered(&dead, until), rows::renew(&dead, until), rows::failed(&dead, until, "x")] {
        let mut batch = Batch::new();
        batch.add(late);
        let refused = world.store.commit(batch).await.unwrap_err();
        assert!(matches!(refused, CommitError::Missed { .. }), "{refused:?}");
    }
    let next = world.store.read(rows::taken_by("next")).await.unwrap();
    assert_eq!(rows::taken(&next[0]).unwrap().attempts, 2);
}

async fn without_a_sender_a_message_fails_at_its_end(store: Store) {
    let world = World::new(store).await;
    let (courier, stop, task) = world.issuer(false);
    world.queue(&courier, &world.message(Duration::from_secs(60))).await;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while world.list().await[0].last_error.is_empty() {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let waits = world.list().await.remove(0);
    assert_eq!(waits.last_error, "no sender is configured for email");
    assert!(waits.next_at > START.0 && waits.next_at <= waits.expires_at, "{waits:?}");
    world.clock.advance(Duration::from_secs(61));
    let failed = world.until_all(State::Failed, 1).await.remove(0);
    assert!(failed.last_error.contains("its time is over"), "{failed:?}");
    stop.send_replace(true);
    task.await.unwrap();
}

async fn a_failed_message_goes_again_while_its_code_lives(store: Store) {
    let world = World::new(store).await;
    let message = world.message(Duration::from_secs(60));
    let (courier, stop, task) = world.issuer(true);
    stop.send_replace(true);
    task.await.unwrap();
    world.queue(&courier, &message).await;
    let id = world.list().await[0].id.clone();
    fail(&world, &id).await;
    assert!(matches!(status::retry(&world.store, "eu_b", &id, START).await, Err(RetryError::NotThere)));
    let late = UnixMillis(message.until);
    assert!(matches!(status::retry(&world.store, "eu_a", &id, late).await, Err(RetryError::NotThere)));
    status::retry(&world.store, "eu_a", &id, START).await.unwrap();
    assert!(matches!(status::retry(&world.store, "eu_a", &id, START).await, Err(RetryError::NotThere)), "it waits");
    let (_courier, _stop, _task) = world.issuer(true);
    world.until_all(State::Delivered, 1).await;
    assert_eq!(world.files(), 1);
}

async fn status_outlives_the_content_and_then_goes(store: Store) {
    let world = World::new(store).await;
    let (courier, _stop, _task) = world.issuer(true);
    world.queue(&courier, &world.message(Duration::from_secs(60))).await;
    world.until_all(State::Delivered, 1).await;
    let content = || crate::store::Query::new("SELECT LENGTH(sealed) FROM messages");
    assert_eq!(world.store.one(content()).await.unwrap().unwrap().int(0).unwrap(), 0, "the content is gone");
    prune(&world, START.plus(rows::KEPT)).await;
    assert_eq!(world.list().await.len(), 1);
    prune(&world, START.plus(rows::KEPT).plus(Duration::from_millis(1))).await;
    assert!(world.list().await.is_empty());
}

async fn what_an_older_build_queued_is_delivered(store: Store) {
    let world = World::new(store).await;
    let mut text = serde_json::to_value(Message::sample()).unwrap();
    for newer in ["format", "until"] {
        text.as_object_mut().unwrap().remove(newer);
    }
    let sealed = world.key.seal(rows::cell(&["old"]), text.to_string().as_bytes()).unwrap();
    let insert =
        crate::store::Statement::new("INSERT INTO messages (pool, id, created_at, sealed) VALUES ($1, $2, $3, $4)")
            .bind("eu_a")
            .bind("old")
            .bind(START)
            .bind(sealed);
    commit(&world.store, insert).await;
    assert_eq!(world.list().await[0].expires_at, START.plus(rows::LONGEST).0);
    assert_eq!(status::waiting(&world.store, START).await.unwrap()[0].kind, "unknown");
    let (_courier, _stop, _task) = world.issuer(true);
    world.until_all(State::Delivered, 1).await;
    assert_eq!(world.files(), 1);
}

async fn pages_go_on_where_the_last_one_ended(store: Store) {
    let world = World::new(store).await;
    for n in 0..5 {
        let message = world.message(Duration::from_secs(60));
        // Two of a millisecond, so that the id decides too.
        let at = START.plus(Duration::from_millis(n / 2));
        commit(&world.store, rows::insert(&message, &format!("m{n}"), "r", at, vec![1])).await;
    }
    let mut filter = Filter { limit: 2, pool: Some("eu_a".into()), state: Some(State::Waiting), after: None };
    let mut seen = Vec::new();
    loop {
        let (page, after) = status::list(&world.store, &filter).await.unwrap();
        seen.extend(page.into_iter().map(|m| m.id));
        filter.after = after;
        if filter.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["m4", "m3", "m2", "m1", "m0"]);
    let other = Filter { pool: Some("eu_b".into()), limit: 2, ..Filter::default() };
    assert!(status::list(&world.store, &other).await.unwrap().0.is_empty());
}

async fn fail(world: &World, id: &str) {
    commit(&world.store, rows::take("eu_a", id, "l", START, START.plus(Duration::from_secs(1)))).await;
    let taken = world.store.read(rows::taken_by("l")).await.unwrap();
    commit(&world.store, rows::failed(&rows::taken(&taken[0]).unwrap(), START, "recipient: 550 5.1.1")).await;
}

async fn prune(world: &World, now: UnixMillis) {
    let mut batch = Batch::new();
    batch.extend(rows::prune(now));
    world.store.commit(batch).await.unwrap();
}
