//! Where the data lies and the bounds of the engine that keeps it.

use std::path::PathBuf;
use std::time::Duration;

use common::secret::SecretString;

/// How long an offline command waits for its own predecessor in the same process to let go of the file.
const OFFLINE_PATIENCE: Duration = Duration::from_secs(20);
/// For one statement of an offline command, which may change every row of a table.
const OFFLINE_TIMEOUT: Duration = Duration::from_secs(6 * 3_600);

#[derive(Clone, Debug)]
pub enum StoreConfig {
    Sqlite(SqliteConfig),
    Postgres(PostgresConfig),
}

impl StoreConfig {
    /// The database file; its directory exists.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite(SqliteConfig::new(path))
    }

    /// For an offline command, which may take its time.
    pub(super) fn without_haste(self) -> Self {
        match self {
            Self::Sqlite(config) => Self::Sqlite(SqliteConfig { patience: OFFLINE_PATIENCE, ..config }),
            Self::Postgres(config) => Self::Postgres(PostgresConfig { statement_timeout: OFFLINE_TIMEOUT, ..config }),
        }
    }

    /// A libpq URL or key-value string.
    pub fn postgres(url: impl Into<SecretString>) -> Self {
        Self::Postgres(PostgresConfig::new(url))
    }
}

#[derive(Clone, Debug)]
pub struct SqliteConfig {
    pub path: PathBuf,
    /// Threads that read, each with a connection and its caches.
    pub readers: usize,
    /// Batches, and queries, that may wait for a thread.
    pub queue: usize,
    /// How long a caller waits for room in the queue, and a writer for another process to let go.
    pub patience: Duration,
}

impl SqliteConfig {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 2, queue: 1_024, patience: Duration::from_secs(2) }
    }
}

#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// Holds the password, if there is one.
    pub url: SecretString,
    /// PEM certificates that may vouch for the server; needed for `sslmode=require`.
    pub ca_file: Option<PathBuf>,
    pub max_connections: usize,
    /// How long a caller waits for a free connection.
    pub patience: Duration,
    pub connect_timeout: Duration,
    /// For one statement at the server; a whole batch may take twice as long.
    pub statement_timeout: Duration,
}

impl PostgresConfig {
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            ca_file: None,
            max_connections: 16,
            patience: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
        }
    }
}
