//! A copy of every table as of one moment, as a stream, while writers go on.
//!
//! SQLite reads in one transaction on a connection of its own (the WAL keeps what it needs; writers never wait), PostgreSQL in one REPEATABLE
//! READ transaction. What is held in memory is a few chunks of rows, however large the database is.

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::error::StoreError;
use super::value::Row;

/// Rows in one piece, at most.
pub const CHUNK_ROWS: usize = 1_024;
/// Past this a piece is full. Bytes of its values.
const CHUNK_BYTES: usize = 256 * 1024;
/// Pieces that wait for the reader.
pub(super) const QUEUE: usize = 4;

/// A part of the copy, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The rows that follow are of this table, their values in the order of these columns. Every table comes once, empty ones too.
    Table { name: String, columns: Vec<String> },
    /// At most [`CHUNK_ROWS`].
    Rows(Vec<Row>),
    /// All was read.
    End,
}

pub(super) type Out = mpsc::Sender<Result<Piece, StoreError>>;

/// A copy that is being read. Dropping it ends the reading.
#[derive(Debug)]
pub struct Dump {
    pieces: mpsc::Receiver<Result<Piece, StoreError>>,
    /// One copy at a time: each keeps old row versions from being cleared away.
    _turn: OwnedSemaphorePermit,
}

impl Dump {
    pub(super) fn new(pieces: mpsc::Receiver<Result<Piece, StoreError>>, turn: OwnedSemaphorePermit) -> Self {
        Self { pieces, _turn: turn }
    }

    /// The next piece; after an error, or [`Piece::End`], there is none.
    pub async fn next(&mut self) -> Result<Piece, StoreError> {
        let ended = || Err(StoreError::Unavailable("the copy of the database ended early".to_owned()));
        self.pieces.recv().await.unwrap_or_else(ended)
    }
}

/// Collects rows until they make a piece.
#[derive(Default)]
pub(super) struct Chunk {
    rows: Vec<Row>,
    bytes: usize,
}

impl Chunk {
    /// Answers the piece that became full.
    pub(super) fn push(&mut self, row: Row) -> Option<Piece> {
        self.bytes += row.size();
        self.rows.push(row);
        (self.rows.len() == CHUNK_ROWS || self.bytes >= CHUNK_BYTES).then(|| self.take())
    }

    /// What is left at the end of a table.
    pub(super) fn rest(&mut self) -> Option<Piece> {
        (!self.rows.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Piece {
        self.bytes = 0;
        Piece::Rows(std::mem::take(&mut self.rows))
    }
}

/// All rows of a table. It names no columns: the copy is of whatever the migrations made.
pub(super) fn select_all(table: &str) -> String {
    format!("SELECT * FROM \"{table}\"")
}
