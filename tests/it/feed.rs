//! The feed over real sockets: an issuer's server on SQLite and edges that join it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::clock::{Clock, SystemClock, UnixMillis};
use common::feed::{Alarm, Change, FeedName, FeedState, JoinToken, KeyUsage, Revoked};
use common::ids::{EdgeId, PoolId};
use common::secret::SecretBytes;
use edge::feed::{FeedConfig, FeedHandle, FeedSink};
use issuer::outbox::{self, Wake};
use issuer::publish::{self, Old, Pools, PublishConfig, PublishHandle, Running, Sealing, StartError};
use issuer::store::{Batch, Migration, Query, Store, StoreConfig};
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(10);

/// No secrecy, but bound to its context.
struct Plain;

impl Sealing for Plain {
    fn seal(&self, context: &str, plain: &[u8]) -> Option<Vec<u8>> {
        Some([context.as_bytes(), plain].concat())
    }

    fn open(&self, context: &str, sealed: &[u8]) -> Option<SecretBytes> {
        sealed.strip_prefix(context.as_bytes()).map(SecretBytes::new)
    }

    fn reset_key(&self) -> ring::hmac::Key {
        ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"test")
    }
}

/// An issuer's feed, without the rest of it.
pub struct Issuer {
    store: Store,
    running: Running,
    wake: Wake,
    dir: tempfile::TempDir,
}

impl Issuer {
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let migrations: Vec<&Migration> = outbox::MIGRATIONS.iter().collect();
        let store = Store::open(&StoreConfig::sqlite(dir.path().join("issuer.db")), &migrations).await.unwrap();
        let wake = Wake::default();
        let running = listen(&store, "127.0.0.1:0", &wake).await;
        let issuer = Self { store, running, wake, dir };
        issuer.create(&pool("r_A")).await;
        issuer.create(&pool("r_B")).await;
        issuer
    }

    /// The same database and address in a new process, as it were.
    pub async fn restart(self) -> Self {
        let address = self.running.local_addr().unwrap().to_string();
        let Self { store, running, wake, dir } = self;
        running.drain(Duration::from_secs(1)).await;
        let running = listen(&store, &address, &wake).await;
        Self { store, running, wake, dir }
    }

    fn handle(&self) -> PublishHandle {
        self.running.handle()
    }

    async fn create(&self, feed: &FeedName) {
        let mut batch = Batch::new();
        batch.add(outbox::create(feed, SystemClock.now()));
        self.store.commit(batch).await.unwrap();
    }

    async fn revoke(&self, feed: &FeedName, jti: &str) {
        let mut batch = Batch::new();
        batch.extend(outbox::append(feed, &Change::Revoked(Revoked::Token { jti: jti.into() }), SystemClock.now()));
        self.store.commit(batch).await.unwrap();
        self.wake.ring();
    }

    pub async fn enrol(&self, name: &str, pools: Pools) -> JoinToken {
        self.handle().enrol(edge_id(name), &pools).await.unwrap()
    }

    /// Files of an edge with this token.
    fn edge_config(&self, token: &JoinToken) -> FeedConfig {
        let dir = self.dir.path().join(token.name.as_str());
        std::fs::create_dir_all(&dir).unwrap();
        let file: PathBuf = dir.join("join.token");
        std::fs::write(&file, token.to_text().expose()).unwrap();
        FeedConfig::new(token.issuer.clone(), Some(file), dir.join("state"))
    }
}

async fn listen(store: &Store, address: &str, wake: &Wake) -> Running {
    let config = PublishConfig { listen: address.parse().unwrap(), advertise: String::new() };
    let begun = Instant::now();
    loop {
        match publish::start(store.clone(), Arc::new(SystemClock), config.clone(), Arc::new(Plain), wake.clone()).await
        {
            Ok(running) => return running,
            // The endpoint of a predecessor in this process lets its socket go a moment later.
            Err(StartError::Listen(_)) if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(10)).await
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn pool(id: &str) -> FeedName {
    FeedName::Pool(PoolId::parse(id).unwrap())
}

fn edge_id(name: &str) -> EdgeId {
    EdgeId::parse(name).unwrap()
}

#[derive(Default)]
struct Seen {
    states: BTreeMap<FeedName, FeedState>,
    replaced: usize,
    advanced: usize,
    alarms: Vec<Alarm>,
}

/// Remembers all that it was told; `changed` tells the test.
struct Sink {
    seen: Mutex<Seen>,
    changed: watch::Sender<u64>,
}

impl Sink {
    fn new() -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), changed: watch::Sender::new(0) })
    }

    async fn wait(&self, what: &str, until: impl Fn(&Seen) -> bool) {
        self.wait_for(what, PATIENCE, until).await;
    }

    async fn wait_for(&self, what: &str, patience: Duration, until: impl Fn(&Seen) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !until(&self.seen.lock().unwrap()) {
                changed.changed().await.unwrap();
            }
        };
        tokio::time::timeout(patience, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }

    fn put(&self, edit: impl FnOnce(&mut Seen)) {
        edit(&mut self.seen.lock().unwrap());
        self.changed.send_modify(|n| *n += 1);
    }
}

impl FeedSink for Sink {
    fn replace(&self, feed: &FeedName, state: &FeedState) {
        self.put(|seen| {
            seen.replaced += 1;
            seen.states.insert(feed.clone(), state.clone());
        });
    }

    fn advance(&self, feed: &FeedName, _: &[Change], state: &FeedState) {
        self.put(|seen| {
            seen.advanced += 1;
            seen.states.insert(feed.clone(), state.clone());
        });
    }

    fn remove(&self, feed: &FeedName) {
        self.put(|seen| drop(seen.states.remove(feed)));
    }

    fn fresh(&self, _: &FeedName, _: UnixMillis) {}

    fn alarm(&self, alarm: &Alarm) {
        self.put(|seen| seen.alarms.push(alarm.clone()));
    }
}

fn follow(config: &FeedConfig) -> (FeedHandle, Arc<Sink>) {
    let sink = Sink::new();
    (edge::feed::start(config.clone(), Arc::new(SystemClock), sink.clone()).unwrap(), sink)
}

fn revoked(seen: &Seen, feed: &FeedName, jti: &str) -> bool {
    seen.states.get(feed).is_some_and(|state| state.revoked().token(jti))
}

async fn ready(issuer: &Issuer, name: &str) {
    let begun = Instant::now();
    while !issuer.handle().all_ready(&[edge_id(name)]) {
        assert!(begun.elapsed() < PATIENCE, "{name} never became ready");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn connected(handle: &FeedHandle, wanted: bool) {
    let mut status = handle.status();
    let wait = status.wait_for(|status| status.connected == wanted);
    tokio::time::timeout(PATIENCE, wait).await.expect("the connection's state never changed").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_joins_follows_and_resumes() {
    let issuer = Issuer::start().await;
    issuer.revoke(&pool("r_A"), "before").await;
    let config = issuer.edge_config(&issuer.enrol("fra-1", Pools::All).await);
    let (edge, sink) = follow(&config);
    sink.wait("the snapshot", |seen| revoked(seen, &pool("r_A"), "before")).await;
    issuer.revoke(&pool("r_A"), "during").await;
    sink.wait("the delta", |seen| revoked(seen, &pool("r_A"), "during")).await;
    ready(&issuer, "fra-1").await;
    let status = edge.status().borrow().clone();
    assert!(status.complete && status.connected && status.feeds.len() == 3, "{status:?}");
    edge.stop().await;

    issuer.revoke(&pool("r_A"), "away").await;
    std::fs::remove_file(config.join_token_file.as_ref().unwrap()).unwrap();
    let (edge, sink) = follow(&config);
    assert!(revoked(&sink.seen.lock().unwrap(), &pool("r_A"), "during"), "the last good state serves at once");
    let from_disk = sink.seen.lock().unwrap().replaced;
    sink.wait("what it missed", |seen| revoked(seen, &pool("r_A"), "away")).await;
    assert_eq!(sink.seen.lock().unwrap().replaced, from_disk, "by deltas, not by a snapshot");

    let issuer = issuer.restart().await;
    issuer.revoke(&pool("r_A"), "restarted").await;
    sink.wait("the restarted issuer", |seen| revoked(seen, &pool("r_A"), "restarted")).await;
    assert_eq!(sink.seen.lock().unwrap().alarms, []);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_reads_its_own_pools_only_and_new_ones_if_it_reads_all() {
    let issuer = Issuer::start().await;
    let named = Pools::Named(vec![PoolId::parse("r_A").unwrap()]);
    let (one, _sink) = follow(&issuer.edge_config(&issuer.enrol("one", named).await));
    let (all, sink) = follow(&issuer.edge_config(&issuer.enrol("all", Pools::All).await));
    ready(&issuer, "one").await;
    ready(&issuer, "all").await;
    issuer.create(&pool("r_New")).await;
    issuer.revoke(&pool("r_New"), "x").await;
    sink.wait("the new pool", |seen| revoked(seen, &pool("r_New"), "x")).await;
    let feeds: Vec<FeedName> = one.status().borrow().feeds.keys().cloned().collect();
    assert_eq!(feeds, [FeedName::Global, pool("r_A")]);
    one.stop().await;
    all.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_token_works_once_and_a_revoked_edge_is_out() {
    let issuer = Issuer::start().await;
    let token = issuer.enrol("fra-1", Pools::All).await;
    let config = issuer.edge_config(&token);
    let (edge, _sink) = follow(&config);
    ready(&issuer, "fra-1").await;

    let mut second = config.clone();
    second.state_dir = issuer.dir.path().join("thief");
    let (thief, _) = follow(&second);
    let wrong = JoinToken { ca: [7; 32], ..issuer.enrol("fra-2", Pools::All).await };
    let (misled, _) = follow(&issuer.edge_config(&wrong));

    issuer.handle().revoke_edge(&edge_id("fra-1")).await.unwrap();
    connected(&edge, false).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert!(issuer.handle().edges().is_empty(), "none of the three is let in");
    assert!(!second.state_dir.join("identity").exists());

    // Enrolled again it starts over, and its old certificate stays void.
    let again = issuer.enrol("fra-1", Pools::All).await;
    let mut fresh = issuer.edge_config(&again);
    fresh.state_dir = issuer.dir.path().join("fresh");
    let (new, _sink) = follow(&fresh);
    ready(&issuer, "fra-1").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(issuer.handle().edges().len(), 1);
    for handle in [edge, thief, misled, new] {
        handle.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_issuer_begins_a_new_epoch_and_edges_take_snapshots() {
    let issuer = Issuer::start().await;
    let (edge, sink) = follow(&issuer.edge_config(&issuer.enrol("fra-1", Pools::All).await));
    ready(&issuer, "fra-1").await;
    let newest = outbox::read_heads(&issuer.store.read(outbox::heads()).await.unwrap()).unwrap();
    let newest = newest.values().map(|head| head.position.epoch).max();
    let mut batch = Batch::new();
    batch.add(outbox::new_epoch(newest, SystemClock.now()));
    issuer.store.commit(batch).await.unwrap();
    issuer.revoke(&pool("r_B"), "after").await;
    sink.wait("the new epoch", |seen| {
        revoked(seen, &pool("r_B"), "after") && seen.states.values().all(|state| Some(state.position().epoch) > newest)
    })
    .await;
    assert_eq!(sink.seen.lock().unwrap().alarms, []);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_over_the_feed() {
    let issuer = Issuer::start().await;
    let mut config = issuer.edge_config(&issuer.enrol("fra-1", Pools::All).await);
    config.renew_after = Duration::from_millis(1_500);
    let (edge, sink) = follow(&config);
    ready(&issuer, "fra-1").await;
    let identity = |dir: &Path| std::fs::read(dir.join("identity")).unwrap();
    let first = identity(&config.state_dir);
    let begun = Instant::now();
    while identity(&config.state_dir) == first {
        assert!(begun.elapsed() < PATIENCE, "no renewal");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let issuer = issuer.restart().await; // the new certificate is used, and good
    ready(&issuer, "fra-1").await;
    assert_eq!(sink.seen.lock().unwrap().alarms, []);
    edge.stop().await;
}

/// Prints; what it takes is for the benchmarks to judge.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_reaches_the_edge_in_a_moment() {
    let issuer = Issuer::start().await;
    let (edge, sink) = follow(&issuer.edge_config(&issuer.enrol("fra-1", Pools::All).await));
    ready(&issuer, "fra-1").await;
    let mut took = Vec::new();
    for n in 0..300 {
        let jti = format!("t{n}");
        let applied = sink.wait("the revocation", |seen| revoked(seen, &pool("r_A"), &jti));
        let committed = async {
            issuer.revoke(&pool("r_A"), &jti).await;
            Instant::now()
        };
        let ((), committed) = tokio::join!(applied, committed);
        took.push(committed.elapsed());
    }
    took.sort();
    println!("commit acknowledged to applied: p50 {:?}, p99 {:?}, max {:?}", took[150], took[297], took[299]);
    edge.stop().await;
}

/// Ends these many sessions, `s0` and on.
async fn end_sessions(store: &Store, feed: &FeedName, count: usize) {
    for from in (0..count).step_by(1_000) {
        let mut batch = Batch::new();
        for n in from..count.min(from + 1_000) {
            let change = Change::Revoked(Revoked::Session { origin_jti: session(n) });
            batch.extend(outbox::append(feed, &change, SystemClock.now()));
        }
        store.commit(batch).await.unwrap();
    }
}

fn session(n: usize) -> String {
    uuid::Uuid::from_u128(n as u128).to_string()
}

/// All of them and nothing else.
fn are_ended(seen: &Seen, feed: &FeedName, count: usize) -> bool {
    seen.states
        .get(feed)
        .is_some_and(|state| state.revoked().session(&session(count - 1)) && state.revoked().len() == count)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_that_was_away_catches_up() {
    const MISSED: usize = 20_000;
    let issuer = Issuer::start().await;
    let config = issuer.edge_config(&issuer.enrol("fra-1", Pools::All).await);
    let (edge, _sink) = follow(&config);
    ready(&issuer, "fra-1").await;
    edge.stop().await;
    end_sessions(&issuer.store, &pool("r_A"), MISSED).await;
    let begun = Instant::now();
    let (edge, sink) = follow(&config);
    sink.wait("the last one", |seen| are_ended(seen, &pool("r_A"), MISSED)).await;
    println!("{MISSED} missed revocations applied after {:?}", begun.elapsed());
    edge.stop().await;
}

/// SECURITY.md R6. Prints; what it takes is for the benchmarks to judge.
#[tokio::test(flavor = "multi_thread")]
async fn an_edge_catches_up_when_its_issuer_was_away() {
    const MISSED: usize = 100_000;
    let issuer = Issuer::start().await;
    let config = issuer.edge_config(&issuer.enrol("fra-1", Pools::All).await);
    let (edge, sink) = follow(&config);
    ready(&issuer, "fra-1").await;
    issuer.revoke(&pool("r_A"), "before").await;
    sink.wait("the last news", |seen| revoked(seen, &pool("r_A"), "before")).await;

    let Issuer { store, running, wake, dir } = issuer;
    let address = running.local_addr().unwrap().to_string();
    running.drain(Duration::from_secs(1)).await;
    connected(&edge, false).await;
    end_sessions(&store, &pool("r_B"), MISSED).await;
    assert!(!edge.status().borrow().connected, "nobody is there to tell it");
    assert!(revoked(&sink.seen.lock().unwrap(), &pool("r_A"), "before"), "what it knew it knows");
    let snapshots = sink.seen.lock().unwrap().replaced;

    let running = listen(&store, &address, &wake).await;
    let begun = Instant::now();
    sink.wait_for("all that it missed", PATIENCE * 6, |seen| are_ended(seen, &pool("r_B"), MISSED)).await;
    println!("{MISSED} missed revocations applied {:?} after the issuer's return", begun.elapsed());
    assert_eq!(sink.seen.lock().unwrap().replaced, snapshots, "by deltas, not by a snapshot");
    assert_eq!(sink.seen.lock().unwrap().alarms, []);
    edge.stop().await;
    running.drain(Duration::from_secs(1)).await;
    drop(dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_edges_share_are_made_once_and_replaced_at_all_of_them() {
    let issuer = Issuer::start().await;
    let named = Pools::Named(vec![PoolId::parse("r_A").unwrap()]);
    let (one, of_one) = follow(&issuer.edge_config(&issuer.enrol("one", named).await));
    let (all, of_all) = follow(&issuer.edge_config(&issuer.enrol("all", Pools::All).await));
    let keys = |seen: &Seen, usage| -> Vec<(u64, [u8; 32])> {
        let state = seen.states.get(&FeedName::Global);
        state.iter().flat_map(|state| state.deployment_keys(usage)).map(|key| (key.number, key.key)).collect()
    };
    let numbers = |seen: &Seen| keys(seen, KeyUsage::Challenge).iter().map(|key| key.0).collect::<Vec<_>>();
    let same = || {
        let both = [&of_one, &of_all].map(|sink| keys(&sink.seen.lock().unwrap(), KeyUsage::Challenge));
        assert_eq!(both[0], both[1]);
        both[0].clone()
    };
    for sink in [&of_one, &of_all] {
        sink.wait("the first key", |seen| numbers(seen) == [1] && keys(seen, KeyUsage::Limit).len() == 1).await;
    }
    let first = same()[0].1;
    let stored = Query::new("SELECT body FROM feed_log").at_most(100);
    for row in issuer.store.read(stored).await.unwrap() {
        // This test's sealing hides nothing; that it was asked shows.
        let body = row.bytes(0).unwrap();
        assert_eq!(
            body.windows(32).any(|part| part == first),
            body.starts_with(b"\xfffeed_log.body") && body[14] == 14
        );
    }
    let issuer = issuer.restart().await;
    issuer.handle().rotate_key(KeyUsage::Challenge, Old::Accepted).await.unwrap();
    for sink in [&of_one, &of_all] {
        sink.wait("the second key", |seen| numbers(seen) == [2, 1]).await;
    }
    assert_eq!(same()[1].1, first, "a restart makes none");
    issuer.handle().rotate_key(KeyUsage::Challenge, Old::Ended).await.unwrap();
    for sink in [&of_one, &of_all] {
        sink.wait("the third key alone", |seen| numbers(seen) == [3]).await;
    }
    one.stop().await;
    all.stop().await;
    let (again, sink) = follow(&issuer.edge_config(&issuer.enrol("one", Pools::All).await));
    assert_eq!(numbers(&sink.seen.lock().unwrap()), [3], "kept on disk");
    again.stop().await;
}
