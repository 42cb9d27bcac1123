//! What can go wrong, in the words that features need. The details are for the log: they name statements, never values.

use super::value::RowError;

/// A batch that changed nothing, except that after `Unavailable` nobody knows: the commit may have happened although its answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The statement at `index` (as [`Batch::add`](super::Batch::add) answered) did not change the number of rows that it expects.
    #[error("statement {index} of the batch did not change the rows it expects")]
    Missed { index: usize },
    /// The engine is full, away, overloaded or too slow. Whoever repeats the batch needs a guard in it against a first success.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// The engine cannot run the statement at `index`: bad SQL, a broken constraint, a value that it cannot hold. A fault of ours.
    #[error("statement {index} of the batch was refused: {detail}")]
    Refused { index: usize, detail: String },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// The engine cannot run the query. A fault of ours.
    #[error("the query was refused: {0}")]
    Refused(String),
    /// More rows than [`Query::at_most`](super::Query::at_most) allows.
    #[error("the answer has more than {limit} rows")]
    TooMany { limit: usize },
    #[error("a stored row is not as expected: {0}")]
    Corrupt(#[from] RowError),
}

/// Why a store did not open; the process should say so in one line and end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("storage settings: {0}")]
    Config(String),
    #[error(
        "SQLite {found} is linked; at least {} is needed, since older ones can corrupt a WAL database",
        super::sqlite::OLDEST_SQLITE
    )]
    OldEngine { found: String },
    #[error("the database is in use, {0}: stop that first")]
    InUse(String),
    /// What a restore left when it was interrupted. Restoring again clears it away.
    #[error("a restore into this database did not finish: restore again, or start with an empty database")]
    Unfinished,
    #[error(
        "the database has migration {version} ({name}) which this program does not know: it was written by a newer one"
    )]
    Newer { version: u32, name: String },
    #[error("migrations: {0}")]
    Migrations(String),
    #[error("cannot open the database: {0}")]
    Unavailable(String),
}
