//! Runs the pending migrations, each in its own transaction.

use std::collections::BTreeMap;

use common::clock::{Clock, SystemClock};
use rusqlite::{Connection, TransactionBehavior, params};

use super::away;
use crate::store::dialect::sqlite_schema;
use crate::store::error::OpenError;
use crate::store::migrate::{CREATE_LEDGER, Migration, READ_LEDGER, RECORD, pending};

pub(super) fn migrate(connection: &mut Connection, migrations: &[&Migration]) -> Result<(), OpenError> {
    connection.execute_batch(&sqlite_schema(CREATE_LEDGER)).map_err(away)?;
    for step in pending(&applied(connection).map_err(away)?, migrations)? {
        apply(connection, step)
            .map_err(|error| OpenError::Migrations(format!("{} ({}): {error}", step.version, step.name)))?;
    }
    Ok(())
}

fn applied(connection: &Connection) -> rusqlite::Result<BTreeMap<u32, String>> {
    let mut statement = connection.prepare(READ_LEDGER)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn apply(connection: &mut Connection, step: &Migration) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(&sqlite_schema(step.sql))?;
    let at = i64::try_from(SystemClock.now().0).unwrap_or(i64::MAX);
    transaction.execute(RECORD, params![step.version, step.name, at])?;
    transaction.commit()
}
