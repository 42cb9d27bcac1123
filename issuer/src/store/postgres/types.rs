//! Values in PostgreSQL's types.

use bytes::BytesMut;
use tokio_postgres::Row as ServerRow;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::store::value::{Row, RowError, Value};

type Fault = Box<dyn std::error::Error + Sync + Send>;

/// The type that a parameter is declared with, so that its meaning does not hang on where it stands. NULL takes the type of its place.
pub(super) fn declared(value: &Value) -> Type {
    match value {
        Value::Int(_) | Value::OutOfRange(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
        Value::Null => Type::UNKNOWN,
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::OutOfRange(number) => Err(format!("{number} is no BIGINT").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // `declared` has seen to it
    }

    to_sql_checked!();
}

pub(super) fn row(row: &ServerRow) -> Result<Row, RowError> {
    (0..row.len()).map(|column| value(row, column)).collect::<Result<_, _>>().map(Row::new)
}

fn value(row: &ServerRow, column: usize) -> Result<Value, RowError> {
    let Read(value) = row.try_get(column).map_err(|_| RowError::Type(column))?;
    Ok(value)
}

/// A column of one of the types that the portable SQL yields: also INT4 (literals) and BOOL (`EXISTS`), which SQLite has as integers.
struct Read(Value);

impl<'a> FromSql<'a> for Read {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        let value = match *kind {
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            _ => Value::Text(String::from_sql(kind, raw)?),
        };
        Ok(Self(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Self(Value::Null))
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::INT2, Type::BOOL, Type::BYTEA, Type::TEXT, Type::VARCHAR, Type::NAME]
            .contains(kind)
    }
}
