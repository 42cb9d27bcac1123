//! The table of one-time codes.

use common::clock::UnixMillis;
use common::ids::PoolId;

use super::code::{CodeSlot, MAX_ATTEMPTS};
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

/// The table that this module owns.
pub const MIGRATIONS: &[Migration] = &[CODES, GUESSES, SUBJECTS];

const CODES: Migration = Migration {
    version: 22,
    name: "one_time_codes",
    sql: "
CREATE TABLE one_time_codes (
    pool TEXT NOT NULL,
    purpose TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (pool, purpose, subject)
) WITHOUT ROWID;
CREATE INDEX one_time_codes_expiry ON one_time_codes (expires_at);
",
};

/// `attempts` are those at the present code. `guesses` and `guessing_since` are of an earlier version; `limits::budget` counts now.
const GUESSES: Migration = Migration {
    version: 23,
    name: "one_time_code_guesses",
    sql: "
ALTER TABLE one_time_codes ADD COLUMN guesses BIGINT NOT NULL DEFAULT 0;
ALTER TABLE one_time_codes ADD COLUMN guessing_since BIGINT NOT NULL DEFAULT 0;
",
};

/// For the deletion of all codes of a user.
const SUBJECTS: Migration = Migration {
    version: 29,
    name: "one_time_codes_by_subject",
    sql: "CREATE INDEX one_time_codes_subject ON one_time_codes (pool, subject);",
};

/// What is stored of a code.
pub(super) struct StoredCode {
    pub(super) digest: Vec<u8>,
    pub(super) attempts: u64,
    pub(super) expires_at: UnixMillis,
}

impl StoredCode {
    pub(super) fn read(row: &Row) -> Result<Self, RowError> {
        Ok(Self { digest: row.bytes(0)?.to_vec(), attempts: row.u64(1)?, expires_at: UnixMillis(row.u64(2)?) })
    }
}

pub(super) fn put(now: UnixMillis, slot: CodeSlot<'_>, digest: &[u8; 32], expires_at: UnixMillis) -> Statement {
    let sql = "INSERT INTO one_time_codes (pool, purpose, subject, digest, attempts, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, 0, $5, $6) ON CONFLICT (pool, purpose, subject) DO UPDATE SET \
               digest = excluded.digest, attempts = 0, created_at = excluded.created_at, expires_at = excluded.expires_at";
    in_slot(Statement::new(sql), slot).bind(digest).bind(now).bind(expires_at).expect(Rows::Exactly(1))
}

/// Takes one attempt. Misses when the code is gone, over or used up.
pub(super) fn count_attempt(now: UnixMillis, slot: CodeSlot<'_>) -> Statement {
    let sql = "UPDATE one_time_codes SET attempts = attempts + 1 WHERE pool = $1 \
               AND purpose = $2 AND subject = $3 AND expires_at > $4 AND attempts < $5";
    in_slot(Statement::new(sql), slot).bind(now).bind(MAX_ATTEMPTS).expect(Rows::Exactly(1))
}

/// Takes the code itself. Misses when another call took it, or a newer one replaced it.
pub(super) fn consume(now: UnixMillis, slot: CodeSlot<'_>, digest: &[u8; 32]) -> Statement {
    let sql = "DELETE FROM one_time_codes \
               WHERE pool = $1 AND purpose = $2 AND subject = $3 AND digest = $4 AND expires_at > $5";
    in_slot(Statement::new(sql), slot).bind(digest).bind(now).expect(Rows::Exactly(1))
}

pub(super) fn find(slot: CodeSlot<'_>) -> Query {
    let sql =
        "SELECT digest, attempts, expires_at FROM one_time_codes WHERE pool = $1 AND purpose = $2 AND subject = $3";
    Query::new(sql).bind(slot.pool).bind(slot.purpose).bind(slot.subject)
}

/// Withdraws the slot's code, if there is one: the address changed, or the user is gone.
pub fn discard(slot: CodeSlot<'_>) -> Statement {
    let sql = "DELETE FROM one_time_codes WHERE pool = $1 AND purpose = $2 AND subject = $3";
    in_slot(Statement::new(sql), slot)
}

/// Withdraws every code of a subject who is gone.
pub fn forget(pool: &PoolId, subject: &str) -> Statement {
    Statement::new("DELETE FROM one_time_codes WHERE pool = $1 AND subject = $2").bind(pool).bind(subject)
}

/// Forgets every code, after a restore: it may have been used since.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM one_time_codes")
}

/// Deletes codes that ended before `before`, in every pool. Keep some behind: an expired code gets another answer than none.
pub fn prune(before: UnixMillis) -> Statement {
    Statement::new("DELETE FROM one_time_codes WHERE expires_at < $1").bind(before)
}

fn in_slot(statement: Statement, slot: CodeSlot<'_>) -> Statement {
    statement.bind(slot.pool).bind(slot.purpose).bind(slot.subject)
}
