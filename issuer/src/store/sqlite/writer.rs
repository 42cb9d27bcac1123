//! The one thread that writes.
//!
//! Group commit: the batches that wait become one transaction, with a savepoint each, so that one sync of the WAL serves them all. Steps, and
//! what a power cut leaves at each:
//! 1. BEGIN IMMEDIATE, the batches, each released or rolled back to its savepoint: nothing of the group is in the database yet.
//! 2. COMMIT writes the frames and syncs the WAL: the whole group or, if the last frame is missing or torn, none of it.
//! 3. Callers are answered: what they are told is on disk.
//!
//! When the engine itself fails (disk full, I/O error) in 1 or 2, the transaction is rolled back and the whole group hears `Unavailable`, those who
//! missed too: what they missed may have been a change of a neighbour that has now not happened. The next group starts afresh.

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::Write;
use super::connection::{Connections, bind, is_refusal};
use crate::store::batch::{Batch, Statement};
use crate::store::error::CommitError;

/// Batches in one transaction. More would make the first wait for the last without a gain: a sync is spread over enough already.
const MAX_GROUP: usize = 128;

pub(super) struct Writer {
    /// None after a failure that left the connection in doubt.
    connection: Option<Connection>,
    connections: Connections,
}

/// The engine failed, not a batch.
struct EngineFailure(rusqlite::Error);

impl Writer {
    pub(super) fn new(connection: Connection, connections: Connections) -> Self {
        Self { connection: Some(connection), connections }
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Write>) {
        let mut group: Vec<Write> = Vec::with_capacity(MAX_GROUP);
        while let Some(first) = queue.blocking_recv() {
            group.push(first);
            while group.len() < MAX_GROUP
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            let outcomes = self.group(&group);
            for (write, outcome) in group.drain(..).zip(outcomes) {
                let _gone = write.answer.send(outcome);
            }
        }
        self.leave_in_order();
    }

    /// Moves all commits into the database file. Where that fails they stay in the WAL, and the next start reads them there.
    fn leave_in_order(&self) {
        if let Some(connection) = &self.connection {
            let moved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            if let Err(error) = moved {
                tracing::warn!(%error, "the write-ahead log stays for the next start");
            }
        }
    }

    /// One outcome a batch, in order.
    fn group(&mut self, group: &[Write]) -> Vec<Result<(), CommitError>> {
        match self.transaction(group) {
            Ok(outcomes) => outcomes,
            Err(EngineFailure(error)) => {
                self.recover();
                group.iter().map(|_| Err(CommitError::Unavailable(error.to_string()))).collect()
            }
        }
    }

    fn transaction(&mut self, group: &[Write]) -> Result<Vec<Result<(), CommitError>>, EngineFailure> {
        let connection = self.connected()?;
        run(connection, "BEGIN IMMEDIATE")?;
        let mut outcomes = Vec::with_capacity(group.len());
        for write in group {
            outcomes.push(savepoint(connection, &write.batch)?);
        }
        // With nothing to keep there is nothing to sync.
        let end = if outcomes.iter().any(Result::is_ok) { "COMMIT" } else { "ROLLBACK" };
        run(connection, end)?;
        Ok(outcomes)
    }

    fn connected(&mut self) -> Result<&mut Connection, EngineFailure> {
        if let Some(connection) = self.connection.take() {
            return Ok(self.connection.insert(connection));
        }
        let fresh = self.connections.writer().map_err(EngineFailure)?;
        Ok(self.connection.insert(fresh))
    }

    /// Leaves no transaction open; a connection that cannot roll back is closed, which does the same.
    fn recover(&mut self) {
        if let Some(connection) = &self.connection
            && !connection.is_autocommit()
            && (run(connection, "ROLLBACK").is_err() || !connection.is_autocommit())
        {
            self.connection = None;
        }
    }
}

/// The outer error ends the group, the inner one this batch alone.
fn savepoint(connection: &Connection, batch: &Batch) -> Result<Result<(), CommitError>, EngineFailure> {
    run(connection, "SAVEPOINT batch")?;
    let outcome = statements(connection, batch)?;
    if outcome.is_err() {
        run(connection, "ROLLBACK TO batch")?;
    }
    run(connection, "RELEASE batch")?;
    Ok(outcome)
}

fn statements(connection: &Connection, batch: &Batch) -> Result<Result<(), CommitError>, EngineFailure> {
    for (index, statement) in batch.statements.iter().enumerate() {
        match execute(connection, statement) {
            Ok(changed) if statement.rows.allows(changed) => {}
            Ok(_) => return Ok(Err(CommitError::Missed { index })),
            // Some errors end the transaction behind our back; then no neighbour is safe either.
            Err(error) if is_refusal(&error) && !connection.is_autocommit() => {
                return Ok(Err(CommitError::Refused { index, detail: error.to_string() }));
            }
            Err(error) => return Err(EngineFailure(error)),
        }
    }
    Ok(Ok(()))
}

fn execute(connection: &Connection, statement: &Statement) -> rusqlite::Result<u64> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    bind(&mut prepared, &statement.values)?;
    Ok(prepared.raw_execute()? as u64)
}

fn run(connection: &Connection, sql: &str) -> Result<(), EngineFailure> {
    let step = || connection.prepare_cached(sql)?.execute([]);
    step().map(drop).map_err(EngineFailure)
}
