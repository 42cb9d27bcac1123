//! What the SQLite engine does in a second: `cargo bench -p issuer --bench store [-- DIR]`. DIR is on the disk to be measured; its
//! sync is most of a commit.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use issuer::store::{Batch, Migration, Query, Rows, Statement, Store, StoreConfig};

const USERS: i64 = 20_000;
const SPAN: Duration = Duration::from_secs(3);
const SCHEMA: Migration = Migration {
    version: 1,
    name: "users",
    sql: "CREATE TABLE users (pool TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, body BYTEA, PRIMARY KEY (pool, name)) WITHOUT ROWID",
};

fn main() {
    let directory = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let home = tempfile::tempdir_in(directory).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&StoreConfig::sqlite(home.path().join("bench.db")), &[&SCHEMA]).await.unwrap();
        fill(&store).await;
        for callers in [1, 32] {
            let (count, p50, p99) = load(&store, callers, |store, n| async move { read(&store, n).await }).await;
            println!("point read, {callers} callers: {count}/s, p50 {p50:?}, p99 {p99:?}");
        }
        for callers in [1, 32, 128] {
            let (count, p50, p99) = load(&store, callers, |store, n| async move { touch(&store, n).await }).await;
            println!("commit of one guarded update, {callers} callers: {count}/s, p50 {p50:?}, p99 {p99:?}");
        }
    });
}

async fn fill(store: &Store) {
    for first in (0..USERS).step_by(500) {
        let mut batch = Batch::new();
        for n in first..first + 500 {
            let sql = "INSERT INTO users (pool, name, version, body) VALUES ($1, $2, 0, $3)";
            batch.add(Statement::new(sql).bind("pool").bind(name(n)).bind(vec![1u8; 300]));
        }
        store.commit(batch).await.unwrap();
    }
}

async fn read(store: &Store, n: i64) {
    let query = Query::new("SELECT version, body FROM users WHERE pool = $1 AND name = $2").bind("pool").bind(name(n));
    assert!(store.one(query).await.unwrap().is_some());
}

async fn touch(store: &Store, n: i64) {
    let sql = "UPDATE users SET version = version + 1 WHERE pool = $1 AND name = $2";
    let mut batch = Batch::new();
    batch.add(Statement::new(sql).bind("pool").bind(name(n)).expect(Rows::Exactly(1)));
    store.commit(batch).await.unwrap();
}

/// Closed loop: calls a second, and the 50th and 99th percentile of their times.
async fn load<F: Future<Output = ()> + Send>(
    store: &Store,
    callers: i64,
    call: impl Fn(Store, i64) -> F + Copy + Send + 'static,
) -> (usize, Duration, Duration) {
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let store = store.clone();
            tokio::spawn(async move {
                let (started, mut times) = (Instant::now(), Vec::new());
                let mut n = caller;
                while started.elapsed() < SPAN {
                    n = (n * 6_364_136_223 + 1_442_695) % USERS;
                    let begun = Instant::now();
                    call(store.clone(), n).await;
                    times.push(begun.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    times.sort_unstable();
    let per_second = times.len() / usize::try_from(SPAN.as_secs()).unwrap();
    (per_second, times[times.len() / 2], times[times.len() * 99 / 100])
}

fn name(n: i64) -> String {
    format!("user-{n}@example.com")
}
