//! The table `lockouts`: one row a user, or name of nobody, with attempts of late.

use common::clock::UnixMillis;

use super::ladder::{Attempts, Ladder};
use super::subject::Subject;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

/// `version` grows with every change of a row: it is what a guarded change expects.
pub const MIGRATION: Migration = Migration {
    version: 430,
    name: "lockouts",
    sql: "
        CREATE TABLE lockouts (
            pool TEXT NOT NULL,
            subject TEXT NOT NULL,
            failures BIGINT NOT NULL,
            last_at BIGINT NOT NULL,
            in_flight BIGINT NOT NULL,
            lease_until BIGINT NOT NULL,
            version BIGINT NOT NULL,
            PRIMARY KEY (pool, subject)
        ) WITHOUT ROWID;
        CREATE INDEX lockouts_lease ON lockouts (lease_until);
    ",
};

/// A row as it was read, for a change that expects to find it so. No row is version 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stored {
    pub(super) attempts: Attempts,
    version: i64,
}

pub(super) fn find(subject: &Subject) -> Query {
    let sql =
        "SELECT failures, last_at, in_flight, lease_until, version FROM lockouts WHERE pool = $1 AND subject = $2";
    Query::new(sql).bind(&subject.pool).bind(subject.text())
}

pub(super) fn stored(row: &Row) -> Result<Stored, RowError> {
    let count = |column| Ok::<_, RowError>(u32::try_from(row.u64(column)?).unwrap_or(u32::MAX));
    let attempts =
        Attempts { failures: count(0)?, last: row.millis(1)?, in_flight: count(2)?, lease_until: row.millis(3)? };
    Ok(Stored { attempts, version: row.int(4)? })
}

/// Stores what the ladder said. Misses when another attempt was first.
pub(super) fn put(subject: &Subject, expected: Stored, attempts: Attempts) -> Statement {
    let statement = if expected.version == 0 {
        Statement::new(
            "INSERT INTO lockouts (failures, last_at, in_flight, lease_until, pool, subject, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7 + 1) ON CONFLICT DO NOTHING",
        )
    } else {
        Statement::new(
            "UPDATE lockouts SET failures = $1, last_at = $2, in_flight = $3, lease_until = $4, version = version + 1
             WHERE pool = $5 AND subject = $6 AND version = $7",
        )
    };
    statement
        .bind(attempts.failures)
        .bind(attempts.last)
        .bind(attempts.in_flight)
        .bind(attempts.lease_until)
        .bind(&subject.pool)
        .bind(subject.text())
        .bind(expected.version)
        .expect(Rows::Exactly(1))
}

/// Gives a place back and forgets the failures. Never misses: it stands in the batch of what the right password permits.
pub(super) fn clear(subject: &Subject) -> Statement {
    in_row(
        "UPDATE lockouts SET failures = 0, in_flight = CASE WHEN in_flight > 0 THEN in_flight - 1 ELSE 0 END,
                version = version + 1
         WHERE pool = $1 AND subject = $2",
        subject,
    )
}

/// Gives a place back, without a verdict. Never misses.
pub(super) fn give_back(subject: &Subject) -> Statement {
    in_row(
        "UPDATE lockouts SET in_flight = CASE WHEN in_flight > 0 THEN in_flight - 1 ELSE 0 END, version = version + 1
         WHERE pool = $1 AND subject = $2",
        subject,
    )
}

/// Forgets the failures. Never misses.
pub(super) fn forget(subject: &Subject) -> Statement {
    in_row("UPDATE lockouts SET failures = 0, version = version + 1 WHERE pool = $1 AND subject = $2", subject)
}

/// The row of a user who is deleted.
pub fn remove(subject: &Subject) -> Statement {
    in_row("DELETE FROM lockouts WHERE pool = $1 AND subject = $2", subject)
}

/// Deletes rows that say nothing any more; run now and then.
pub fn prune(now: UnixMillis) -> Statement {
    let quiet_since = now.minus(Ladder::COGNITO.quiet);
    Statement::new("DELETE FROM lockouts WHERE lease_until < $1 AND last_at < $1").bind(quiet_since)
}

fn in_row(sql: &'static str, subject: &Subject) -> Statement {
    Statement::new(sql).bind(&subject.pool).bind(subject.text())
}
