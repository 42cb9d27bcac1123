//! The contract on SQLite, and what only a file can do: fill up, and be left by a process that was killed.
//!
//! Two tests run themselves again in a child process, named by an environment variable: one that a limit stops from writing, one
//! that is killed.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;

use crate::store::suite::{Home, SCHEMA, engine_suite};
use crate::store::{
    Batch, CommitError, Migration, OpenError, Query, Rows, SqliteConfig, Statement, Store, StoreConfig,
};

impl Home for tempfile::TempDir {
    fn config(&self) -> StoreConfig {
        StoreConfig::sqlite(self.path().join("tollgate.db"))
    }
}

engine_suite!(suite, tempfile::tempdir().unwrap());

const ROLE: &str = "TOLLGATE_STORE_TEST_DIR";

fn insert(id: i64, size: usize) -> Batch {
    let mut batch = Batch::new();
    let sql = "INSERT INTO blobs (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    batch.add(Statement::new(sql).bind(id).bind(vec![7u8; size]).expect(Rows::Exactly(1)));
    let sql = "INSERT INTO leaves (blob, note) VALUES ($1, 'of it')";
    batch.add(Statement::new(sql).bind(id).expect(Rows::Exactly(1)));
    batch
}

async fn ids(store: &Store) -> BTreeSet<i64> {
    let query =
        Query::new("SELECT b.id, (SELECT count(*) FROM leaves l WHERE l.blob = b.id) FROM blobs b").at_most(1_000_000);
    let rows = store.read(query).await.unwrap();
    assert!(rows.iter().all(|row| row.int(1) == Ok(1)), "half a batch");
    rows.iter().map(|row| row.int(0).unwrap()).collect()
}

async fn open(directory: &Path) -> Store {
    Store::open(&StoreConfig::sqlite(directory.join("tollgate.db")), SCHEMA).await.unwrap()
}

fn sound(directory: &Path) -> bool {
    let connection = rusqlite::Connection::open(directory.join("tollgate.db")).unwrap();
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    verdict == "ok"
}

/// This test program again, for one test, behind a line of shell.
fn again(test: &str, directory: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} exec \"$0\" --exact \"$1\" --nocapture --test-threads=1")]);
    command.arg(std::env::current_exe().unwrap()).arg(format!("store::sqlite::tests::{test}"));
    command.env(ROLE, directory).stdout(Stdio::piped());
    command
}

#[tokio::test]
async fn files_are_private_and_settings_are_kept() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path()).await;
    store.commit(insert(1, 10)).await.unwrap();
    for name in ["tollgate.db", "tollgate.db-wal", "tollgate.db-shm", "tollgate.db-lock"] {
        let mode = std::fs::metadata(home.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let connections = super::Connections::new(&SqliteConfig::new(home.path().join("tollgate.db")));
    for (pragma, wanted) in [("synchronous", "2"), ("foreign_keys", "1"), ("journal_mode", "wal")] {
        let connection = connections.writer().unwrap();
        let found: rusqlite::types::Value = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap();
        let found = match found {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(found, wanted, "{pragma}");
    }
    let reader = connections.reader().unwrap();
    assert!(reader.execute("DELETE FROM leaves", []).is_err());
}

#[tokio::test]
async fn a_second_writer_is_told_at_once() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path()).await;
    let mut config = SqliteConfig::new(home.path().join("tollgate.db"));
    config.patience = Duration::from_millis(20);
    let second = Store::open(&StoreConfig::Sqlite(config.clone()), SCHEMA).await;
    assert!(matches!(second, Err(OpenError::InUse(_))), "{:?}", second.err());
    drop(store);
    config.patience = Duration::from_secs(5);
    Store::open(&StoreConfig::Sqlite(config), SCHEMA).await.unwrap();
}

/// A foreign key that is checked at COMMIT makes COMMIT itself fail, which nothing else does on a healthy disk.
#[tokio::test]
async fn a_commit_that_fails_fails_its_whole_group_and_the_next_one_works() {
    let late = Migration {
        version: 9,
        name: "late",
        sql: "CREATE TABLE late (blob BIGINT REFERENCES blobs (id) DEFERRABLE INITIALLY DEFERRED)",
    };
    let home = tempfile::tempdir().unwrap();
    let steps: Vec<&Migration> = SCHEMA.iter().copied().chain([&late]).collect();
    let store = Store::open(&home.config(), &steps).await.unwrap();
    for round in 0..20i64 {
        let mut bad = insert(round * 100, 10);
        bad.add(Statement::new("INSERT INTO late (blob) VALUES (-1)").expect(Rows::Exactly(1)));
        let good = (1..20).map(|n| store.commit(insert(round * 100 + n, 10)));
        let (good, bad) = tokio::join!(join_all(good), store.commit(bad));
        assert!(matches!(bad, Err(CommitError::Unavailable(_))), "{bad:?}");
        let kept = ids(&store).await;
        for (n, outcome) in (1..20).zip(good) {
            assert_eq!(kept.contains(&(round * 100 + n)), outcome.is_ok(), "{outcome:?}");
        }
        store.commit(insert(round * 100 + 99, 10)).await.unwrap();
    }
    assert!(ids(&store).await.iter().all(|id| id % 100 != 0));
}

#[test]
fn a_full_disk_refuses_cleanly_and_space_heals_it() {
    if let Some(directory) = std::env::var_os(ROLE) {
        return tokio::runtime::Runtime::new().unwrap().block_on(fill(Path::new(&directory)));
    }
    let home = tempfile::tempdir().unwrap();
    // 512-byte blocks (dash) or KiB (bash): 2 or 4 MB a file. A write past it is an error, since the signal is ignored.
    let shell = "trap '' XFSZ; ulimit -S -f 4096;";
    let child = again("a_full_disk_refuses_cleanly_and_space_heals_it", home.path(), shell).output().unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(sound(home.path()));
}

async fn fill(directory: &Path) {
    let store = open(directory).await;
    let mut acknowledged = BTreeSet::new();
    let mut refusals = 0;
    for id in 0..600 {
        match store.commit(insert(id, 20_000)).await {
            Ok(()) => drop(acknowledged.insert(id)),
            Err(CommitError::Unavailable(_)) => refusals += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refusals > 10 && acknowledged.len() > 10, "{refusals} refused, {} done", acknowledged.len());
    assert_eq!(ids(&store).await, acknowledged); // what needs no write is still served
    let freed = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &std::process::id().to_string()]).status();
    assert!(freed.unwrap().success());
    store.commit(insert(1_000, 20_000)).await.unwrap();
    acknowledged.insert(1_000);
    assert_eq!(ids(&store).await, acknowledged);
    drop(store);
    assert_eq!(ids(&open(directory).await).await, acknowledged);
}

#[test]
fn kill_loses_nothing_that_was_acknowledged() {
    if let Some(directory) = std::env::var_os(ROLE) {
        return tokio::runtime::Runtime::new().unwrap().block_on(write_and_tell(Path::new(&directory)));
    }
    let home = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..5u64 {
        let mut child = again("kill_loses_nothing_that_was_acknowledged", home.path(), "").spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard = acknowledged.len();
        while acknowledged.len() < heard + 100 + 37 * round as usize {
            let line = lines.next().expect("the child ended early").unwrap();
            acknowledged.extend(line.strip_prefix("done ").and_then(|id| id.parse::<i64>().ok()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = lines.map_while(Result::ok);
        acknowledged.extend(rest.filter_map(|line| line.strip_prefix("done ")?.parse::<i64>().ok()));
        assert!(sound(home.path()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let kept = runtime.block_on(async { ids(&open(home.path()).await).await });
        assert!(acknowledged.is_subset(&kept), "lost {:?}", acknowledged.difference(&kept).collect::<Vec<_>>());
    }
}

/// Eight writers, until killed. One write a line, so that a kill cannot tear it.
async fn write_and_tell(directory: &Path) {
    let store = open(directory).await;
    let first = ids(&store).await.last().map_or(0, |id| id / 8 + 1);
    let writers = (0..8i64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in first.. {
                let id = n * 8 + writer;
                store.commit(insert(id, 500)).await.unwrap();
                std::io::stdout().write_all(format!("\ndone {id}\n").as_bytes()).unwrap();
            }
        })
    });
    join_all(writers).await;
}
