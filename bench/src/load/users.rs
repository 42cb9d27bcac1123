//! Rows of users, written into an issuer's database as the issuer writes them, many times faster than through its API.
//!
//! All have one ready password hash, that of [`PASSWORD`], since a million of their own would take half a day. They have no SRP verifier:
//! they sign in by password, and not by SRP. Those of a pool with the attribute `custom:ref` have one.

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use common::clock::{Clock, SystemClock};
use rusqlite::OptionalExtension;
use tokio_postgres::NoTls;

/// What they all sign in with.
const PASSWORD: &str = "Passw0rd!ready";
/// Users in one transaction.
const BATCH: u64 = 1_000;

const USER: &str = "INSERT INTO users (pool, sub, username, status, enabled, attributes, password_hash, valid_after,
    newest_mint, created_at, modified_at) VALUES ($1, $2, $3, 'CONFIRMED', 1, $4, $5, 0, 0, $6, $6)";
const SETTINGS: &str = "SELECT settings FROM pools WHERE pool = $1";
const NAME: &str = "INSERT INTO login_names (pool, name, kind, sub) VALUES ($1, $2, $3, $4)";

/// An issuer's database.
#[derive(Clone, Debug)]
pub enum Database {
    /// Its file.
    Sqlite(PathBuf),
    /// A libpq URL or key-value string.
    Postgres(String),
}

#[derive(Debug, thiserror::Error)]
pub enum FillError {
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("there is no pool {0}")]
    NoPool(String),
    #[error("the password can't be hashed: {0}")]
    Hash(argon2::Error),
    #[error("cannot run: {0}")]
    Runtime(std::io::Error),
}

/// One user.
struct Row {
    sub: String,
    username: String,
    attributes: String,
}

/// Writes `count` users into a pool, numbered from `first`; `told` hears how many there are.
///
/// # Errors
/// When the database refuses: no such pool's tables, numbers that are there already.
pub fn fill(
    database: &Database,
    pool: &str,
    first: u64,
    count: u64,
    told: &mut dyn FnMut(u64),
) -> Result<(), FillError> {
    let hash = ready_hash(PASSWORD).map_err(FillError::Hash)?;
    match database {
        Database::Sqlite(path) => fill_sqlite(path, pool, first, count, &hash, told),
        Database::Postgres(settings) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let work = fill_postgres(settings, pool, first, count, &hash, told);
            runtime.map_err(FillError::Runtime)?.block_on(work)
        }
    }
}

/// The user name of a number.
pub fn username(number: u64) -> String {
    format!("load-{number:08}")
}

/// Whether the pool has the attribute `custom:ref`: what its schema does not know, no import takes.
fn has_reference(settings: &str) -> bool {
    let settings: serde_json::Value = serde_json::from_str(settings).unwrap_or_default();
    let custom = settings.get("custom_attributes").and_then(|custom| custom.as_array());
    custom.into_iter().flatten().any(|attribute| attribute.get("Name").is_some_and(|name| name == "custom:ref"))
}

fn row(number: u64, has_reference: bool) -> Row {
    // In the order of the names, as the issuer writes them.
    let reference = if has_reference { format!(r#""custom:ref":"r{number}","#) } else { String::new() };
    let attributes = format!(
        r#"{{{reference}"email":"load{number}@x{}.example","email_verified":"true","name":"Load {number}"}}"#,
        number % 97
    );
    Row { sub: uuid::Uuid::new_v4().to_string(), username: username(number), attributes }
}

/// Argon2id with the issuer's parameters, as a PHC string.
fn ready_hash(password: &str) -> Result<String, argon2::Error> {
    let (memory, passes, lanes) = (19_456, 2, 1);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, passes, lanes, Some(32))?);
    let (salt, mut hash) = (b"one ready salt!!", [0_u8; 32]);
    argon2.hash_password_into(password.as_bytes(), salt, &mut hash)?;
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}", text(salt), text(&hash)))
}

/// Each batch as numbers from and to.
fn batches(first: u64, count: u64) -> impl Iterator<Item = std::ops::Range<u64>> {
    let end = first + count;
    (0..count.div_ceil(BATCH)).map(move |batch| first + batch * BATCH..end.min(first + (batch + 1) * BATCH))
}

fn now() -> i64 {
    i64::try_from(SystemClock.now().0).unwrap_or(i64::MAX)
}

fn fill_sqlite(
    path: &Path,
    pool: &str,
    first: u64,
    count: u64,
    hash: &str,
    told: &mut dyn FnMut(u64),
) -> Result<(), FillError> {
    let mut connection = rusqlite::Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -200_000)?;
    let settings = connection.query_row(SETTINGS, [pool], |row| row.get::<_, String>(0)).optional()?;
    let has_reference = has_reference(&settings.ok_or_else(|| FillError::NoPool(pool.to_owned()))?);
    let now = now();
    for numbers in batches(first, count) {
        let done = numbers.end - first;
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        {
            let mut user = transaction.prepare_cached(USER)?;
            let mut name = transaction.prepare_cached(NAME)?;
            for number in numbers {
                let row = row(number, has_reference);
                user.execute(rusqlite::params![pool, row.sub, row.username, row.attributes, hash, now])?;
                name.execute([pool, &row.username, "username", &row.sub])?;
                name.execute([pool, &row.sub, "sub", &row.sub])?;
            }
        }
        transaction.commit()?;
        told(done);
    }
    connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)")?;
    Ok(())
}

async fn fill_postgres(
    settings: &str,
    pool: &str,
    first: u64,
    count: u64,
    hash: &str,
    told: &mut dyn FnMut(u64),
) -> Result<(), FillError> {
    let (mut client, connection) = tokio_postgres::connect(settings, NoTls).await?;
    tokio::spawn(connection);
    let settings = client.query_opt(SETTINGS, &[&pool]).await?.map(|row| row.get::<_, String>(0));
    let has_reference = has_reference(&settings.ok_or_else(|| FillError::NoPool(pool.to_owned()))?);
    let now = now();
    for numbers in batches(first, count) {
        let done = numbers.end - first;
        let transaction = client.transaction().await?;
        let (user, name) = (transaction.prepare(USER).await?, transaction.prepare(NAME).await?);
        // All of a batch is sent before the first answer is waited for.
        let rows: Vec<Row> = numbers.map(|number| row(number, has_reference)).collect();
        let inserts = rows.iter().map(async |row| {
            transaction.execute(&user, &[&pool, &row.sub, &row.username, &row.attributes, &hash, &now]).await?;
            transaction.execute(&name, &[&pool, &row.username, &"username", &row.sub]).await?;
            transaction.execute(&name, &[&pool, &row.sub, &"sub", &row.sub]).await
        });
        futures_util::future::try_join_all(inserts).await?;
        transaction.commit().await?;
        told(done);
    }
    client.batch_execute("ANALYZE users; ANALYZE login_names; ANALYZE derived_values").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_have_every_number_once() {
        let all: Vec<u64> = batches(7, 2_500).flatten().collect();
        assert_eq!(all, (7..2_507).collect::<Vec<_>>());
        assert_eq!(batches(0, 0).count(), 0);
    }

    #[test]
    fn rows_are_as_the_issuer_writes_them() {
        let row = row(5, true);
        let read: std::collections::BTreeMap<String, String> = serde_json::from_str(&row.attributes).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), row.attributes);
        assert!(read.contains_key("custom:ref"));
        assert!(!super::row(5, false).attributes.contains("custom"), "the schema has no such attribute");
        assert!(ready_hash("x").unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn an_sqlite_file_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let tables = "CREATE TABLE users (pool TEXT, sub TEXT PRIMARY KEY, username TEXT UNIQUE, status TEXT, enabled INTEGER,
                attributes TEXT, password_hash TEXT, valid_after INTEGER, newest_mint INTEGER, created_at INTEGER, modified_at INTEGER);
            CREATE TABLE pools (pool TEXT, settings TEXT);
            INSERT INTO pools VALUES ('p', '{\"custom_attributes\":[{\"Name\":\"custom:ref\"}]}');
            CREATE TABLE login_names (pool TEXT, name TEXT PRIMARY KEY, kind TEXT, sub TEXT);";
        rusqlite::Connection::open(&path).unwrap().execute_batch(tables).unwrap();
        let mut told = Vec::new();
        fill(&Database::Sqlite(path.clone()), "p", 0, 1_500, &mut |done| told.push(done)).unwrap();
        assert_eq!(told, [1_000, 1_500]);
        let connection = rusqlite::Connection::open(&path).unwrap();
        let count = |table: &str| -> i64 {
            connection.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        assert_eq!((count("users"), count("login_names")), (1_500, 3_000));
        assert!(fill(&Database::Sqlite(path.clone()), "p", 0, 1, &mut |_| {}).is_err(), "numbers that are there");
        let elsewhere = fill(&Database::Sqlite(path), "q", 0, 1, &mut |_| {});
        assert!(matches!(elsewhere, Err(FillError::NoPool(pool)) if pool == "q"));
    }
}
