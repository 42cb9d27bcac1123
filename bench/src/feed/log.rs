//! The log of the feed, in memory.

use std::sync::{Arc, Mutex, PoisonError};

use common::clock::UnixMillis;
use common::feed::{Change, ChangeError, Epoch, FeedName, LogRecord, Position};
use common::ids::PoolId;
use ring::rand::{SecureRandom, SystemRandom};

use super::FeedError;

/// Most records that one read answers with.
const PAGE: usize = 4096;

/// Every record since the start; the global feed stays empty.
pub struct Log {
    pool: FeedName,
    global: Position,
    records: Mutex<Records>,
}

struct Records {
    head: Position,
    all: Vec<LogRecord>,
}

impl Log {
    pub fn new(pool: PoolId, now: UnixMillis) -> Result<Self, FeedError> {
        let mut random = [0; 10];
        SystemRandom::new().fill(&mut random).map_err(|_| FeedError::Random)?;
        let start = Position::start(Epoch::new(now, random));
        Ok(Self { pool: pool.into(), global: start, records: Mutex::new(Records { head: start, all: Vec::new() }) })
    }

    pub fn append(&self, changes: impl IntoIterator<Item = Change>, now: UnixMillis) -> Result<(), ChangeError> {
        for change in changes {
            let record: Arc<[u8]> = change.to_raw(now)?.encode()?.into();
            let mut records = self.records();
            let (prev, head) = (records.head.digest, records.head.after(&record));
            records.all.push(LogRecord { seq: head.seq, prev, digest: head.digest, record });
            records.head = head;
        }
        Ok(())
    }

    pub fn feeds(&self) -> [FeedName; 2] {
        [FeedName::Global, self.pool.clone()]
    }

    pub fn heads(&self) -> [(FeedName, Position); 2] {
        [(FeedName::Global, self.global), (self.pool.clone(), self.records().head)]
    }

    /// The epoch, and what follows on `seq`.
    pub fn after(&self, feed: &FeedName, seq: u64) -> (Epoch, Vec<LogRecord>) {
        let records = self.records();
        let from = usize::try_from(seq).unwrap_or(usize::MAX);
        let rest = if *feed == self.pool { records.all.get(from..).unwrap_or_default() } else { &[] };
        (records.head.epoch, rest.iter().take(PAGE).cloned().collect())
    }

    /// The head and all that leads to it. Nothing is folded: every change here has a subject of its own.
    pub fn snapshot(&self, feed: &FeedName) -> (Position, Arc<[Arc<[u8]>]>) {
        if *feed != self.pool {
            return (self.global, Arc::new([]));
        }
        let records = self.records();
        (records.head, records.all.iter().map(|record| record.record.clone()).collect())
    }

    /// A panic while appending could only have left a record unread.
    fn records(&self) -> std::sync::MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use common::feed::Revoked;

    use super::*;

    fn revoked(name: u32) -> Change {
        Change::Revoked(Revoked::Session { origin_jti: format!("session-{name}") })
    }

    #[test]
    fn every_record_joins_on_the_one_before() {
        let log = Log::new(PoolId::parse("us-east-1_Bench0001").unwrap(), UnixMillis(5)).unwrap();
        let [_, pool] = log.feeds();
        log.append((0..3).map(revoked), UnixMillis(6)).unwrap();
        let (_, all) = log.after(&pool, 0);
        assert_eq!(all.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(all.windows(2).all(|pair| pair[1].prev == pair[0].digest));
        let (head, snapshot) = log.snapshot(&pool);
        assert_eq!((head.seq, snapshot.len(), head.digest), (3, 3, all[2].digest));
        assert_eq!(log.after(&pool, 2).1.len(), 1);
        assert_eq!(log.after(&pool, 9).1.len(), 0);
        assert_eq!(log.after(&FeedName::Global, 0).1.len(), 0);
    }
}
