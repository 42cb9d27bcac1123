//! What edges report: the second stream of a connection. Each report is checked against the pools that the edge's enrolment names, and handed on.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use common::clock::UnixMillis;
use common::feed::{Decoder, FrameError, MAX_REPORT, Report};
use common::ids::EdgeId;
use quinn::{Connection, RecvStream, VarInt};
use tokio::time::{Instant, sleep_until};

use super::counters::Sharing;
use super::enrolment::Pools;
use super::registry::{CLOSE_POOLS, CLOSE_PROTOCOL};
use super::shared::Shared;

/// Frames that an edge may send in a second in the long run, and at once. One that sends more is read no faster, until QUIC holds it up.
const PER_SECOND: u32 = 500;
const AT_ONCE: u32 = 250;
const CHUNK: usize = 16 * 1024;

/// Takes reports of edges. Called on the issuer's runtime, in each edge's own order, so it must not be long about it.
pub trait Receiver: Send + Sync + 'static {
    /// `edge` said this. Its enrolment names every feed that the report is about.
    fn receive(&self, edge: &EdgeId, report: &Report, now: UnixMillis);
}

/// All who take reports.
#[derive(Default)]
pub(super) struct Receivers(RwLock<Vec<Arc<dyn Receiver>>>);

impl Receivers {
    pub(super) fn add(&self, receiver: Arc<dyn Receiver>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(receiver);
    }

    fn receive(&self, edge: &EdgeId, report: &Report, now: UnixMillis) {
        let receivers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        receivers.iter().for_each(|receiver| receiver.receive(edge, report, now));
    }
}

/// Reads reports until the connection ends; a broken one ends it. An edge from before there were reports opens no stream for them.
pub(super) async fn serve(shared: Arc<Shared>, edge: EdgeId, pools: Pools, connection: Connection) {
    while let Ok((send, recv)) = connection.accept_bi().await {
        let sharing = Sharing::new(&shared.counters);
        let reading =
            Reading { shared: &shared, edge: &edge, pools: &pools, sharing: &sharing, way: &|| connection.rtt() / 2 };
        let read = tokio::select! {
            read = reading.run(recv) => read,
            () = sharing.tell(send) => Ok(()),
        };
        if let Err(end) = read {
            tracing::warn!(%edge, reason = end.1, "feed connection closed for what the edge reported");
            return connection.close(end.0, end.1.as_bytes());
        }
    }
}

/// Why a report ends the connection.
struct End(VarInt, &'static str);

impl From<FrameError> for End {
    fn from(_: FrameError) -> Self {
        Self(CLOSE_PROTOCOL, "a report broke the protocol")
    }
}

struct Reading<'s> {
    shared: &'s Shared,
    edge: &'s EdgeId,
    pools: &'s Pools,
    sharing: &'s Sharing<'s>,
    /// How long what the edge says is under way.
    way: &'s (dyn Fn() -> Duration + Send + Sync),
}

impl Reading<'_> {
    async fn run(self, mut recv: RecvStream) -> Result<(), End> {
        let mut decoder = Decoder::bounded(MAX_REPORT);
        let mut chunk = vec![0; CHUNK];
        let mut pace = Pace::new();
        loop {
            while let Some(frame) = decoder.next_frame()? {
                pace.step().await;
                self.take(&Report::decode(&frame)?)?;
            }
            match recv.read(&mut chunk).await {
                Ok(Some(count)) => decoder.push(chunk.get(..count).unwrap_or_default()),
                _ => return Ok(()),
            }
        }
    }

    fn take(&self, report: &Report) -> Result<(), End> {
        if report.is_of_issuer() {
            return Err(End(CLOSE_PROTOCOL, "an edge said what only an issuer says"));
        }
        if let Report::Share(share) = report
            && !self.pools.allows(&share.scope.0)
        {
            // A setting of the edge is wrong. That is no reason to take the feed from it: it counts for itself.
            tracing::warn!(edge = %self.edge, scope = %share.scope.0, "an edge may not share limits there: it is not enrolled for that pool");
            return Ok(());
        }
        if !report.feeds().iter().all(|feed| self.pools.allows(feed)) {
            return Err(End(CLOSE_POOLS, "the edge reported on a pool that it is not enrolled for"));
        }
        match report {
            Report::Share(share) => self.sharing.begin(share).map_err(|why| End(CLOSE_PROTOCOL, why))?,
            Report::Counts(counts) => {
                self.sharing.take(counts, (self.way)()).map_err(|why| End(CLOSE_PROTOCOL, why))?;
            }
            _ => {}
        }
        self.shared.receivers.receive(self.edge, report, self.shared.clock.now());
        Ok(())
    }
}

/// So many steps in a second, some of them at once. What is over waits.
struct Pace {
    /// When all steps so far would have been made at an even pace.
    even: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { even: Instant::now() }
    }

    async fn step(&mut self) {
        let each = Duration::from_secs(1) / PER_SECOND;
        let now = Instant::now();
        self.even = self.even.max(now) + each;
        let ahead = each * AT_ONCE;
        if self.even > now + ahead {
            sleep_until(self.even - ahead).await;
        }
    }
}
