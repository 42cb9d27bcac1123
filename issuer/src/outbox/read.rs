//! Reading the log: heads, pages of deltas, and a snapshot in one SELECT.

use std::collections::BTreeMap;

use common::clock::UnixMillis;
use common::feed::{Digest, Epoch, FeedName, Kind, LogRecord, Position, Record};

use crate::store::{Query, Row, RowError};

/// Records in one page of deltas.
const PAGE: usize = 512;
/// Records in one snapshot.
const MAX_SNAPSHOT: usize = 4_000_000;
/// Feeds in one deployment.
const MAX_FEEDS: usize = 100_000;

/// Where a feed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub position: Position,
    /// Records up to this one may be missing from the log.
    pub floor: u64,
}

/// Records after some sequence number, oldest first, and the feed's lineage as of the same moment.
#[derive(Clone, Debug, PartialEq)]
pub struct LogPage {
    pub epoch: Epoch,
    pub floor: u64,
    pub records: Vec<LogRecord>,
}

/// All heads.
pub fn heads() -> Query {
    Query::new("SELECT feed, epoch, seq, digest, floor FROM feed_head").at_most(MAX_FEEDS)
}

/// The answer to [`heads`]. A feed whose name is not one is left out.
pub fn read_heads(rows: &[Row]) -> Result<BTreeMap<FeedName, Head>, RowError> {
    let mut heads = BTreeMap::new();
    for row in rows {
        let position = Position { epoch: Epoch(row.array(1)?), seq: row.u64(2)?, digest: Digest(row.array(3)?) };
        if let Ok(feed) = FeedName::parse(row.text(0)?) {
            heads.insert(feed, Head { position, floor: row.u64(4)? });
        }
    }
    Ok(heads)
}

/// At most 512 records of `feed` after `seq`.
pub fn deltas_after(feed: &FeedName, seq: u64) -> Query {
    let sql = "SELECT h.epoch, h.floor, l.seq, l.prev, l.digest, l.body FROM feed_head h \
               LEFT JOIN feed_log l ON l.feed = h.feed AND l.seq > $1 WHERE h.feed = $2 ORDER BY l.seq LIMIT 512";
    Query::new(sql).bind(seq).bind(feed.as_str()).at_most(PAGE)
}

/// The answer to [`deltas_after`]; `None` if there is no such feed.
pub fn read_page(rows: &[Row]) -> Result<Option<LogPage>, RowError> {
    let Some(first) = rows.first() else { return Ok(None) };
    let mut page =
        LogPage { epoch: Epoch(first.array(0)?), floor: first.u64(1)?, records: Vec::with_capacity(rows.len()) };
    for row in rows {
        let Some(seq) = row.opt_u64(2)? else { continue };
        let (prev, digest) = (Digest(row.array(3)?), Digest(row.array(4)?));
        page.records.push(LogRecord { seq, prev, digest, record: row.bytes(5)?.into() });
    }
    Ok(Some(page))
}

/// The newest record about a subject: its bytes, as they lie in the log.
pub fn newest(feed: &FeedName, kind: Kind, subject: &str) -> Query {
    Query::new("SELECT body FROM feed_log WHERE feed = $1 AND kind = $2 AND subject = $3 ORDER BY seq DESC LIMIT 1")
        .bind(feed.as_str())
        .bind(u32::from(kind.0))
        .bind(subject)
}

/// Head and newest live record of each subject, as of one moment. The newest is chosen before what has left is left out: a removal
/// that has left must not bring back what it removed.
pub fn snapshot(feed: &FeedName, now: UnixMillis) -> Query {
    let sql = "SELECT h.seq, h.epoch, h.digest FROM feed_head h WHERE h.feed = $1 UNION ALL \
               SELECT l.seq, l.body, NULL FROM feed_log l WHERE l.feed = $2 AND (l.leave_at IS NULL OR l.leave_at > $3) \
               AND NOT EXISTS (SELECT 1 FROM feed_log n WHERE n.feed = l.feed AND n.kind = l.kind \
               AND n.subject = l.subject AND n.seq > l.seq)";
    Query::new(sql).bind(feed.as_str()).bind(feed.as_str()).bind(now).at_most(MAX_SNAPSHOT)
}

/// The answer to [`snapshot`]; `None` if there is no such feed. The record of each subject is the only one, so order says nothing.
pub fn read_snapshot(rows: &[Row]) -> Result<Option<(Position, Vec<Record>)>, RowError> {
    let mut position = None;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        match row.opt_bytes(2)? {
            Some(_) => {
                position =
                    Some(Position { epoch: Epoch(row.array(1)?), seq: row.u64(0)?, digest: Digest(row.array(2)?) });
            }
            None => records.push(Record::from(row.bytes(1)?)),
        }
    }
    Ok(position.map(|position| (position, records)))
}
