//! Follows the log once for all connections: polls heads, keeps the newest records in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::feed::{FeedName, LogRecord, Position, Record};
use tokio::sync::watch;

use super::deployment_keys::LOG_CONTEXT;
use super::sealing::Sealing;
use crate::outbox::{self, Head, LogPage, Wake};
use crate::store::{Store, StoreError};

/// Between two looks for commits of other issuers; our own wake the hub at once.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// After a failed look.
const PAUSE: Duration = Duration::from_millis(200);
/// Newest records kept of each feed.
const RING_RECORDS: usize = 1024;
const RING_BYTES: usize = 2 * 1024 * 1024;

/// Where all feeds stood.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads {
    /// Read before the heads were.
    pub as_of: UnixMillis,
    pub heads: Arc<BTreeMap<FeedName, Head>>,
}

impl Heads {
    pub(super) fn positions(&self) -> impl Iterator<Item = (FeedName, Position)> {
        self.heads.iter().map(|(feed, head)| (feed.clone(), head.position))
    }
}

#[derive(Default)]
struct Ring {
    records: VecDeque<LogRecord>,
    bytes: usize,
}

/// A snapshot as it was read.
pub(super) type Snapshot = (Position, Arc<[Record]>);

type Remembered = (Position, Weak<[Record]>);

/// Shared by all connections of this issuer.
pub(super) struct Hub {
    store: Store,
    clock: Arc<dyn Clock>,
    wake: Wake,
    sealing: Arc<dyn Sealing>,
    heads: watch::Sender<Heads>,
    rings: Mutex<BTreeMap<FeedName, Ring>>,
    /// Kept while somebody sends it, so that a herd of edges shares one read.
    snapshots: tokio::sync::Mutex<BTreeMap<FeedName, Remembered>>,
}

impl Hub {
    pub(super) fn new(store: Store, clock: Arc<dyn Clock>, wake: Wake, sealing: Arc<dyn Sealing>) -> Self {
        let heads = watch::Sender::new(Heads::default());
        let (rings, snapshots) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { store, clock, wake, sealing, heads, rings, snapshots }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Heads> {
        self.heads.subscribe()
    }

    /// Looks until the task is aborted; while nobody is connected, not at all.
    pub(super) async fn run(self: Arc<Self>) {
        loop {
            if self.heads.receiver_count() == 0 {
                self.wake.rung().await;
                continue;
            }
            let pause = match self.look().await {
                Ok(()) => POLL_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "the feed's log can't be read");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.wake.rung() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Reads heads, and what is new in the log, before it tells anybody.
    async fn look(&self) -> Result<(), StoreError> {
        let fresh = self.fresh_heads().await?;
        let before = self.heads.borrow().heads.clone();
        for (feed, head) in fresh.heads.iter() {
            let Some(known) = before.get(feed).map(|head| head.position) else { continue };
            if known.epoch == head.position.epoch
                && known.seq < head.position.seq
                && let Some(page) = self.read_page(feed, known.seq).await?
            {
                self.remember(feed, page.records);
            }
        }
        self.heads.send_replace(fresh);
        Ok(())
    }

    /// Heads of this very moment.
    pub(super) async fn fresh_heads(&self) -> Result<Heads, StoreError> {
        let as_of = self.clock.now();
        let rows = self.store.read(outbox::heads()).await?;
        Ok(Heads { as_of, heads: Arc::new(outbox::read_heads(&rows)?) })
    }

    /// The log of `feed` after `after`: from memory where that reaches back far enough.
    pub(super) async fn records_after(&self, feed: &FeedName, after: Position) -> Result<Option<LogPage>, StoreError> {
        if let Some(records) = self.remembered(feed, after) {
            return Ok(Some(LogPage { epoch: after.epoch, floor: 0, records }));
        }
        self.read_page(feed, after.seq).await
    }

    /// A snapshot of `feed` that is not older than what the last reader got.
    pub(super) async fn snapshot(&self, feed: &FeedName) -> Result<Option<Snapshot>, StoreError> {
        let mut snapshots = self.snapshots.lock().await;
        let head = self.heads.borrow().heads.get(feed).copied();
        if let Some((position, records)) = snapshots.get(feed)
            && let Some(records) = records.upgrade()
            && head.is_some_and(|head| head.position.epoch == position.epoch && head.floor <= position.seq)
        {
            return Ok(Some((*position, records)));
        }
        let rows = self.store.read(outbox::snapshot(feed, self.clock.now())).await?;
        let Some((position, records)) = outbox::read_snapshot(&rows)? else { return Ok(None) };
        let records: Arc<[Record]> = records.into_iter().map(|record| self.opened(record)).collect::<Result<_, _>>()?;
        snapshots.insert(feed.clone(), (position, Arc::downgrade(&records)));
        Ok(Some((position, records)))
    }

    async fn read_page(&self, feed: &FeedName, after: u64) -> Result<Option<LogPage>, StoreError> {
        let rows = self.store.read(outbox::deltas_after(feed, after)).await?;
        let Some(mut page) = outbox::read_page(&rows)? else { return Ok(None) };
        for record in &mut page.records {
            record.record = self.opened(Arc::clone(&record.record))?;
        }
        Ok(Some(page))
    }

    /// A record as edges get it.
    fn opened(&self, record: Record) -> Result<Record, StoreError> {
        let Some(sealed) = outbox::sealed(&record) else { return Ok(record) };
        let opened = self.sealing.open(LOG_CONTEXT, sealed);
        opened.map(|plain| Record::from(plain.expose())).ok_or_else(|| {
            StoreError::Refused("a sealed record of the feed does not open: another root key sealed it".to_owned())
        })
    }

    fn remember(&self, feed: &FeedName, records: Vec<LogRecord>) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.entry(feed.clone()).or_default();
        let joins = ring.records.back().zip(records.first()).is_none_or(|(old, new)| old.digest == new.prev);
        if !joins {
            *ring = Ring::default();
        }
        for record in records {
            ring.bytes += record.record.len();
            ring.records.push_back(record);
        }
        while ring.records.len() > RING_RECORDS || ring.bytes > RING_BYTES {
            let Some(oldest) = ring.records.pop_front() else { break };
            ring.bytes -= oldest.record.len();
        }
    }

    /// `None` unless the first record follows on `after` exactly; the digest says so whatever the epoch.
    fn remembered(&self, feed: &FeedName, after: Position) -> Option<Vec<LogRecord>> {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings.get(feed)?;
        let first = ring.records.front()?.seq;
        let skip = usize::try_from(after.seq.saturating_add(1).checked_sub(first)?).ok()?;
        ring.records.get(skip).filter(|record| record.prev == after.digest)?;
        Some(ring.records.iter().skip(skip).cloned().collect())
    }
}
