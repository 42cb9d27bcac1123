//! PostgreSQL, or what speaks its protocol, shared by several issuers.
//!
//! A batch is sent as one pipeline: BEGIN and all statements in one trip, then COMMIT or ROLLBACK once the row counts are known. A transaction
//! that the server rolled back because of others (serialization failure, deadlock), and one whose connection broke before COMMIT was sent, is
//! repeated a few times. What happened to a COMMIT whose answer never came nobody knows: that is `Unavailable`.

mod attempt;
mod connect;
mod failure;
mod schema;
mod types;

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::time::timeout;

use super::batch::{Batch, Query};
use super::config::PostgresConfig;
use super::error::{CommitError, OpenError, StoreError};
use super::migrate::Migration;
use super::value::Row;
use attempt::{Broken, Outcome};
use failure::Failure;

const ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(4);

#[derive(Clone, Debug)]
pub(super) struct Postgres {
    pool: Pool,
    /// For a whole batch or answer, the network included.
    patience: Duration,
}

impl Postgres {
    pub(super) async fn open(config: &PostgresConfig, migrations: &[&Migration]) -> Result<Self, OpenError> {
        let pool = connect::pool(config)?;
        schema::migrate(&pool, migrations).await?;
        Ok(Self { pool, patience: config.statement_timeout.saturating_mul(2) })
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
