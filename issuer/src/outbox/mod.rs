//! The log that the feed is served from: statements that append to it, for the batch that makes a change true.
//!
//! ```text
//! batch.add(users::rows::set_valid_after(…));
//! batch.extend(outbox::append(&pool.into(), &Change::Revoked(Revoked::User { sub, valid_after }), now));
//! store.commit(batch).await?;
//! publish.wake();
//! ```
//!
//! [`append`] comes **last** in a batch: it takes the feed's row, and holds it until the commit, so the order of sequence numbers is the
//! order of commits. A batch that appends to several feeds does so in the order of their names.

mod read;
mod schema;
#[cfg(test)]
mod tests;
mod wake;

use common::clock::UnixMillis;
use common::feed::{Change, Digest, Epoch, FeedName, Kind};

pub use self::read::{Head, LogPage, deltas_after, heads, newest, read_heads, read_page, read_snapshot, snapshot};
pub use self::schema::MIGRATIONS;
pub use self::wake::Wake;
use crate::store::{Rows, Statement};

/// How long records stay that newer ones replaced: an edge that was away for less goes on by deltas.
const REPLACED_STAY_MS: u64 = 24 * 3_600_000;

/// The feed of a new pool. The batch fails if there is one already.
pub fn create(feed: &FeedName, now: UnixMillis) -> Statement {
    ensure(feed, now).expect(Rows::Exactly(1))
}

/// The feed, unless there is one.
pub fn ensure(feed: &FeedName, now: UnixMillis) -> Statement {
    Statement::new(
        "INSERT INTO feed_head (feed, epoch, seq, prev, digest, floor) VALUES ($1, $2, 0, $3, $4, 0) ON CONFLICT DO NOTHING",
    )
    .bind(feed.as_str())
    .bind(new_lineage(now).0)
    .bind(Digest::START.0)
    .bind(Digest::START.0)
}

/// A new lineage of the whole database: after a restore, or a failover that lost commits. Every edge takes snapshots and never again
/// accepts an older epoch. `newest`: the newest epoch in [`heads`]; the new one is later, whatever the clock says.
pub fn new_epoch(newest: Option<Epoch>, now: UnixMillis) -> Statement {
    let after = newest.map_or(UnixMillis(0), |epoch| UnixMillis(epoch.began().0.saturating_add(1)));
    Statement::new("UPDATE feed_head SET epoch = $1").bind(new_lineage(now.max(after)).0)
}

/// Appends one change. A feed that does not exist fails the batch, and so does a change without an encoding (a subject of more than 256
/// bytes): what is not published is not committed.
pub fn append(feed: &FeedName, change: &Change, now: UnixMillis) -> Vec<Statement> {
    append_as(feed, change, now, |record| Some(record.to_vec()))
}

/// The same for a change with a secret in it: it lies in the log sealed, and whoever serves the log opens it. The chain of digests is over what edges get.
pub fn append_sealed(
    feed: &FeedName,
    change: &Change,
    now: UnixMillis,
    seal: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Vec<Statement> {
    append_as(feed, change, now, |record| Some([&[Kind::SEALED.0], seal(record)?.as_slice()].concat()))
}

/// What is sealed of a record in the log, if it is.
pub fn sealed(record: &[u8]) -> Option<&[u8]> {
    record.strip_prefix(&[Kind::SEALED.0])
}

fn append_as(
    feed: &FeedName,
    change: &Change,
    now: UnixMillis,
    stored: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Vec<Statement> {
    let encoded = change.to_raw(now).ok().and_then(|raw| raw.encode().ok().map(|record| (raw, record)));
    let encoded = encoded.and_then(|(raw, record)| stored(&record).map(|stored| (raw, record, stored)));
    let Some((raw, record, stored)) = encoded else {
        let never = "UPDATE feed_head SET seq = seq WHERE feed = $1 AND seq < 0";
        return vec![Statement::new(never).bind(feed.as_str()).expect(Rows::Exactly(1))];
    };
    let advance = Statement::new(
        "UPDATE feed_head SET seq = seq + 1, prev = digest, digest = chain_digest(digest, $1) WHERE feed = $2",
    )
    .bind(record.as_slice())
    .bind(feed.as_str())
    .expect(Rows::Exactly(1));
    let insert = Statement::new(
        "INSERT INTO feed_log (feed, seq, prev, digest, kind, subject, body, at, leave_at) \
         SELECT feed, seq, prev, digest, $1, $2, $3, $4, $5 FROM feed_head WHERE feed = $6",
    )
    .bind(u32::from(raw.kind.0))
    .bind(raw.subject)
    .bind(stored)
    .bind(now)
    .bind(raw.leave_at)
    .bind(feed.as_str())
    .expect(Rows::Exactly(1));
    vec![advance, insert]
}

/// What may go, of the rows `l` of the feed $3: at $1 it, or a newer record of its subject, has left; or a newer one has replaced it before $2.
/// Every row is looked at once: a user who signs out all day long has thousands of records of one subject, so that
/// comparing each of them with each would hold the writer for minutes.
const GOING: &str = "(l.seq IN (SELECT o.seq FROM (SELECT kind, subject, MAX(seq) AS newest FROM feed_log \
     WHERE feed = $3 AND leave_at <= $1 GROUP BY kind, subject) g \
     JOIN feed_log o ON o.feed = $3 AND o.kind = g.kind AND o.subject = g.subject AND o.seq <= g.newest) \
     OR (l.at <= $2 AND EXISTS (SELECT 1 FROM feed_log n WHERE n.feed = l.feed AND n.kind = l.kind \
     AND n.subject = l.subject AND n.seq > l.seq)))";

/// Forgets, in one feed, what has left and what was replaced more than a day ago, and moves `floor`: deltas are served only after it.
/// Run it as a batch of its own, now and then.
pub fn prune(feed: &FeedName, now: UnixMillis) -> Vec<Statement> {
    let replaced_before = UnixMillis(now.0.saturating_sub(REPLACED_STAY_MS));
    // The first statement always changes the feed's row, and so holds back appends; the second goes no further than it decided.
    let lower = Statement::new(format!(
        "UPDATE feed_head SET floor = COALESCE((SELECT MAX(l.seq) FROM feed_log l WHERE l.feed = $3 \
         AND l.seq > feed_head.floor AND {GOING}), floor) WHERE feed = $3"
    ));
    let delete = Statement::new(format!(
        "DELETE FROM feed_log AS l WHERE l.feed = $3 AND {GOING} \
         AND l.seq <= (SELECT h.floor FROM feed_head h WHERE h.feed = $3)"
    ));
    let bound = |statement: Statement| statement.bind(now).bind(replaced_before).bind(feed.as_str());
    vec![bound(lower).expect(Rows::Any), bound(delete)]
}

/// The random part is drawn from UUIDv4s, which have 122 random bits each.
fn new_lineage(now: UnixMillis) -> Epoch {
    let digest = ring::digest::digest(&ring::digest::SHA256, uuid::Uuid::new_v4().as_bytes());
    let mut random = [0; 10];
    random.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    Epoch::new(now, random)
}
