//! The four kinds of value that both engines have, and rows of them.

use std::fmt;

use common::clock::UnixMillis;
use common::ids::{ClientId, PoolId, Sub};

/// What a parameter is bound to and what a column holds. Its `Debug` shows no text and no bytes: they may be secrets or personal data,
/// and drivers log parameters.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
    /// A number that no BIGINT holds. It can be bound, so that binding never fails, but a statement that has it is refused.
    OutOfRange(u64),
}

impl Value {
    /// Why neither engine can store this value; PostgreSQL has no NUL in text, so SQLite gets none either.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Text(text) if text.contains('\0') => Some("a text value holds a NUL byte"),
            Self::OutOfRange(_) => Some("a number is too large for BIGINT"),
            _ => None,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Null | Self::Int(_) | Self::OutOfRange(_) => 8,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "text of {} bytes", text.len()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::OutOfRange(number) => write!(f, "{number}, out of range"),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::OutOfRange(number), Self::Int)
    }
}

/// 1 and 0: there is no boolean column.
impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(flag.into())
    }
}

impl From<UnixMillis> for Value {
    fn from(time: UnixMillis) -> Self {
        time.0.into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&PoolId> for Value {
    fn from(id: &PoolId) -> Self {
        id.as_str().into()
    }
}

impl From<&ClientId> for Value {
    fn from(id: &ClientId) -> Self {
        id.as_str().into()
    }
}

impl From<&Sub> for Value {
    fn from(id: &Sub) -> Self {
        id.as_str().into()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A column that is not what the reader expects: the query and its reader disagree, or the database was changed by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    #[error("the row has no column {0}")]
    Missing(usize),
    #[error("column {0} is NULL")]
    Null(usize),
    #[error("column {0} is of another type")]
    Type(usize),
    #[error("column {0} is out of range")]
    Range(usize),
}

/// One row of an answer; columns are read by position, in the order in which the SELECT names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Value>);

impl Row {
    pub fn new(columns: Vec<Value>) -> Self {
        Self(columns)
    }

    /// The values, in the order of the columns.
    pub fn into_values(self) -> Vec<Value> {
        self.0
    }

    /// The same, borrowed.
    pub fn values(&self) -> &[Value] {
        &self.0
    }

    /// The columns before a place, and those from it on: of a query that reads rows of several tables at once.
    pub fn split(mut self, at: usize) -> (Self, Self) {
        let rest = self.0.split_off(at.min(self.0.len()));
        (self, Self(rest))
    }

    /// Bytes of its values, about.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(Value::size).sum()
    }

    pub fn text(&self, column: usize) -> Result<&str, RowError> {
        self.opt_text(column)?.ok_or(RowError::Null(column))
    }

    pub fn int(&self, column: usize) -> Result<i64, RowError> {
        self.opt_int(column)?.ok_or(RowError::Null(column))
    }

    pub fn bytes(&self, column: usize) -> Result<&[u8], RowError> {
        self.opt_bytes(column)?.ok_or(RowError::Null(column))
    }

    /// A number that is never negative.
    pub fn u64(&self, column: usize) -> Result<u64, RowError> {
        self.opt_u64(column)?.ok_or(RowError::Null(column))
    }

    /// 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, RowError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RowError::Range(column)),
        }
    }

    pub fn millis(&self, column: usize) -> Result<UnixMillis, RowError> {
        self.u64(column).map(UnixMillis)
    }

    /// Exactly `N` bytes: a digest, a key.
    pub fn array<const N: usize>(&self, column: usize) -> Result<[u8; N], RowError> {
        self.bytes(column)?.try_into().map_err(|_| RowError::Range(column))
    }

    pub fn opt_text(&self, column: usize) -> Result<Option<&str>, RowError> {
        match self.column(column)? {
            Value::Text(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(RowError::Type(column)),
        }
    }

    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, RowError> {
        match self.column(column)? {
            Value::Int(number) => Ok(Some(*number)),
            Value::Null => Ok(None),
            _ => Err(RowError::Type(column)),
        }
    }

    pub fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, RowError> {
        match self.column(column)? {
            Value::Bytes(bytes) => Ok(Some(bytes)),
            Value::Null => Ok(None),
            _ => Err(RowError::Type(column)),
        }
    }

    pub fn opt_u64(&self, column: usize) -> Result<Option<u64>, RowError> {
        self.opt_int(column)?.map(|n| u64::try_from(n).map_err(|_| RowError::Range(column))).transpose()
    }

    pub fn opt_millis(&self, column: usize) -> Result<Option<UnixMillis>, RowError> {
        Ok(self.opt_u64(column)?.map(UnixMillis))
    }

    fn column(&self, column: usize) -> Result<&Value, RowError> {
        self.0.get(column).ok_or(RowError::Missing(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_which_column_is_wrong() {
        let row = Row::new(vec![Value::Text("a".into()), Value::Int(-1), Value::Null, Value::Bytes(vec![1, 2])]);
        assert_eq!(row.text(0), Ok("a"));
        assert_eq!(row.int(0), Err(RowError::Type(0)));
        assert_eq!(row.u64(1), Err(RowError::Range(1)));
        assert_eq!(row.flag(1), Err(RowError::Range(1)));
        assert_eq!(row.text(2), Err(RowError::Null(2)));
        assert_eq!(row.opt_text(2), Ok(None));
        assert_eq!(row.array::<2>(3), Ok([1, 2]));
        assert_eq!(row.array::<3>(3), Err(RowError::Range(3)));
        assert_eq!(row.opt_int(4), Err(RowError::Missing(4)));
    }

    #[test]
    fn a_row_of_several_tables_is_split() {
        let row = || Row::new(vec![1.into(), 2.into(), 3.into()]);
        assert_eq!(row().split(1), (Row::new(vec![1.into()]), Row::new(vec![2.into(), 3.into()])));
        assert_eq!(row().split(9), (row(), Row::new(Vec::new())));
    }

    #[test]
    fn what_no_engine_can_hold_has_a_fault() {
        assert_eq!(Value::from(u64::MAX), Value::OutOfRange(u64::MAX));
        assert!(Value::from(u64::MAX).fault().is_some());
        assert!(Value::from("a\0b").fault().is_some());
        assert!(Value::from(i64::MAX as u64).fault().is_none());
        assert!(Value::from(vec![0u8]).fault().is_none());
        assert_eq!(Value::from(None::<&str>), Value::Null);
    }

    #[test]
    fn debug_shows_no_contents() {
        let row = Row::new(vec!["hunter2".into(), b"hunter2".into(), Value::Null, 5.into()]);
        assert_eq!(format!("{row:?}"), "Row([text of 7 bytes, 7 bytes, NULL, 5])");
    }
}
