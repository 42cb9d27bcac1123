//! One small row committed to SQLite, as durable as the issuer's: WAL, synced before the commit is answered.

use std::path::Path;

use rusqlite::Connection;

use super::{Counts, Limit, LimitError, Work};
use crate::measure::Disk;

const TABLE: &str = "CREATE TABLE row (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT";
const INSERT: &str = "INSERT INTO row (body) VALUES (?1)";
const BODY: &str =
    "a row of about a hundred bytes, which is what the smallest of the issuer's tables keep for one event";

/// An insert in a transaction of its own.
#[derive(Clone, Copy, Debug)]
pub struct SqliteCommit;

impl Limit for SqliteCommit {
    fn name(&self) -> &'static str {
        "sqlite_commit"
    }

    fn title(&self) -> String {
        "SQLite commit of one row, WAL, synchronous=FULL".into()
    }

    fn counts(&self) -> Counts {
        Counts::Waiting
    }

    fn prepare(&self, folder: &Path) -> Result<Box<dyn Work>, LimitError> {
        let connection = Connection::open(folder.join("limit.db"))?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
            match row.get::<_, String>(0)?.as_str() {
                "wal" => Ok(()),
                _ => Err(rusqlite::Error::InvalidQuery),
            }
        })?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.execute(TABLE, [])?;
        Ok(Box::new(Database { connection, place: Disk::of(folder) }))
    }
}

struct Database {
    connection: Connection,
    place: Option<Disk>,
}

impl Work for Database {
    fn operate(&mut self) -> Result<(), LimitError> {
        self.connection.prepare_cached(INSERT)?.execute([BODY])?;
        Ok(())
    }

    fn place(&self) -> String {
        self.place.as_ref().map(|disk| format!(", on {disk}")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_synced_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut work = SqliteCommit.prepare(folder.path()).unwrap();
        work.operate().unwrap();
        work.operate().unwrap();
        let reader = Connection::open(folder.path().join("limit.db")).unwrap();
        let rows: u32 = reader.query_row("SELECT count(*) FROM row", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 2);
    }
}
