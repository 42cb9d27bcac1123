//! The issuer's side of one connection: what to send next.
//!
//! Per feed there is a cursor: the position that the edge will have once everything sent so far has arrived. Whenever it differs from the
//! feed's head, records are read and sent as a delta that names its predecessor's digest; where they do not join on, a snapshot is.
//!
//! The shell feeds in messages, heads and what it read, and calls [`Publisher::poll`] while there is room to send. The core reads ahead by
//! one answer a feed only, so its memory is bounded by what the shell hands it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::message::{
    Ack, Delta, Heartbeat, Hello, Message, Record, Renewed, Resync, SnapshotBegin, SnapshotChunk, SnapshotEnd, Welcome,
};
use super::{Digest, FeedName, Position};
use crate::clock::UnixMillis;

/// Between two heartbeats.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// A heartbeat follows what is on its way, so that the edge finds itself up to date; but it does not wait longer than this.
const HEARTBEAT_PATIENCE: Duration = Duration::from_millis(1_500);
/// Bytes of records in one frame, unless a single record is longer.
const BATCH_BYTES: usize = 128 * 1024;
/// Messages that the shell may have asked to be sent and that wait.
const MAX_WAITING: usize = 64;

/// One record of the log, as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    pub seq: u64,
    /// The chain digest before it and after it.
    pub prev: Digest,
    pub digest: Digest,
    pub record: Record,
}

/// What the shell does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Publish {
    Send(Message),
    /// Read the log after this position and answer with [`Publisher::on_records`].
    ReadRecords {
        feed: FeedName,
        after: Position,
    },
    /// Read a snapshot and answer with [`Publisher::on_snapshot`].
    ReadSnapshot {
        feed: FeedName,
    },
    /// Sign the request for this very edge and answer with [`Publisher::send_certificate`].
    Renew {
        csr: Vec<u8>,
    },
    /// The edge knows a later position of this epoch than the database has: commits were lost, and a new epoch is due.
    EdgeIsAhead {
        feed: FeedName,
        edge: Position,
    },
    /// End the connection.
    Close(CloseReason),
}

/// Why an issuer ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    #[error("the edge broke the protocol")]
    Protocol,
    #[error("the edge asked for a feed that it may not read")]
    NotServed,
}

#[derive(Debug)]
enum Cursor {
    /// Nothing is known of the edge's state, or it is worthless: a snapshot is due.
    Lost,
    At(Position),
    Reading(Option<Position>),
    Snapshot {
        position: Position,
        records: std::sync::Arc<[Record]>,
        next: usize,
        index: u32,
        content: Digest,
    },
    /// Ahead of the database; nothing is sent until a new epoch begins or the database overtakes it.
    Ahead(Position),
}

#[derive(Debug)]
struct Served {
    cursor: Cursor,
    waiting: VecDeque<Message>,
    acked: Option<Position>,
}

/// The core. One a connection.
#[derive(Debug)]
pub struct Publisher {
    feeds: BTreeMap<FeedName, Served>,
    heads: BTreeMap<FeedName, Position>,
    heads_at: UnixMillis,
    last_heartbeat: UnixMillis,
    greeted: bool,
    ready: bool,
    urgent: VecDeque<Publish>,
    /// Whose turn it is, so that one feed's snapshot does not hold up another's deltas.
    turn: usize,
}

impl Publisher {
    /// For an edge that may read `served`.
    pub fn new(served: impl IntoIterator<Item = FeedName>) -> Self {
        Self {
            feeds: served.into_iter().map(|feed| (feed, Served::new())).collect(),
            heads: BTreeMap::new(),
            heads_at: UnixMillis(0),
            last_heartbeat: UnixMillis(0),
            greeted: false,
            ready: false,
            urgent: VecDeque::new(),
            turn: 0,
        }
    }

    /// Serves these feeds too; the edge is told.
    pub fn serve_also(&mut self, feeds: impl IntoIterator<Item = FeedName>) {
        let known = self.feeds.len();
        for feed in feeds {
            self.feeds.entry(feed).or_insert_with(Served::new);
        }
        if self.greeted && self.feeds.len() > known {
            self.welcome();
        }
    }

    /// What the edge said it has in force.
    pub fn acked(&self) -> impl Iterator<Item = (&FeedName, Option<Position>)> {
        self.feeds.iter().map(|(feed, served)| (feed, served.acked))
    }

    /// Whether the edge said that it is complete and serves.
    pub fn ready(&self) -> bool {
        self.ready
    }

    /// Whether the edge has opened with its [`Hello`].
    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Where the feeds stood at `as_of`: a time read **before** the heads were. Heads must be fresh when the edge's hello is handed in.
    pub fn on_heads(&mut self, as_of: UnixMillis, heads: impl IntoIterator<Item = (FeedName, Position)>) {
        self.heads = heads.into_iter().filter(|(feed, _)| self.feeds.contains_key(feed)).collect();
        self.heads_at = as_of;
    }

    pub fn on_message(&mut self, message: Message) {
        let outcome = match message {
            Message::Hello(hello) if !self.greeted => self.on_hello(hello),
            Message::Ack(ack) if self.greeted => self.on_ack(ack),
            Message::Resync(resync) if self.greeted => self.on_resync(resync),
            Message::Renew(renew) if self.greeted => self.queue(Publish::Renew { csr: renew.csr }),
            Message::Unknown(_) if self.greeted => Ok(()),
            _ => Err(CloseReason::Protocol),
        };
        if let Err(reason) = outcome {
            self.urgent.clear();
            self.urgent.push_back(Publish::Close(reason));
        }
    }

    /// The answer to [`Publish::Renew`].
    pub fn send_certificate(&mut self, chain: Vec<Vec<u8>>) {
        self.urgent.push_back(Publish::Send(Message::Renewed(Renewed { chain })));
    }

    /// The answer to [`Publish::ReadRecords`]: what the log has after that position. `floor`: records up to it may be missing.
    pub fn on_records(&mut self, feed: &FeedName, epoch: super::Epoch, floor: u64, records: &[LogRecord]) {
        let Some(served) = self.feeds.get_mut(feed) else { return };
        let Cursor::Reading(Some(from)) = served.cursor else { return };
        let joins =
            records.first().is_some_and(|first| first.seq == from.seq.saturating_add(1) && first.prev == from.digest);
        if epoch != from.epoch || from.seq < floor || !joins {
            served.cursor = Cursor::Lost;
            return;
        }
        let mut position = from;
        for batch in batches(records) {
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else { continue };
            let records = batch.iter().map(|record| record.record.clone()).collect();
            let (prev, digest) = (first.prev, last.digest);
            served.waiting.push_back(Message::Delta(Delta {
                feed: feed.clone(),
                epoch,
                first: first.seq,
                prev,
                records,
                digest,
            }));
            position = Position { epoch, seq: last.seq, digest };
        }
        served.cursor = Cursor::At(position);
    }

    /// The answer to [`Publish::ReadSnapshot`].
    pub fn on_snapshot(&mut self, feed: &FeedName, position: Position, records: std::sync::Arc<[Record]>) {
        let Some(served) = self.feeds.get_mut(feed) else { return };
        if matches!(served.cursor, Cursor::Reading(None)) {
            let begin = SnapshotBegin { feed: feed.clone(), position, records: records.len() as u64 };
            served.waiting.push_back(Message::SnapshotBegin(begin));
            served.cursor = Cursor::Snapshot { position, records, next: 0, index: 0, content: Digest::START };
        }
    }

    /// A read failed: it is asked for again at the next poll after new heads.
    pub fn on_read_failed(&mut self, feed: &FeedName) {
        if let Some(served) = self.feeds.get_mut(feed)
            && let Cursor::Reading(from) = served.cursor
        {
            served.cursor = from.map_or(Cursor::Lost, Cursor::At);
        }
        self.heads.remove(feed);
    }

    /// The next thing to do; `None` until something is fed in or time passes.
    pub fn poll(&mut self, now: UnixMillis) -> Option<Publish> {
        if let Some(urgent) = self.urgent.pop_front() {
            return Some(urgent);
        }
        if !self.greeted {
            return None;
        }
        let since_heartbeat = self.since_heartbeat(now);
        if since_heartbeat >= HEARTBEAT_PATIENCE {
            return Some(self.heartbeat(now));
        }
        if let Some(next) = self.next_of_feeds() {
            return Some(next);
        }
        let reading = self.feeds.values().any(|served| matches!(served.cursor, Cursor::Reading(_)));
        if since_heartbeat >= HEARTBEAT_EVERY && !reading { Some(self.heartbeat(now)) } else { None }
    }

    fn next_of_feeds(&mut self) -> Option<Publish> {
        let count = self.feeds.len();
        for offset in 0..count {
            let turn = (self.turn + offset) % count;
            let Some((feed, served)) = self.feeds.iter_mut().nth(turn) else { continue };
            if let Some(next) = served.next(feed, self.heads.get(feed)) {
                self.turn = turn + 1;
                if let Publish::Send(Message::SnapshotEnd(_)) = next {
                    self.last_heartbeat = UnixMillis(0); // the edge is complete, and should hear as of when
                }
                return Some(next);
            }
        }
        None
    }

    fn on_hello(&mut self, hello: Hello) -> Result<(), CloseReason> {
        self.greeted = true;
        for (feed, position) in hello.positions {
            // A feed that it may no longer read: the welcome tells it to drop that state.
            if let Some(served) = self.feeds.get_mut(&feed) {
                served.cursor = Cursor::At(position);
            }
        }
        self.welcome();
        Ok(())
    }

    fn welcome(&mut self) {
        let welcome = Welcome { feeds: self.feeds.keys().cloned().collect(), issuer_clock: self.heads_at };
        self.urgent.push_back(Publish::Send(Message::Welcome(welcome)));
    }

    fn on_ack(&mut self, ack: Ack) -> Result<(), CloseReason> {
        for (feed, position) in ack.positions {
            let served = self.feeds.get_mut(&feed).ok_or(CloseReason::NotServed)?;
            served.acked = Some(position);
        }
        self.ready = ack.ready;
        Ok(())
    }

    fn on_resync(&mut self, resync: Resync) -> Result<(), CloseReason> {
        let served = self.feeds.get_mut(&resync.feed).ok_or(CloseReason::NotServed)?;
        served.waiting.clear();
        served.cursor = resync.position.map_or(Cursor::Lost, Cursor::At);
        Ok(())
    }

    fn queue(&mut self, action: Publish) -> Result<(), CloseReason> {
        if self.urgent.len() >= MAX_WAITING {
            return Err(CloseReason::Protocol);
        }
        self.urgent.push_back(action);
        Ok(())
    }

    /// A clock that has stepped back does not silence us until it has caught up: the next heartbeat is due.
    fn since_heartbeat(&self, now: UnixMillis) -> Duration {
        if now < self.last_heartbeat { HEARTBEAT_PATIENCE } else { now.since(self.last_heartbeat) }
    }

    fn heartbeat(&mut self, now: UnixMillis) -> Publish {
        self.last_heartbeat = now;
        // A delta may have been sent since the heads were read: never claim less than was sent.
        let position = |(feed, head): (&FeedName, &Position)| {
            let sent = match self.feeds.get(feed).map(|served| &served.cursor) {
                Some(Cursor::At(sent)) if sent.epoch == head.epoch && sent.seq > head.seq => *sent,
                _ => *head,
            };
            (feed.clone(), sent)
        };
        let positions = self.heads.iter().map(position).collect();
        Publish::Send(Message::Heartbeat(Heartbeat { issuer_clock: self.heads_at, positions }))
    }
}

impl Served {
    fn new() -> Self {
        Self { cursor: Cursor::Lost, waiting: VecDeque::new(), acked: None }
    }

    fn next(&mut self, feed: &FeedName, head: Option<&Position>) -> Option<Publish> {
        if let Some(message) = self.waiting.pop_front() {
            return Some(Publish::Send(message));
        }
        if let Cursor::Snapshot { .. } = self.cursor {
            return Some(Publish::Send(self.next_chunk(feed)));
        }
        let head = *head?;
        match self.cursor {
            Cursor::At(at) | Cursor::Ahead(at) if at.epoch == head.epoch && at.seq < head.seq => {
                self.cursor = Cursor::Reading(Some(at));
                Some(Publish::ReadRecords { feed: feed.clone(), after: at })
            }
            Cursor::At(at) if at.epoch == head.epoch && at.seq > head.seq => {
                self.cursor = Cursor::Ahead(at);
                Some(Publish::EdgeIsAhead { feed: feed.clone(), edge: at })
            }
            Cursor::At(at) if at == head => None,
            Cursor::Ahead(at) if at.epoch == head.epoch && at.seq > head.seq => None,
            Cursor::Lost | Cursor::At(_) | Cursor::Ahead(_) => {
                self.cursor = Cursor::Reading(None);
                Some(Publish::ReadSnapshot { feed: feed.clone() })
            }
            Cursor::Reading(_) | Cursor::Snapshot { .. } => None,
        }
    }

    fn next_chunk(&mut self, feed: &FeedName) -> Message {
        let Cursor::Snapshot { position, records, next, index, content } = &mut self.cursor else {
            return Message::Unknown(0); // not reached: the caller has looked
        };
        let rest = records.get(*next..).unwrap_or_default();
        let Some(batch) = batch_of(rest, |record| record.len()) else {
            let end = SnapshotEnd { feed: feed.clone(), position: *position, content: *content };
            self.cursor = Cursor::At(*position);
            return Message::SnapshotEnd(end);
        };
        *content = batch.iter().fold(*content, |content, record| super::chain_digest(content, record));
        let chunk = SnapshotChunk { feed: feed.clone(), index: *index, records: batch.to_vec() };
        *next += batch.len();
        *index = index.saturating_add(1);
        Message::SnapshotChunk(chunk)
    }
}

/// The first records that fit into one frame; `None` when there are none.
fn batch_of<T>(items: &[T], size: impl Fn(&T) -> usize) -> Option<&[T]> {
    let mut bytes = 0;
    let mut fits = items.iter().take_while(|item| {
        let first = bytes == 0;
        bytes += size(item) + 8;
        first || bytes <= BATCH_BYTES
    });
    let count = fits.by_ref().count();
    if count == 0 { None } else { items.get(..count) }
}

fn batches(records: &[LogRecord]) -> impl Iterator<Item = &[LogRecord]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let batch = batch_of(rest, |record| record.record.len())?;
        rest = rest.get(batch.len()..)?;
        Some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn heartbeats_go_on_when_the_clock_steps_back() {
        let mut core = Publisher::new([FeedName::Global]);
        let hello = Hello { software: "t".into(), positions: Vec::new() };
        core.on_message(Message::Hello(hello));
        let is_heartbeat = |action: &Publish| matches!(action, Publish::Send(Message::Heartbeat(_)));
        let mut beats = |now| std::iter::from_fn(|| core.poll(now)).filter(is_heartbeat).count();
        let (before, after) = (UnixMillis::from_seconds(1_000_000), UnixMillis::from_seconds(999_700));
        assert_eq!([before, before, before.plus(SECOND)].map(&mut beats), [1, 0, 1]);
        assert_eq!([after, after, after.plus(SECOND)].map(&mut beats), [1, 0, 1], "five minutes back");
        assert_eq!([before, before].map(&mut beats), [1, 0], "and right again");
    }
}
