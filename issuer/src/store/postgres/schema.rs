//! Runs the pending migrations, each in its own transaction, under a lock that issuers who start together take in turn.

use std::collections::BTreeMap;

use common::clock::{Clock, SystemClock};
use deadpool_postgres::{Pool, Transaction};

use super::connect;
use super::failure::Failure;
use crate::store::dialect::postgres_schema;
use crate::store::error::OpenError;
use crate::store::migrate::{CREATE_LEDGER, Migration, READ_LEDGER, RECORD, pending};

/// Any number, as long as all issuers use it: "tollgate" in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(8389754676633367653)";
/// A migration may take long, and so may the wait for another issuer's.
const PATIENCE: &str = "SET LOCAL statement_timeout = '1h'; SET LOCAL lock_timeout = '1h'; SET LOCAL idle_in_transaction_session_timeout = '1h'";
const CHAIN_DIGEST: &str = "CREATE OR REPLACE FUNCTION chain_digest(a BYTEA, b BYTEA) RETURNS BYTEA
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT sha256(a || b)'";
/// What SQLite has built in, for paths of one plain name (`$.email`). It may stand in an index: the text's bytes alone decide.
const JSON_EXTRACT: &str = "CREATE OR REPLACE FUNCTION json_extract(document TEXT, path TEXT) RETURNS TEXT
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT document::json ->> substr(path, 3)'";

pub(super) async fn migrate(pool: &Pool, migrations: &[&Migration]) -> Result<(), OpenError> {
    let mut client = pool.get().await.map_err(|error| OpenError::Unavailable(connect::why(&error)))?;
    // The plan is made anew under each lock: meanwhile another issuer may have done the rest.
    while step(client.transaction().await.map_err(away)?, migrations).await? {}
    Ok(())
}

/// False when there was nothing left to apply.
async fn step(transaction: Transaction<'_>, migrations: &[&Migration]) -> Result<bool, OpenError> {
    transaction.batch_execute(PATIENCE).await.map_err(away)?;
    transaction.batch_execute(LOCK).await.map_err(away)?;
    transaction.batch_execute(&postgres_schema(CREATE_LEDGER)).await.map_err(away)?;
    transaction.batch_execute(CHAIN_DIGEST).await.map_err(away)?;
    transaction.batch_execute(JSON_EXTRACT).await.map_err(away)?;
    let steps = pending(&applied(&transaction).await?, migrations)?;
    if let Some(step) = steps.first() {
        apply(&transaction, step)
            .await
            .map_err(|failure| OpenError::Migrations(format!("{} ({}): {failure:?}", step.version, step.name)))?;
    }
    transaction.commit().await.map_err(away)?;
    Ok(steps.len() > 1)
}

async fn applied(transaction: &Transaction<'_>) -> Result<BTreeMap<u32, String>, OpenError> {
    let rows = transaction.query(READ_LEDGER, &[]).await.map_err(away)?;
    let pair = |row: &tokio_postgres::Row| {
        let version: i64 = row.try_get(0).ok()?;
        Some((u32::try_from(version).ok()?, row.try_get(1).ok()?))
    };
    let pairs: Option<_> = rows.iter().map(pair).collect();
    pairs.ok_or_else(|| OpenError::Migrations("the table schema_migrations is not ours".to_owned()))
}

async fn apply(transaction: &Transaction<'_>, step: &Migration) -> Result<(), Failure> {
    transaction.batch_execute(&postgres_schema(step.sql)).await?;
    let at = i64::try_from(SystemClock.now().0).unwrap_or(i64::MAX);
    transaction.execute(RECORD, &[&i64::from(step.version), &step.name, &at]).await?;
    Ok(())
}

fn away(error: tokio_postgres::Error) -> OpenError {
    OpenError::Unavailable(match Failure::from(error) {
        Failure::RolledBack(detail) | Failure::Lost(detail) | Failure::Refused(detail) | Failure::Away(detail) => {
            detail
        }
    })
}
