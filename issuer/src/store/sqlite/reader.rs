//! A thread that answers queries. Each is its own read transaction, so it sees every commit that was answered before.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tokio::sync::{Mutex, mpsc};

use super::Read;
use super::connection::{Connections, bind, is_refusal};
use crate::store::batch::Query;
use crate::store::error::StoreError;
use crate::store::value::{Row, RowError, Value};

/// Until the queue is closed. The readers take turns at waiting for it.
pub(super) fn run(mut connection: Connection, connections: &Connections, queue: &Mutex<mpsc::Receiver<Read>>) {
    loop {
        let job = queue.blocking_lock().blocking_recv();
        let Some(Read { query, answer }) = job else { return };
        if answer.is_closed() {
            continue;
        }
        let rows = rows(&connection, &query);
        let failed = matches!(rows, Err(StoreError::Unavailable(_)));
        let _gone = answer.send(rows);
        if failed && let Ok(fresh) = connections.reader() {
            connection = fresh;
        }
    }
}

fn rows(connection: &Connection, query: &Query) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(&query.sql).map_err(|e| failure(&e))?;
    bind(&mut statement, &query.values).map_err(|e| failure(&e))?;
    let width = statement.column_count();
    let mut cursor = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = cursor.next().map_err(|e| failure(&e))? {
        if rows.len() == query.limit {
            return Err(StoreError::TooMany { limit: query.limit });
        }
        rows.push(self::row(row, width)?);
    }
    Ok(rows)
}

pub(super) fn row(row: &rusqlite::Row<'_>, width: usize) -> Result<Row, StoreError> {
    let columns: Result<Vec<Value>, StoreError> = (0..width).map(|column| value(row, column)).collect();
    columns.map(Row::new)
}

fn value(row: &rusqlite::Row<'_>, column: usize) -> Result<Value, StoreError> {
    match row.get_ref(column).map_err(|e| failure(&e))? {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(_) => Err(RowError::Type(column).into()),
        },
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(RowError::Type(column).into()),
    }
}

pub(super) fn failure(error: &rusqlite::Error) -> StoreError {
    let detail = error.to_string();
    if is_refusal(error) { StoreError::Refused(detail) } else { StoreError::Unavailable(detail) }
}
