//! Puts a database that is in use back to a copy of itself: statements for one batch.

use super::Store;
use super::batch::{Rows, Statement};
use super::load::{LoadError, insertion, is_derived};
use super::migrate::LEDGER;
use super::value::{Row, Value};

/// Rows that one statement adds, as long as there are so many: a batch is bounded in statements.
const AT_ONCE: usize = 32;

/// A table of a copy ([`super::Dump`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub table: String,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

impl Content {
    /// The values of one column, in the order of the rows. A column that is not there has none.
    pub fn column(&self, name: &str) -> impl Iterator<Item = &Value> {
        let place = self.columns.iter().position(|column| column == name);
        self.rows.iter().filter_map(move |row| row.values().get(place?))
    }
}

impl Store {
    /// Empties every table but the ledger of migrations and those of `kept`.
    pub fn emptied(&self, kept: &[&str]) -> Vec<Statement> {
        let goes = |table: &&String| *table != LEDGER && !kept.contains(&table.as_str());
        self.tables.iter().rev().filter(goes).map(|table| Statement::new(format!("DELETE FROM \"{table}\""))).collect()
    }

    /// Adds the rows of a copy, table by table in the order in which migrations make them.
    ///
    /// # Errors
    /// The copy has a table that this schema does not have.
    pub fn filled(&self, copy: &[Content]) -> Result<Vec<Statement>, LoadError> {
        if let Some(stranger) = copy.iter().find(|content| !self.tables.contains(&content.table)) {
            return Err(LoadError::Stranger(stranger.table.clone()));
        }
        let mut statements = Vec::new();
        for content in self.tables.iter().filter_map(|table| copy.iter().find(|content| content.table == *table)) {
            let (many, rest) = content.rows.as_chunks::<AT_ONCE>();
            for rows in many.iter().map(<[Row; AT_ONCE]>::as_slice).chain(rest.chunks(1)) {
                let sql = insertion(&content.table, &content.columns, rows.len());
                let sql = sql.ok_or_else(|| LoadError::Stranger(content.table.clone()))?;
                let values = rows.iter().flat_map(|row| row.values().iter().cloned());
                let statement = values.fold(Statement::new(sql), Statement::bind);
                // Triggers may have made them already of the rows before.
                let expected = if is_derived(&content.table) { Rows::Any } else { Rows::Exactly(rows.len() as u64) };
                statements.push(statement.expect(expected));
            }
        }
        Ok(statements)
    }
}
