//! What features hand to the store: queries, and batches of statements with the row counts that they expect.

use std::borrow::Cow;

use super::error::CommitError;
use super::value::Value;

/// Statements in one batch, at most.
pub const MAX_STATEMENTS: usize = 4_096;
/// Rows of an answer, unless [`Query::at_most`] says otherwise.
pub const DEFAULT_ROW_LIMIT: usize = 10_000;

/// How many rows a statement must change; anything else fails its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    Any,
    Exactly(u64),
    AtLeast(u64),
}

impl Rows {
    pub(super) fn allows(self, changed: u64) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => changed == wanted,
            Self::AtLeast(wanted) => changed >= wanted,
        }
    }
}

/// One INSERT, UPDATE or DELETE in portable SQL with parameters `$1..$n`.
#[derive(Clone, Debug)]
pub struct Statement {
    pub(super) sql: Cow<'static, str>,
    pub(super) values: Vec<Value>,
    pub(super) rows: Rows,
}

impl Statement {
    /// Changes any number of rows until [`Statement::expect`] says otherwise. Text built at run time must come from a small closed
    /// set (engines keep prepared statements by text) and never from input.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), values: Vec::new(), rows: Rows::Any }
    }

    /// The next parameter: the first call binds `$1`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    #[must_use]
    pub fn expect(mut self, rows: Rows) -> Self {
        self.rows = rows;
        self
    }

    /// Only statements that change rows have a count to expect, and none may end the transaction around it.
    fn fault(&self) -> Option<&'static str> {
        let text = self.sql.trim_start();
        let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        if !["INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
            return Some("a batch takes INSERT, UPDATE, DELETE and WITH only");
        }
        fault(&self.sql, &self.values)
    }
}

/// Statements that happen together or not at all, in order.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(super) statements: Vec<Statement>,
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers the statement's index, by which [`CommitError::Missed`] names it.
    pub fn add(&mut self, statement: Statement) -> usize {
        self.statements.push(statement);
        self.statements.len() - 1
    }

    /// Adds all of them; answers the index of the first.
    pub fn extend(&mut self, statements: impl IntoIterator<Item = Statement>) -> usize {
        let first = self.statements.len();
        self.statements.extend(statements);
        first
    }

    pub fn len(&self) -> usize {
        self.statements.len()
    }

    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// Refuses what no engine should see, so that both refuse alike.
    pub(super) fn check(&self) -> Result<(), CommitError> {
        if self.statements.len() > MAX_STATEMENTS {
            let detail = format!("more than {MAX_STATEMENTS} statements");
            return Err(CommitError::Refused { index: MAX_STATEMENTS, detail });
        }
        for (index, statement) in self.statements.iter().enumerate() {
            if let Some(fault) = statement.fault() {
                return Err(CommitError::Refused { index, detail: fault.to_owned() });
            }
        }
        Ok(())
    }
}

/// One SELECT in portable SQL with parameters `$1..$n`. It names its columns.
#[derive(Clone, Debug)]
pub struct Query {
    pub(super) sql: Cow<'static, str>,
    pub(super) values: Vec<Value>,
    pub(super) limit: usize,
}

impl Query {
    /// The same rule for its text as [`Statement::new`] has.
    pub fn new(sql: impl Into<Cow<'static, str>>) -> Self {
        Self { sql: sql.into(), values: Vec::new(), limit: DEFAULT_ROW_LIMIT }
    }

    /// The next parameter: the first call binds `$1`.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// A longer answer is an error, not a part of the answer. Use `LIMIT` in the SQL to page.
    #[must_use]
    pub fn at_most(mut self, rows: usize) -> Self {
        self.limit = rows;
        self
    }

    pub(super) fn fault(&self) -> Option<&'static str> {
        fault(&self.sql, &self.values)
    }
}

fn fault(sql: &str, values: &[Value]) -> Option<&'static str> {
    if highest_parameter(sql) != values.len() {
        return Some("the statement has another number of parameters than values are bound");
    }
    values.iter().find_map(Value::fault)
}

fn highest_parameter(sql: &str) -> usize {
    let number = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    sql.split('$').skip(1).filter_map(number).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_name_statements() {
        let mut batch = Batch::new();
        assert_eq!(batch.add(Statement::new("INSERT INTO a (x) VALUES ($1)").bind(1)), 0);
        assert_eq!(batch.extend([Statement::new("DELETE FROM a"), Statement::new("DELETE FROM b")]), 1);
        assert_eq!(batch.add(Statement::new("UPDATE a SET x = 1")), 3);
        assert_eq!(batch.check(), Ok(()));
    }

    #[test]
    fn only_changes_are_taken() {
        for (sql, taken) in [
            ("insert into t (a) values (1)", true),
            ("\n  WITH x AS (SELECT 1) UPDATE t SET a = 1", true),
            ("SELECT 1", false),
            ("COMMIT", false),
            ("INSERTED", false),
            ("", false),
        ] {
            let mut batch = Batch::new();
            batch.add(Statement::new(sql));
            assert_eq!(batch.check().is_ok(), taken, "{sql}");
        }
    }

    #[test]
    fn every_parameter_has_a_value() {
        for (sql, values, fits) in [
            ("DELETE FROM t WHERE a = $2 AND b IN ($1,$2)", 2, true),
            ("DELETE FROM t WHERE a = $12", 12, true),
            ("DELETE FROM t WHERE a = $1", 0, false),
            ("DELETE FROM t WHERE a = $1", 2, false),
            ("DELETE FROM t", 0, true),
        ] {
            let statement = (0..values).fold(Statement::new(sql), |s, n| s.bind(n));
            assert_eq!(statement.fault().is_none(), fits, "{sql} {values}");
        }
    }

    #[test]
    fn counts() {
        for (rows, changed, allowed) in [
            (Rows::Any, 0, true),
            (Rows::Exactly(1), 1, true),
            (Rows::Exactly(1), 0, false),
            (Rows::Exactly(1), 2, false),
            (Rows::AtLeast(2), 1, false),
            (Rows::AtLeast(2), 3, true),
        ] {
            assert_eq!(rows.allows(changed), allowed, "{rows:?} {changed}");
        }
    }
}
