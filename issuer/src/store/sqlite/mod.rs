//! SQLite inside the process: one thread that writes, a few that read, each with its own connection.

mod connection;
mod dump;
mod reader;
mod schema;
mod writer;

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, oneshot};

use super::batch::{Batch, Query};
use super::config::SqliteConfig;
use super::dump::{Piece, QUEUE};
use super::error::{CommitError, OpenError, StoreError};
use super::migrate::Migration;
use super::value::Row;
use connection::Connections;

/// 3.7.0 to 3.51.2 can corrupt a database when a WAL is reset (SECURITY.md §0.5).
pub(super) const OLDEST_SQLITE: &str = "3.51.3";
const OLDEST_SQLITE_NUMBER: i32 = 3_051_003;
const STOPPED: &str = "the database thread has ended";
const OVERLOADED: &str = "too many callers wait for the database";

/// Dropping it closes the queues; the threads finish what was accepted and end.
#[derive(Debug)]
pub(super) struct Sqlite {
    writes: mpsc::Sender<Write>,
    reads: mpsc::Sender<Read>,
    patience: Duration,
    connections: Connections,
}

/// A batch on its way, and where its caller waits.
#[derive(Debug)]
struct Write {
    batch: Batch,
    answer: oneshot::Sender<Result<(), CommitError>>,
}

#[derive(Debug)]
struct Read {
    query: Query,
    answer: oneshot::Sender<Result<Vec<Row>, StoreError>>,
}

impl Sqlite {
    pub(super) fn open(config: &SqliteConfig, migrations: &[&Migration]) -> Result<Self, OpenError> {
        if rusqlite::version_number() < OLDEST_SQLITE_NUMBER {
            return Err(OpenError::OldEngine { found: rusqlite::version().to_owned() });
        }
        let lock = claim(&config.path, config.patience)?;
        create_private(&config.path)?;
        let connections = Connections::new(config);
        let mut writer = connections.writer().map_err(away)?;
        schema::migrate(&mut writer, migrations)?;

        let (writes, write_queue) = mpsc::channel(config.queue);
        let (reads, read_queue) = mpsc::channel(config.queue);
        let read_queue = Arc::new(Mutex::new(read_queue));
        for _ in 0..config.readers.max(1) {
            let connection = connections.reader().map_err(away)?;
            let (queue, connections) = (Arc::clone(&read_queue), connections.clone());
            spawn("store-read", move || reader::run(connection, &connections, &queue))?;
        }
        let own = connections.clone();
        spawn("store-write", move || {
            writer::Writer::new(writer, own).run(write_queue);
            drop(lock); // only now may another process write
        })?;
        Ok(Self { writes, reads, patience: config.patience, connections })
    }

    /// Reads every table on a thread of its own.
    pub(super) fn dump(&self, tables: Vec<String>) -> Result<mpsc::Receiver<Result<Piece, StoreError>>, StoreError> {
        let away = |error: &dyn std::fmt::Display| StoreError::Unavailable(error.to_string());
        let connection = self.connections.reader().map_err(|error| away(&error))?;
        let (out, pieces) = mpsc::channel(QUEUE);
        spawn("store-dump", move || dump::run(&connection, &tables, &out)).map_err(|error| away(&error))?;
        Ok(pieces)
    }

    pub(super) async fn read(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.reads
            .send_timeout(Read { query, answer }, self.patience)
            .await
            .map_err(|refused| StoreError::Unavailable(why_not_sent(&refused).to_owned()))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable(STOPPED.to_owned())))
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let (answer, answered) = oneshot::channel();
        self.writes
            .send_timeout(Write { batch, answer }, self.patience)
            .await
            .map_err(|refused| CommitError::Unavailable(why_not_sent(&refused).to_owned()))?;
        answered.await.unwrap_or_else(|_| Err(CommitError::Unavailable(STOPPED.to_owned())))
    }
}

/// Removes a database that nobody uses.
pub(super) fn wipe(config: &SqliteConfig) -> Result<(), OpenError> {
    let _lock = claim(&config.path, config.patience)?;
    for suffix in ["-wal", "-shm", ""] {
        let mut name = config.path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(away(error)),
            _ => {}
        }
    }
    Ok(())
}

fn why_not_sent<T>(refused: &mpsc::error::SendTimeoutError<T>) -> &'static str {
    match refused {
        mpsc::error::SendTimeoutError::Timeout(_) => OVERLOADED,
        mpsc::error::SendTimeoutError::Closed(_) => STOPPED,
    }
}

/// An operating-system lock beside the database, so that a second process says so at its start instead of stalling both. It dies with its
/// process; the wait covers one that is just ending.
fn claim(path: &Path, patience: Duration) -> Result<File, OpenError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    let file = private().open(&name).map_err(away)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(away(error)),
            Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                return Err(OpenError::InUse(format!("{} by an issuer or an offline command", path.display())));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// SQLite gives the WAL the mode of the database, so this one file decides for all.
fn create_private(path: &Path) -> Result<(), OpenError> {
    private().open(path).map(drop).map_err(away)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(512 * 1024);
    thread.spawn(body).map(drop).map_err(away)
}

fn away(error: impl std::fmt::Display) -> OpenError {
    OpenError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests;
