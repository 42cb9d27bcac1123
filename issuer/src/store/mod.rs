//! One seam, two engines: [`Store::read`] and [`Store::commit`].
//!
//! A batch is atomic: all of its statements happen, in order, or none does, and it fails with the index of the first statement that
//! changed other than the expected number of rows. Nothing is awaited inside: a decision that depends on data is written as a
//! guard in the statement (`UPDATE … WHERE version = $3`, `INSERT … ON CONFLICT DO NOTHING`) with an expected count. `Ok` means durable
//! (SQLite: the WAL is synced; PostgreSQL: COMMIT was answered) and visible to every later read. A caller that goes away in
//! between changes nothing: its batch is done whole or not at all.
//!
//! # What a guard may rely on
//!
//! SQLite runs batches one after the other. PostgreSQL runs them side by side at READ COMMITTED: an `UPDATE` or `DELETE … WHERE guard` that meets
//! a row which another batch is changing waits, then asks its WHERE again of the newest version; `ON CONFLICT DO NOTHING` waits for the other's end
//! likewise. So a guard on **the row that the statement changes**, or on a unique key, is exact. A guard that looks at *other* rows (a
//! subselect, `NOT EXISTS`) is not: first change the row that stands for them all (`UPDATE parent SET version = version + 1 WHERE …`),
//! which holds back every other batch that does the same; each statement sees what was committed when it starts. Batches that
//! change several rows do so in a fixed order; if two still meet head on, one is repeated by the store. REPEATABLE READ or SERIALIZABLE would
//! turn each meeting on a hot row (a feed's head) into a repeat instead of a short wait.
//!
//! # Portable SQL
//!
//! `$1..$n`; BIGINT, TEXT, BYTEA; `ON CONFLICT DO NOTHING`, in an `INSERT … SELECT` after a WHERE; `chain_digest(a, b)` = SHA-256(a ‖ b);
//! `json_extract(text, '$.name')` for members that are texts, also in an index. Texts order by their bytes and cannot hold NUL. `LIKE` minds
//! case and says its `ESCAPE '\'`. Sums need `CAST(… AS BIGINT)`. A parameter that may be NULL stands where its type is plain from its place.
//! Tables exist through [`Migration`]s alone.

mod batch;
mod config;
mod dialect;
mod dump;
mod error;
#[cfg(any(test, feature = "test-support"))]
pub mod fixture;
mod load;
mod migrate;
mod postgres;
mod refill;
mod sqlite;
#[cfg(test)]
mod suite;
mod value;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use batch::{Batch, DEFAULT_ROW_LIMIT, MAX_STATEMENTS, Query, Rows, Statement};
pub use config::{PostgresConfig, SqliteConfig, StoreConfig};
pub use dump::{CHUNK_ROWS, Dump, Piece};
pub use error::{CommitError, OpenError, StoreError};
pub use load::{LoadError, Loading};
pub use migrate::Migration;
pub use refill::Content;
pub use value::{Row, RowError, Value};

use postgres::Tenure;

/// A handle to the one database; clones share it. The engine ends when the last one is dropped and its queue is done.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Arc<Engine>,
    /// In the order in which migrations make them.
    tables: Arc<[String]>,
    versions: Arc<[u32]>,
    dumping: Arc<Semaphore>,
}

#[derive(Debug)]
enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Store {
    /// Connects and brings the schema up to date. Blocks its thread while SQLite migrates, before there is anything to serve.
    ///
    /// Several issuers may have one PostgreSQL database open, and one process an SQLite database.
    pub async fn open(config: &StoreConfig, migrations: &[&Migration]) -> Result<Self, OpenError> {
        Self::open_as(config, migrations, Tenure::Shared).await
    }

    /// The same for an offline command.
    ///
    /// # Errors
    /// [`OpenError::InUse`] while an issuer has the database open; and an issuer gets that while this store is open.
    pub async fn open_alone(config: &StoreConfig, migrations: &[&Migration]) -> Result<Self, OpenError> {
        Self::open_as(config, migrations, Tenure::Alone).await
    }

    async fn open_as(config: &StoreConfig, migrations: &[&Migration], tenure: Tenure) -> Result<Self, OpenError> {
        let engine = match config {
            StoreConfig::Sqlite(config) => Engine::Sqlite(sqlite::Sqlite::open(config, migrations)?),
            StoreConfig::Postgres(config) => {
                Engine::Postgres(postgres::Postgres::open(config, migrations, tenure).await?)
            }
        };
        let mut steps = migrations.to_vec();
        steps.sort_by_key(|step| step.version);
        let ledger = migrate::CREATE_LEDGER;
        let tables = [ledger].into_iter().chain(steps.iter().map(|step| step.sql)).flat_map(dialect::created_tables);
        let dumping = Arc::new(Semaphore::new(1));
        let versions = steps.iter().map(|step| step.version).collect();
        Ok(Self { engine: Arc::new(engine), tables: tables.collect(), versions, dumping })
    }

    /// Whether there is any table but the ledger of migrations, ours or not.
    async fn holds_tables(&self) -> Result<bool, StoreError> {
        let sql = match &*self.engine {
            Engine::Sqlite(_) => dialect::SQLITE_OTHER_TABLES,
            Engine::Postgres(_) => dialect::POSTGRES_OTHER_TABLES,
        };
        Ok(self.one(Query::new(sql)).await?.is_some())
    }

    /// Whether a migration is one of this program's.
    pub fn knows(&self, version: u32) -> bool {
        self.versions.contains(&version)
    }

    /// A copy of all tables as of one moment not before the call, the ledger of migrations (`schema_migrations`) first. Writers go on.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] also while another copy is being made.
    pub async fn dump(&self) -> Result<Dump, StoreError> {
        let busy = |_| StoreError::Unavailable("another copy of the database is being made".to_owned());
        let turn = self.dumping.clone().try_acquire_owned().map_err(busy)?;
        let tables = self.tables.to_vec();
        let pieces = match &*self.engine {
            Engine::Sqlite(engine) => engine.dump(tables)?,
            Engine::Postgres(engine) => engine.dump(tables).await?,
        };
        Ok(Dump::new(pieces, turn))
    }

    /// The rows of one SELECT, as of one moment not before the call.
    pub async fn read(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        if let Some(fault) = query.fault() {
            return Err(StoreError::Refused(fault.to_owned()));
        }
        match &*self.engine {
            Engine::Sqlite(engine) => engine.read(query).await,
            Engine::Postgres(engine) => engine.read(query).await,
        }
    }

    /// The one row, or none.
    ///
    /// # Errors
    /// [`StoreError::TooMany`] for two rows: the query is not by a unique key.
    pub async fn one(&self, query: Query) -> Result<Option<Row>, StoreError> {
        Ok(self.read(query.at_most(1)).await?.pop())
    }

    /// All of the batch, durably, or nothing. An empty batch is done at once.
    pub async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        match &*self.engine {
            Engine::Sqlite(engine) => engine.commit(batch).await,
            Engine::Postgres(engine) => engine.commit(batch).await,
        }
    }
}
