//! PostgreSQL, or what speaks its protocol, shared by several issuers.
//!
//! A batch is sent as one pipeline: BEGIN and all statements in one trip, then COMMIT or ROLLBACK once the row counts are known. A transaction
//! that the server rolled back because of others (serialization failure, deadlock), and one whose connection broke before COMMIT was sent, is
//! repeated a few times. What happened to a COMMIT whose answer never came nobody knows: that is `Unavailable`.

mod attempt;
mod connect;
mod dump;
mod failure;
mod presence;
mod schema;
mod types;

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::batch::{Batch, Query};
use super::config::PostgresConfig;
use super::dump::{Piece, QUEUE};
use super::error::{CommitError, OpenError, StoreError};
use super::migrate::Migration;
use super::value::Row;
use attempt::{Broken, Outcome};
use failure::Failure;
use presence::Presence;
pub(super) use presence::Tenure;

const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(4);

#[derive(Clone, Debug)]
pub(super) struct Postgres {
    pool: Pool,
    /// For a whole batch or answer, the network included.
    patience: Duration,
    _presence: Arc<Presence>,
}

impl Postgres {
    pub(super) async fn open(
        config: &PostgresConfig,
        migrations: &[&Migration],
        tenure: Tenure,
    ) -> Result<Self, OpenError> {
        let pool = connect::pool(config)?;
        let presence = Presence::claim(&pool, tenure, config.patience).await?;
        schema::migrate(&pool, migrations).await?;
        let patience = config.statement_timeout.saturating_mul(2);
        Ok(Self { pool, patience, _presence: Arc::new(presence) })
    }

    /// Reads every table in a task of its own, on a connection that is closed afterwards.
    pub(super) async fn dump(
        &self,
        tables: Vec<String>,
    ) -> Result<mpsc::Receiver<Result<Piece, StoreError>>, StoreError> {
        let client = Object::take(self.connection().await.map_err(StoreError::Unavailable)?);
        let (out, pieces) = mpsc::channel(QUEUE);
        tokio::spawn(async move { dump::run(&client, &tables, &out).await });
        Ok(pieces)
    }

    pub(super) async fn read(&self, query: Query) -> Result<Vec<Row>, StoreError> {
        let mut attempt = 1;
        loop {
            let connection = self.connection().await.map_err(StoreError::Unavailable)?;
            let failure = match timeout(self.patience, attempt::read(&connection, &query)).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(failure)) => failure,
                Err(_) => Failure::slow(),
            };
            if failure.spoils_connection() {
                discard(connection);
            }
            match failure {
                Failure::Refused(detail) => return Err(StoreError::Refused(detail)),
                Failure::RolledBack(_) | Failure::Lost(_) if attempt < ATTEMPTS => pause(attempt).await,
                Failure::RolledBack(detail) | Failure::Lost(detail) | Failure::Away(detail) => {
                    return Err(StoreError::Unavailable(detail));
                }
            }
            attempt += 1;
        }
    }

    /// The work goes on in a task of its own when the caller leaves, so that no connection returns to the pool inside a transaction.
    pub(super) async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let connection = self.connection().await.map_err(CommitError::Unavailable)?;
        let work = self.clone().attempts(connection, batch);
        tokio::spawn(work).await.unwrap_or_else(|ended| Err(CommitError::Unavailable(ended.to_string())))
    }

    async fn attempts(self, first: Object, batch: Batch) -> Result<(), CommitError> {
        let mut connection = Some(first);
        let mut attempt = 1;
        loop {
            let held = match connection.take() {
                Some(held) => held,
                None => self.connection().await.map_err(CommitError::Unavailable)?,
            };
            let outcome = timeout(self.patience, attempt::batch(&held, &batch)).await;
            let Broken { index, failure } = match outcome {
                Ok(Ok(Outcome::Done)) => return Ok(()),
                Ok(Ok(Outcome::Missed(index))) => return Err(CommitError::Missed { index }),
                Ok(Err(broken)) => broken,
                Err(_) => Broken { index: 0, failure: Failure::slow() },
            };
            if failure.spoils_connection() {
                discard(held);
            } else {
                connection = Some(held);
            }
            match failure {
                Failure::Refused(detail) => return Err(CommitError::Refused { index, detail }),
                Failure::RolledBack(_) | Failure::Lost(_) if attempt < ATTEMPTS => pause(attempt).await,
                Failure::RolledBack(detail) | Failure::Lost(detail) | Failure::Away(detail) => {
                    return Err(CommitError::Unavailable(detail));
                }
            }
            attempt += 1;
        }
    }

    async fn connection(&self) -> Result<Object, String> {
        self.pool.get().await.map_err(|error| connect::why(&error))
    }
}

/// Removes our tables, and the ledger, from a database that no issuer uses.
pub(super) async fn wipe(config: &PostgresConfig, tables: &[String]) -> Result<(), OpenError> {
    let pool = connect::pool(config)?;
    let _alone = Presence::claim(&pool, Tenure::Alone, config.patience).await?;
    let drops = tables.iter().map(String::as_str).chain(["schema_migrations"]);
    let drops: String = drops.map(|table| format!("DROP TABLE IF EXISTS \"{table}\" CASCADE;")).collect();
    let client = pool.get().await.map_err(|error| OpenError::Unavailable(connect::why(&error)))?;
    let done = client.batch_execute(&format!("BEGIN; {drops} COMMIT")).await;
    done.map_err(|error| OpenError::Unavailable(error.to_string()))
}

/// Closes it. The server rolls back what was open on it.
fn discard(connection: Object) {
    drop(Object::take(connection));
}

/// Doubles each time, with as much again by chance, so that those who met do not meet again.
async fn pause(attempt: u32) {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(8));
    let dice = std::collections::hash_map::RandomState::new().build_hasher().finish();
    let part = u32::try_from(dice % 1_000).unwrap_or(0);
    tokio::time::sleep(longest / 2 + longest.saturating_mul(part) / 2_000).await;
}

#[cfg(test)]
mod tests;
