//! Fills an empty database from a copy of another, whichever engine that had.
//!
//! While it is under way the ledger of migrations has an entry that no program knows as a migration, so an issuer of any version refuses the
//! database. The last batch removes it: until then there is nothing that could be taken for a restored database, and after it everything is
//! there. What was left half done (a power cut) is cleared away by the next try.

use std::collections::BTreeSet;

use super::batch::{Batch, Rows, Statement};
use super::config::StoreConfig;
use super::dialect::created_tables;
use super::error::{CommitError, OpenError};
use super::migrate::{LOADING, Migration};
use super::value::Row;
use super::{Store, postgres, sqlite};

/// Why a database could not be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the database is not empty: a restore goes into an empty one only")]
    NotEmpty,
    /// The copy is of a schema that this program does not have.
    #[error("the copy has migration {version} ({name}), which this program does not know: a newer one made it")]
    Newer { version: u32, name: String },
    #[error("the copy has a table or column that its migrations did not make: {0}")]
    Stranger(String),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// A database that is being filled and that nobody else uses.
#[derive(Debug)]
pub struct Loading<'a> {
    store: Store,
    config: StoreConfig,
    known: Vec<&'a Migration>,
    tables: BTreeSet<String>,
}

impl<'a> Loading<'a> {
    /// Makes the schema that the migrations `applied` (version and name) make, in an empty database.
    pub async fn begin(
        config: &StoreConfig,
        known: &[&'a Migration],
        applied: &[(u32, String)],
    ) -> Result<Self, LoadError> {
        let steps = steps(known, applied)?;
        let tables = tables(&steps);
        let config = config.clone().without_haste();
        let store = match Store::open_alone(&config, &[]).await {
            Err(OpenError::Unfinished) => {
                wipe(&config, known).await?;
                Store::open_alone(&config, &[]).await?
            }
            Err(OpenError::Newer { .. }) => return Err(LoadError::NotEmpty),
            opened => opened?,
        };
        // From here on a failure clears everything away: there must be nothing of anybody else's.
        if store.holds_tables().await.map_err(|error| OpenError::Unavailable(error.to_string()))? {
            return Err(LoadError::NotEmpty);
        }
        store.commit(mark()).await?;
        drop(store);
        let marked: Vec<&Migration> = steps.into_iter().chain([&LOADING]).collect();
        match Store::open_alone(&config, &marked).await {
            Ok(store) => Ok(Self { store, config, known: known.to_vec(), tables }),
            Err(error) => {
                wipe(&config, known).await?;
                Err(error.into())
            }
        }
    }

    /// Adds rows to a table.
    pub async fn insert(&self, table: &str, columns: &[String], rows: Vec<Row>) -> Result<(), LoadError> {
        let sql = insertion(table, columns, 1).filter(|_| self.tables.contains(table));
        let sql = sql.ok_or_else(|| LoadError::Stranger(table.to_owned()))?;
        let mut batch = Batch::new();
        let expected = if is_derived(table) { Rows::Any } else { Rows::Exactly(1) };
        for row in rows {
            let statement = Statement::new(sql.clone()).expect(expected);
            batch.add(row.into_values().into_iter().fold(statement, Statement::bind));
        }
        match self.store.commit(batch).await {
            Err(CommitError::Refused { detail, .. }) => Err(LoadError::Stranger(format!("{table}: {detail}"))),
            outcome => Ok(outcome?),
        }
    }

    /// The tables of the copy's schema.
    pub fn tables(&self) -> &BTreeSet<String> {
        &self.tables
    }

    /// Runs the migrations that are newer than the copy.
    pub async fn migrate(self) -> Result<Self, LoadError> {
        let Self { store, config, known, tables } = self;
        drop(store);
        let marked: Vec<&Migration> = known.iter().copied().chain([&LOADING]).collect();
        match Store::open_alone(&config, &marked).await {
            Ok(store) => Ok(Self { store, config, known, tables }),
            Err(error) => {
                wipe(&config, &known).await?;
                Err(error.into())
            }
        }
    }

    /// The database, for what must be changed before anybody uses it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The database is whole: `last` and the end of the loading in one batch.
    pub async fn complete(&self, mut last: Batch) -> Result<(), LoadError> {
        last.add(
            Statement::new("DELETE FROM schema_migrations WHERE version = $1")
                .bind(LOADING.version)
                .expect(Rows::Exactly(1)),
        );
        Ok(self.store.commit(last).await?)
    }

    /// Empties the database again. If that fails too, it stays one that every issuer refuses.
    pub async fn abandon(self) -> Result<(), LoadError> {
        let Self { store, config, known, .. } = self;
        drop(store);
        Ok(wipe(&config, &known).await?)
    }
}

fn steps<'a>(known: &[&'a Migration], applied: &[(u32, String)]) -> Result<Vec<&'a Migration>, LoadError> {
    let find = |(version, name): &(u32, String)| {
        let step = known.iter().find(|step| step.version == *version && step.name == name);
        step.copied().ok_or_else(|| LoadError::Newer { version: *version, name: name.clone() })
    };
    applied.iter().map(find).collect()
}

fn tables(steps: &[&Migration]) -> BTreeSet<String> {
    steps.iter().flat_map(|step| created_tables(step.sql)).collect()
}

fn mark() -> Batch {
    let mut batch = Batch::new();
    batch.add(
        Statement::new("INSERT INTO schema_migrations (version, name, at) VALUES ($1, $2, 0)")
            .bind(LOADING.version)
            .bind(LOADING.name)
            .expect(Rows::Exactly(1)),
    );
    batch
}

async fn wipe(config: &StoreConfig, known: &[&Migration]) -> Result<(), OpenError> {
    match config {
        StoreConfig::Sqlite(config) => sqlite::wipe(config),
        StoreConfig::Postgres(config) => {
            let tables: Vec<String> = tables(known).into_iter().collect();
            postgres::wipe(config, &tables).await
        }
    }
}

/// Whether triggers fill the table (`derived_…`): what they have made of other tables' rows by now is in the copy again.
pub(super) fn is_derived(table: &str) -> bool {
    table.starts_with("derived_")
}

/// Adds so many rows. None for a name that is not of the form that migrations use: names come from the copy, and stand in the text.
pub(super) fn insertion(table: &str, columns: &[String], rows: usize) -> Option<String> {
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    if !plain(table) || columns.is_empty() || !columns.iter().all(|column| plain(column)) {
        return None;
    }
    let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let places = |row: usize| {
        let places: Vec<String> =
            (1..=columns.len()).map(|place| format!("${}", row * columns.len() + place)).collect();
        format!("({})", places.join(", "))
    };
    let values: Vec<String> = (0..rows).map(places).collect();
    let again = if is_derived(table) { " ON CONFLICT DO NOTHING" } else { "" };
    Some(format!("INSERT INTO \"{table}\" ({}) VALUES {}{again}", names.join(", "), values.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_names_make_no_statement() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            insertion("users", &columns(&["pool", "sub"]), 1).unwrap(),
            "INSERT INTO \"users\" (\"pool\", \"sub\") VALUES ($1, $2)"
        );
        assert_eq!(
            insertion("users", &columns(&["pool", "sub"]), 2).unwrap(),
            "INSERT INTO \"users\" (\"pool\", \"sub\") VALUES ($1, $2), ($3, $4)"
        );
        for (table, names) in [("users\" --", &["a"][..]), ("users", &["a\"b"]), ("", &["a"]), ("users", &[])] {
            assert_eq!(insertion(table, &columns(names), 1), None);
        }
    }
}
