//! The copy of every table, on a connection and a thread of its own.

use rusqlite::Connection;

use super::reader::{failure, row};
use crate::store::dump::{Chunk, Out, Piece, select_all};
use crate::store::error::StoreError;

/// Why the copy stops.
enum Stop {
    /// Nobody reads it any more.
    Gone,
    Failed(StoreError),
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(failure(&error))
    }
}

/// Reads until the end, an error, or until nobody wants it.
pub(super) fn run(connection: &Connection, tables: &[String], out: &Out) {
    let last = match all(connection, tables, out) {
        Ok(()) => Ok(Piece::End),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Gone) => return,
    };
    let _gone = out.blocking_send(last);
}

fn all(connection: &Connection, tables: &[String], out: &Out) -> Result<(), Stop> {
    connection.execute_batch("BEGIN")?; // the first SELECT decides the moment
    for name in tables {
        let mut statement = connection.prepare(&select_all(name))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        send(out, Piece::Table { name: name.clone(), columns })?;
        let mut chunk = Chunk::default();
        let mut cursor = statement.raw_query();
        while let Some(found) = cursor.next()? {
            let row = row(found, width).map_err(Stop::Failed)?;
            chunk.push(row).map_or(Ok(()), |full| send(out, full))?;
        }
        chunk.rest().map_or(Ok(()), |rest| send(out, rest))?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}

fn send(out: &Out, piece: Piece) -> Result<(), Stop> {
    out.blocking_send(Ok(piece)).map_err(|_| Stop::Gone)
}
