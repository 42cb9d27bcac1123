//! Connections with the settings that durability and the process's memory budget need.

use std::path::PathBuf;
use std::time::Duration;

use ring::digest::{Context, SHA256};
use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};

use crate::store::config::SqliteConfig;
use crate::store::value::Value;

const STATEMENTS_PER_CONNECTION: usize = 128;
const WRITER_CACHE_KIB: i64 = 4_096;
/// Holds the inner pages of the indexes of a million users.
const READER_CACHE_KIB: i64 = 8_192;
/// The WAL file is cut back to this after a checkpoint. Bytes.
const WAL_KEEP: i64 = 16 * 1024 * 1024;

/// Makes connections to one database; kept, since a connection that failed badly is replaced.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    path: PathBuf,
    patience: Duration,
}

impl Connections {
    pub(super) fn new(config: &SqliteConfig) -> Self {
        Self { path: config.path.clone(), patience: config.patience }
    }

    pub(super) fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| {
            let mode: String = row.get(0)?;
            if mode.eq_ignore_ascii_case("wal") { Ok(()) } else { Err(rusqlite::Error::InvalidQuery) }
        })?;
        // FULL: the WAL is synced before a commit is answered. NORMAL would lose acknowledged commits in a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "journal_size_limit", WAL_KEEP)?;
        connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        Ok(connection)
    }

    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(connection)
    }

    fn open(&self, mode: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.patience)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_PER_CONNECTION);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // The last connection would otherwise unlink the WAL as it closes, and does so unread where `-shm` opens for reading only: a start on a
        // failing disk lost every commit since the last checkpoint. The writer empties the WAL in good order instead.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // "x" is a column and never a text, as in PostgreSQL.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        // A plan doesn't hang on values, or SQLite makes it anew for each: of a join it did at every step, at ten times what the rows cost.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "case_sensitive_like", true)?;
        chain_digest(&connection)?;
        Ok(connection)
    }
}

/// `chain_digest(a, b)` = SHA-256(a ‖ b); NULL if either is.
fn chain_digest(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("chain_digest", 2, flags, |call| {
        let mut digest = Context::new(&SHA256);
        for argument in 0..2 {
            match call.get_raw(argument) {
                ValueRef::Null => return Ok(None),
                ValueRef::Blob(bytes) => digest.update(bytes),
                other => {
                    return Err(rusqlite::Error::InvalidFunctionParameterType(argument, other.data_type()));
                }
            }
        }
        Ok(Some(digest.finish().as_ref().to_vec()))
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::OutOfRange(number) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(format!("{number} is no BIGINT").into()));
            }
        }))
    }
}

/// Binds by name: SQLite numbers `$n` in the order of appearance, which need not be the order of the numbers.
pub(super) fn bind(statement: &mut rusqlite::CachedStatement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    let count = statement.parameter_count();
    let mut highest = 0;
    for index in 1..=count {
        let number: Option<usize> = statement.parameter_name(index).and_then(|n| n.strip_prefix('$')?.parse().ok());
        let value = number.and_then(|n| values.get(n.checked_sub(1)?));
        let (Some(number), Some(value)) = (number, value) else {
            return Err(rusqlite::Error::InvalidParameterCount(values.len(), count));
        };
        highest = highest.max(number);
        statement.raw_bind_parameter(index, value)?;
    }
    if highest == values.len() { Ok(()) } else { Err(rusqlite::Error::InvalidParameterCount(values.len(), highest)) }
}

/// Whether the statement is at fault, and would be again, rather than the disk or the load.
pub(super) fn is_refusal(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode as Code;
    match error.sqlite_error_code() {
        None => true,
        Some(
            Code::ConstraintViolation | Code::TypeMismatch | Code::TooBig | Code::ParameterOutOfRange | Code::Unknown,
        ) => true,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::new(folder.path().join("plans.db"));
        std::fs::write(&config.path, b"").unwrap();
        let connections = Connections::new(&config);
        let schema = "CREATE TABLE pools (pool TEXT PRIMARY KEY, name TEXT);
             CREATE TABLE clients (pool TEXT, client TEXT, PRIMARY KEY (pool, client));
             CREATE TABLE users (pool TEXT, sub TEXT, status TEXT, PRIMARY KEY (pool, sub));
             INSERT INTO pools VALUES ('p', 'n'); INSERT INTO clients VALUES ('p', 'c'); INSERT INTO users VALUES ('p', 's', 'x');";
        connections.writer().unwrap().execute_batch(schema).unwrap();
        let reader = connections.reader().unwrap();
        let join = "SELECT u.status FROM pools p JOIN clients c ON c.pool = p.pool JOIN users u ON u.pool = p.pool
             WHERE p.pool = $1 AND c.client = $2 AND u.sub = $3";
        for sub in ["s", "other", "s", "s"] {
            let mut statement = reader.prepare_cached(join).unwrap();
            let values = ["p", "c", sub].map(|text| Value::Text(text.to_owned()));
            bind(&mut statement, &values).unwrap();
            let mut found = 0;
            let mut rows = statement.raw_query();
            while rows.next().unwrap().is_some() {
                found += 1;
            }
            drop(rows);
            assert_eq!(found, i32::from(sub == "s"));
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
