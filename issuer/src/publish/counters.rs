//! Limits that edges share: each edge's counts go into the ledger, and the others hear of them.
//!
//! The ledger is in this process's memory alone. Edges of one scope that are connected to different issuers do not hear of each other.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::feed::{Counts, Heard, Ledger, Member, Report, Share};
use quinn::SendStream;
use tokio::sync::Notify;
use uuid::Uuid;

/// After an edge was told something, and as much longer as that was much.
const PAUSE: Duration = Duration::from_millis(2);
const PAUSE_FOR_EACH: Duration = Duration::from_micros(10);

/// What all connections share.
pub(super) struct Counters {
    ledger: Mutex<Ledger>,
    changed: Notify,
    begun: Instant,
}

impl Counters {
    pub(super) fn new() -> Self {
        let (id, _) = Uuid::new_v4().as_u64_pair();
        Self { ledger: Mutex::new(Ledger::new(id)), changed: Notify::new(), begun: Instant::now() }
    }

    fn now(&self) -> u64 {
        millis(self.begun.elapsed())
    }
}

/// One connection's part in it.
pub(super) struct Sharing<'c> {
    counters: &'c Counters,
    /// None until the edge says that it shares.
    member: Mutex<Option<Member>>,
    begun: Notify,
}

impl<'c> Sharing<'c> {
    pub(super) fn new(counters: &'c Counters) -> Self {
        Self { counters, member: Mutex::default(), begun: Notify::new() }
    }

    /// # Errors
    /// When the edge shares already.
    pub(super) fn begin(&self, share: &Share) -> Result<(), &'static str> {
        let mut member = lock(&self.member);
        if member.is_some() {
            return Err("an edge began to share twice");
        }
        let Some(joined) = lock(&self.counters.ledger).join(self.counters.now(), share) else {
            tracing::warn!(scope = %share.scope.0, "too many scopes share limits; this one counts for itself");
            return Ok(());
        };
        *member = Some(joined);
        self.begun.notify_one();
        Ok(())
    }

    /// Puts down what the edge has counted, which was under way for so long.
    ///
    /// # Errors
    /// When that is malformed, or the edge does not share.
    pub(super) fn take(&self, counts: &Counts, way: Duration) -> Result<(), &'static str> {
        let member = lock(&self.member);
        let Some(member) = &*member else { return Err("an edge counts that does not share") };
        if !lock(&self.counters.ledger).take(self.counters.now(), member, counts, millis(way)) {
            return Err("counts are malformed");
        }
        self.counters.changed.notify_waiters();
        Ok(())
    }

    /// Tells the edge what others count, until it can't be told any more.
    pub(super) async fn tell(&self, mut send: SendStream) {
        self.begun.notified().await;
        let mut next = Some(Report::Shared(self.stands()));
        loop {
            let mut changed = std::pin::pin!(self.counters.changed.notified());
            changed.as_mut().enable(); // before it is looked at, or what comes in between is missed
            let Some(report) = next.take().or_else(|| self.due()) else {
                changed.await;
                continue;
            };
            let size = if let Report::Merged(merged) = &report { merged.of_others.counts.len() } else { 0 };
            let Ok(frame) = report.encode() else { continue };
            if send.write_all(&frame).await.is_err() {
                return std::future::pending().await; // whoever reads finds out why
            }
            tokio::time::sleep(PAUSE + PAUSE_FOR_EACH * u32::try_from(size).unwrap_or(u32::MAX)).await;
        }
    }

    fn stands(&self) -> Option<Heard> {
        lock(&self.member).as_ref().and_then(|member| lock(&self.counters.ledger).stands(member))
    }

    fn due(&self) -> Option<Report> {
        let mut member = lock(&self.member);
        let member = member.as_mut()?;
        let mut ledger = lock(&self.counters.ledger);
        if !ledger.is_due(member) {
            return None;
        }
        ledger.due(self.counters.now(), member).map(Report::Merged)
    }
}

impl Drop for Sharing<'_> {
    fn drop(&mut self) {
        if let Some(member) = &*lock(&self.member) {
            lock(&self.counters.ledger).leave(member);
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
