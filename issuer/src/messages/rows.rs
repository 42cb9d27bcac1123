//! The table `messages`: what waits for delivery, and for some days what became of it.

use std::time::Duration;

use common::clock::UnixMillis;

use super::{Kind, Message};
use crate::envelope::Context;
use crate::store::{Migration, Query, Row, RowError, Rows, Statement};

pub const MIGRATIONS: &[Migration] = &[MESSAGES, DELIVERY];

const MESSAGES: Migration = Migration {
    version: 410,
    name: "messages",
    sql: "
        CREATE TABLE messages (
            pool TEXT NOT NULL,
            id TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            sealed BYTEA NOT NULL,
            PRIMARY KEY (pool, id)
        );
        CREATE INDEX messages_created ON messages (created_at);
    ",
};

/// `next_at` is when somebody may take the message: while it waits the time of its next try, while it is being sent the end of the
/// lease. `expires_at` 0 stands for what the build before queued without an end; see [`end_of`].
const DELIVERY: Migration = Migration {
    version: 411,
    name: "messages_delivery",
    sql: "
        ALTER TABLE messages ADD COLUMN kind TEXT NOT NULL DEFAULT '';
        ALTER TABLE messages ADD COLUMN channel TEXT NOT NULL DEFAULT '';
        ALTER TABLE messages ADD COLUMN request TEXT NOT NULL DEFAULT '';
        ALTER TABLE messages ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting';
        ALTER TABLE messages ADD COLUMN attempts BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE messages ADD COLUMN next_at BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE messages ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE messages ADD COLUMN lease TEXT NOT NULL DEFAULT '';
        ALTER TABLE messages ADD COLUMN finished_at BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE messages ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
        CREATE INDEX messages_due ON messages (state, next_at);
    ",
};

/// How long delivery is tried at most, whatever the code's end (RFC 5321 §4.5.4.1: 4 to 5 days).
pub const LONGEST: Duration = Duration::from_secs(4 * 24 * 3600);
/// How long the status of what is delivered or failed is kept.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// When delivery is given up: the end of the code in it, at most [`LONGEST`] after it was queued.
pub fn end_of(created: UnixMillis, code_ends: UnixMillis) -> UnixMillis {
    let latest = created.plus(LONGEST);
    if code_ends.0 == 0 { latest } else { latest.min(code_ends) }
}

/// A message that this process has taken.
pub struct Taken {
    pub pool: String,
    pub id: String,
    pub sealed: Vec<u8>,
    /// This one included.
    pub attempts: u64,
    pub end: UnixMillis,
    pub lease: String,
}

/// Where a message lives; `row` is its id.
pub fn cell<'a>(row: &'a [&'a str]) -> Context<'a> {
    Context { table: "messages", row, column: "sealed" }
}

pub fn insert(message: &Message, id: &str, request: &str, now: UnixMillis, sealed: Vec<u8>) -> Statement {
    Statement::new(
        "INSERT INTO messages (pool, id, created_at, sealed, kind, channel, request, next_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $3, $8)",
    )
    .bind(&message.pool_id)
    .bind(id)
    .bind(now)
    .bind(sealed)
    .bind(message.kind.as_str())
    .bind(message.channel.as_str())
    .bind(request)
    .bind(end_of(now, UnixMillis(message.until)))
    .expect(Rows::Exactly(1))
}

/// What may be taken: what waits and is due, and what somebody took and whose lease is over. The longest due first.
pub fn due(now: UnixMillis, limit: u32) -> Query {
    Query::new(
        "SELECT pool, id FROM messages WHERE state IN ('waiting', 'sending') AND next_at <= $1
         ORDER BY next_at, pool, id LIMIT $2",
    )
    .bind(now)
    .bind(limit)
}

/// Forgets every message that waits, after a restore: it may have been sent since.
pub fn forget_all() -> Statement {
    Statement::new("DELETE FROM messages")
}

/// Takes a message. Changes nothing when another issuer was first: the guard is on the row itself, so it is exact on both engines.
pub fn take(pool: &str, id: &str, lease: &str, now: UnixMillis, until: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE messages SET state = 'sending', lease = $1, next_at = $2, attempts = attempts + 1
         WHERE pool = $3 AND id = $4 AND state IN ('waiting', 'sending') AND next_at <= $5",
    )
    .bind(lease)
    .bind(until)
    .bind(pool)
    .bind(id)
    .bind(now)
}

pub fn taken_by(lease: &str) -> Query {
    Query::new(
        "SELECT pool, id, sealed, attempts, created_at, expires_at, lease FROM messages
         WHERE state = 'sending' AND lease = $1 ORDER BY created_at, id",
    )
    .bind(lease)
}

pub fn taken(row: &Row) -> Result<Taken, RowError> {
    Ok(Taken {
        pool: row.text(0)?.to_owned(),
        id: row.text(1)?.to_owned(),
        sealed: row.bytes(2)?.to_vec(),
        attempts: row.u64(3)?,
        end: end_of(row.millis(4)?, row.millis(5)?),
        lease: row.text(6)?.to_owned(),
    })
}

/// Keeps a message while it is being sent. Misses when the lease was lost.
pub fn renew(taken: &Taken, until: UnixMillis) -> Statement {
    held("UPDATE messages SET next_at = $4 WHERE pool = $1 AND id = $2 AND lease = $3 AND state = 'sending'", taken)
        .bind(until)
}

/// The content goes with the delivery. Misses when the lease was lost.
pub fn delivered(taken: &Taken, now: UnixMillis) -> Statement {
    held(
        "UPDATE messages SET state = 'delivered', sealed = $4, finished_at = $5, last_error = ''
         WHERE pool = $1 AND id = $2 AND lease = $3 AND state = 'sending'",
        taken,
    )
    .bind(Vec::new())
    .bind(now)
}

/// To be tried again. Misses when the lease was lost.
pub fn again(taken: &Taken, next: UnixMillis, why: &str) -> Statement {
    held(
        "UPDATE messages SET state = 'waiting', next_at = $4, last_error = $5, lease = ''
         WHERE pool = $1 AND id = $2 AND lease = $3 AND state = 'sending'",
        taken,
    )
    .bind(next)
    .bind(why)
}

/// Given up; the content stays until its end, for [`retry`]. Misses when the lease was lost.
pub fn failed(taken: &Taken, now: UnixMillis, why: &str) -> Statement {
    held(
        "UPDATE messages SET state = 'failed', finished_at = $4, last_error = $5
         WHERE pool = $1 AND id = $2 AND lease = $3 AND state = 'sending'",
        taken,
    )
    .bind(now)
    .bind(why)
}

fn held(sql: &'static str, taken: &Taken) -> Statement {
    Statement::new(sql).bind(&taken.pool).bind(&taken.id).bind(&taken.lease).expect(Rows::Exactly(1))
}

/// Puts a failed message back. Misses when there is no such message, it did not fail, or its code has ended.
pub fn retry(pool: &str, id: &str, now: UnixMillis) -> Statement {
    Statement::new(
        "UPDATE messages SET state = 'waiting', next_at = $1, attempts = 0, finished_at = 0
         WHERE pool = $2 AND id = $3 AND state = 'failed' AND expires_at > $1 AND LENGTH(sealed) > 0",
    )
    .bind(now)
    .bind(pool)
    .bind(id)
    .expect(Rows::Exactly(1))
}

/// Deletes old status, and the content of what failed and can't be sent any more.
pub fn prune(now: UnixMillis) -> [Statement; 2] {
    let old = Statement::new("DELETE FROM messages WHERE state IN ('delivered', 'failed') AND finished_at < $1")
        .bind(now.minus(KEPT));
    let worthless = Statement::new(
        "UPDATE messages SET sealed = $1 WHERE state = 'failed' AND expires_at <= $2 AND LENGTH(sealed) > 0",
    )
    .bind(Vec::new())
    .bind(now);
    [old, worthless]
}

/// How many messages of each kind are not finished, and since when the oldest waits.
pub fn unfinished() -> Query {
    Query::new(
        "SELECT kind, COUNT(*), MIN(created_at) FROM messages WHERE state IN ('waiting', 'sending') GROUP BY kind",
    )
}

/// The name of a kind as metrics show it; an older build queued without one.
pub fn kind_name(stored: &str) -> &'static str {
    Kind::ALL.into_iter().map(Kind::as_str).find(|name| *name == stored).unwrap_or("unknown")
}
