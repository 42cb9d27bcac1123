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
mod error;
#[cfg(any(test, feature = "test-support"))]
pub mod fixture;
mod migrate;
mod postgres;
mod sqlite;
#[cfg(test)]
mod suite;
mod value;

use std::sync::Arc;

pub use batch::{Batch, DEFAULT_ROW_LIMIT, MAX_STATEMENTS, Query, Rows, Statement};
pub use config::{PostgresConfig, SqliteConfig, StoreConfig};
pub use error::{CommitError, OpenError, StoreError};
pub use migrate::Migration;
pub use value::{Row, RowError, Value};

/// A handle to the one database; clones share it. The engine ends when the last one is dropped and its queue is done.
#[derive(Clone, Debug)]
pub struct Store {
    engine: Arc<Engine>,
}

#[derive(Debug)]
enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Store {
    /// Connects and brings the schema up to date. Blocks its thread while SQLite migrates, before there is anything to serve.
    pub async fn open(config: &StoreConfig, migrations: &[&Migration]) -> Result<Self, OpenError> {
        let engine = match config {
            StoreConfig::Sqlite(config) => Engine::Sqlite(sqlite::Sqlite::open(config, migrations)?),
            StoreConfig::Postgres(config) => Engine::Postgres(postgres::Postgres::open(config, migrations).await?),
        };
        Ok(Self { engine: Arc::new(engine) })
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
