//! What this edge tells its issuer besides the feed, and what it hears of others: the way up for counts of shared limits, samples, outcomes.
//!
//! Whoever has a [`Report`] hands it to the [`Uplink`], from any thread; that never waits. Reports queue up to a bound and leave one after the other while
//! the edge is connected to an issuer that takes them. The queue full, they are dropped and counted: while the issuer is away, no more is kept than
//! fits in it. What was sent is not repeated, even if its connection broke before the issuer had it.

use std::sync::Arc;
use std::time::Duration;

use common::feed::Report;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::{Mutex, mpsc};

/// Reports that wait. Each is at most [`common::feed::MAX_REPORT`] bytes, and hardly any is nearly that.
const QUEUE: usize = 256;

/// What became of reports.
#[derive(Clone, Debug, Default)]
pub struct UplinkMeter {
    pub sent: Counter,
    /// There was no room, or they were too long.
    pub dropped: Counter,
    /// From the issuer.
    pub received: Counter,
}

/// Takes reports. Clones share the queue.
#[derive(Clone, Debug)]
pub struct Uplink {
    /// None: there is no issuer to report to.
    queue: Option<mpsc::Sender<Report>>,
    meter: UplinkMeter,
}

/// Room for one report.
#[derive(Debug)]
pub struct Room<'a>(mpsc::Permit<'a, Report>);

impl Uplink {
    /// Of an edge without a feed: what is handed to it is gone.
    pub fn nowhere() -> Self {
        Self { queue: None, meter: UplinkMeter::default() }
    }

    /// Hands over a report, unless there is no room.
    pub fn send(&self, report: Report) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send(report).is_err() {
            self.meter.dropped.inc();
        }
    }

    /// Room for a report that is made only if there is some.
    pub fn room(&self) -> Option<Room<'_>> {
        self.queue.as_ref()?.try_reserve().ok().map(Room)
    }
}

impl Room<'_> {
    pub fn send(self, report: Report) {
        self.0.send(report);
    }
}

/// Who takes what the issuer says on the stream of reports. Called on the control runtime, so it must not be long about it.
pub trait Downlink: Send + Sync + 'static {
    /// The stream is open: reports leave from now on.
    fn connected(&self) {}

    /// The issuer said this, which took about `way` to come here (half of the connection's round trip).
    fn receive(&self, report: Report, way: Duration);

    /// The stream is gone.
    fn disconnected(&self) {}
}

/// The feed's end: what it sends and whom it tells.
#[derive(Clone)]
pub struct Exchange {
    pub reports: Arc<Mutex<mpsc::Receiver<Report>>>,
    pub down: Arc<dyn Downlink>,
    pub meter: UplinkMeter,
}

/// An uplink, and the feed's end of it.
pub fn open(down: Arc<dyn Downlink>, meter: UplinkMeter) -> (Uplink, Exchange) {
    let (queue, reports) = mpsc::channel(QUEUE);
    let uplink = Uplink { queue: Some(queue), meter: meter.clone() };
    (uplink, Exchange { reports: Arc::new(Mutex::new(reports)), down, meter })
}

/// Hears nothing.
impl Downlink for () {
    fn receive(&self, _: Report, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_never_waits() {
        let meter = UplinkMeter::default();
        let (uplink, exchange) = open(Arc::new(()), meter.clone());
        for kind in 0..=255 {
            uplink.send(Report::Unknown(kind));
        }
        assert_eq!((meter.dropped.get(), uplink.room().is_some()), (0, false));
        uplink.clone().send(Report::Unknown(9));
        assert_eq!(meter.dropped.get(), 1);
        let first = exchange.reports.try_lock().unwrap().try_recv();
        assert_eq!(first, Ok(Report::Unknown(0)), "the oldest leaves first, and none was driven out");
        uplink.room().unwrap().send(Report::Unknown(1));
        assert!(uplink.room().is_none());
        drop(exchange);
        uplink.send(Report::Unknown(2));
        assert_eq!(meter.dropped.get(), 2);
        Uplink::nowhere().send(Report::Unknown(3));
    }
}
