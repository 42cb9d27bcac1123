//! The contract on a real server, and what only a server can do: go away.

use std::sync::{Mutex, MutexGuard, OnceLock};

use crate::store::fixture::{Cluster, Fsync};
use crate::store::suite::{Home, engine_suite};
use crate::store::{
    Batch, CommitError, OpenError, PostgresConfig, Query, Rows, Statement, Store, StoreConfig, StoreError,
};

/// One server for the suite; each test has a database of its own.
static SHARED: OnceLock<Result<Mutex<Cluster>, String>> = OnceLock::new();

struct Database(String);

impl Home for Database {
    fn config(&self) -> StoreConfig {
        StoreConfig::postgres(self.0.clone())
    }
}

fn shared() -> MutexGuard<'static, Cluster> {
    let cluster = SHARED.get_or_init(|| Cluster::start(Fsync::Off).map(Mutex::new));
    cluster.as_ref().unwrap().lock().unwrap()
}

fn database() -> Database {
    Database(shared().database().unwrap())
}

engine_suite!(suite, super::database());

fn insert(id: i64) -> Batch {
    let mut batch = Batch::new();
    let sql = "INSERT INTO blobs (id) VALUES ($1) ON CONFLICT DO NOTHING";
    batch.add(Statement::new(sql).bind(id).expect(Rows::Exactly(1)));
    batch
}

async fn ids(store: &Store) -> Result<Vec<i64>, StoreError> {
    let rows = store.read(Query::new("SELECT id FROM blobs ORDER BY id")).await?;
    Ok(rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn an_absent_server_is_unavailable_and_its_return_needs_nothing() {
    let mut cluster = Cluster::start(Fsync::On).unwrap();
    let config = StoreConfig::postgres(cluster.database().unwrap());
    let store = Store::open(&config, crate::store::suite::SCHEMA).await.unwrap();
    store.commit(insert(1)).await.unwrap();
    for (round, crash) in [(2, true), (3, false)] {
        let stopped = if crash { cluster.crash() } else { cluster.stop() };
        stopped.unwrap();
        assert!(matches!(store.commit(insert(100)).await, Err(CommitError::Unavailable(_))));
        assert!(matches!(ids(&store).await, Err(StoreError::Unavailable(_))));
        cluster.resume().unwrap();
        store.commit(insert(round)).await.unwrap();
    }
    assert_eq!(ids(&store).await, Ok(vec![1, 2, 3]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_under_load_loses_nothing_that_was_acknowledged() {
    let mut cluster = Cluster::start(Fsync::On).unwrap();
    let config = StoreConfig::postgres(cluster.database().unwrap());
    let store = Store::open(&config, crate::store::suite::SCHEMA).await.unwrap();
    let writers: Vec<_> = (0..8i64)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..400 {
                    if store.commit(insert(writer * 1_000 + n)).await.is_ok() {
                        acknowledged.push(writer * 1_000 + n);
                    }
                }
                acknowledged
            })
        })
        .collect();
    let cluster = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(150));
            cluster.crash().unwrap();
            cluster.resume().unwrap();
        }
        cluster
    });
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    let _cluster = cluster.await.unwrap();
    let kept = ids(&store).await.unwrap();
    assert!(!acknowledged.is_empty());
    let lost: Vec<_> = acknowledged.iter().filter(|id| kept.binary_search(id).is_err()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_that_start_together_migrate_once() {
    let settings = shared().database().unwrap();
    let opens = (0..6).map(|_| {
        let config = StoreConfig::postgres(settings.clone());
        tokio::spawn(async move { Store::open(&config, crate::store::suite::SCHEMA).await })
    });
    for opened in futures_util::future::join_all(opens).await {
        opened.unwrap().unwrap();
    }
}

#[tokio::test]
async fn tls_is_verified() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut cluster = Cluster::start(Fsync::Off).unwrap();
    let [key_file, ca_file, other_file] = ["key.pem", "ca.pem", "other.pem"].map(|name| cluster.directory().join(name));
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    std::fs::write(&ca_file, certificate.pem()).unwrap();
    std::fs::write(&other_file, stranger.cert.pem()).unwrap();
    cluster.give(&key_file).unwrap();
    cluster.give(&ca_file).unwrap();
    cluster.stop().unwrap();
    let port = port.to_string();
    let (key_path, ca_path) = (key_file.to_str().unwrap(), ca_file.to_str().unwrap());
    let on = [("ssl", "on"), ("ssl_key_file", key_path), ("ssl_cert_file", ca_path)];
    cluster.set(&on).unwrap();
    cluster.set(&[("listen_addresses", "localhost"), ("port", &port)]).unwrap();
    cluster.resume().unwrap();

    let mut config = PostgresConfig::new(format!("postgres://tollgate@localhost:{port}/postgres?sslmode=require"));
    config.ca_file = Some(ca_file);
    let store = Store::open(&StoreConfig::Postgres(config.clone()), &[]).await.unwrap();
    let query = Query::new("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    assert_eq!(store.one(query).await.unwrap().unwrap().flag(0), Ok(true));

    config.ca_file = Some(other_file);
    let outcome = Store::open(&StoreConfig::Postgres(config), &[]).await;
    assert!(matches!(outcome, Err(OpenError::Unavailable(_))), "{:?}", outcome.err());
}
