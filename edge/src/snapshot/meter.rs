//! What is counted about the requests of one route: atomics that are found once, when the route is made, so that counting looks nothing
//! up and takes no lock. `observe` names them for whoever scrapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::reject::Reject;

/// Classes of status: the first is for what is no status (the client was gone before there was one).
pub const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Upper bounds of the buckets of a [`Histogram`], in microseconds; a last one has no bound.
pub const BOUNDS_MICROS: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000,
];
const BUCKETS: usize = BOUNDS_MICROS.len() + 1;
const REASONS: usize = Reject::ALL.len();

/// The counters of a route. Clones count together; so do routes of one name.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counts>);

/// Aligned so that two routes share no cache line.
#[derive(Debug)]
#[repr(align(128))]
struct Counts {
    by_class: [AtomicU64; CLASSES.len()],
    duration: Histogram,
    received: AtomicU64,
    sent: AtomicU64,
    first_byte: Histogram,
    refusals: [AtomicU64; REASONS],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            by_class: Default::default(),
            duration: Histogram::default(),
            received: AtomicU64::default(),
            sent: AtomicU64::default(),
            first_byte: Histogram::default(),
            refusals: std::array::from_fn(|_| AtomicU64::default()),
        }
    }
}

/// One request at its end.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    pub status: u16,
    pub spent: Duration,
    /// Bytes of the body that were read from the client.
    pub received: u64,
    /// Bytes of the body that were sent to the client.
    pub sent: u64,
}

impl Meter {
    pub fn count(&self, served: Served) {
        let class = usize::from(served.status / 100);
        if let Some(counter) = self.0.by_class.get(class).or(self.0.by_class.first()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.0.duration.record(served.spent);
        if served.received > 0 {
            self.0.received.fetch_add(served.received, Ordering::Relaxed);
        }
        if served.sent > 0 {
            self.0.sent.fetch_add(served.sent, Ordering::Relaxed);
        }
    }

    /// The head of the upstream's answer has come, so long after that of the request.
    pub fn first_byte(&self, after: Duration) {
        self.0.first_byte.record(after);
    }

    pub fn refused(&self, reject: Reject) {
        if let Some(counter) = self.0.refusals.get(reject as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What has been counted so far.
    pub fn reading(&self) -> Reading {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let refusals =
            Reject::ALL.into_iter().map(|reject| (reject, self.0.refusals.get(reject as usize).map_or(0, read)));
        Reading {
            by_class: CLASSES.into_iter().zip(self.0.by_class.iter().map(read)).collect(),
            duration: self.0.duration.reading(),
            first_byte: self.0.first_byte.reading(),
            received: read(&self.0.received),
            sent: read(&self.0.sent),
            refusals: refusals.filter(|(_, count)| *count > 0).collect(),
        }
    }
}

/// A [`Meter`] as it stood at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub by_class: Vec<(&'static str, u64)>,
    pub duration: Distribution,
    /// Until the head of the upstream's answer; of requests that got one.
    pub first_byte: Distribution,
    pub received: u64,
    pub sent: u64,
    /// Those that have occurred.
    pub refusals: Vec<(Reject, u64)>,
}

impl Reading {
    pub fn requests(&self) -> u64 {
        self.by_class.iter().map(|(_, count)| count).sum()
    }

    pub fn class(&self, class: &str) -> u64 {
        self.by_class.iter().filter(|(name, _)| *name == class).map(|(_, count)| count).sum()
    }
}

/// Times by bucket. prometheus-client's own takes a mutex for each value.
#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_micros: AtomicU64,
}

impl Histogram {
    fn record(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_MICROS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS_MICROS.len());
        if let Some(counter) = self.buckets.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn reading(&self) -> Distribution {
        Distribution {
            counts: std::array::from_fn(|at| self.buckets.get(at).map_or(0, |count| count.load(Ordering::Relaxed))),
            sum_micros: self.sum_micros.load(Ordering::Relaxed),
        }
    }
}

/// How many times fell into each bucket of [`BOUNDS_MICROS`], and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    pub counts: [u64; BUCKETS],
    pub sum_micros: u64,
}

impl Distribution {
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The time below which this share of the values lies, as Prometheus's `histogram_quantile` reckons it: evenly spread in a bucket. What lies
    /// past the last bound counts as that bound. None without values.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        let rank = share.clamp(0.0, 1.0) * total as f64;
        let (mut below, mut lower) = (0_u64, 0_u64);
        for (count, upper) in self.counts.iter().zip(BOUNDS_MICROS) {
            if *count > 0 && (below + count) as f64 >= rank {
                let within = ((rank - below as f64) / *count as f64).clamp(0.0, 1.0);
                let micros = lower as f64 + (upper - lower) as f64 * within;
                return Some(Duration::from_secs_f64(micros / 1e6));
            }
            below += count;
            lower = upper;
        }
        Some(Duration::from_micros(lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(status: u16, micros: u64) -> Served {
        Served { status, spent: Duration::from_micros(micros), received: 3, sent: 5 }
    }

    #[test]
    fn a_request_counts_once_in_each_place() {
        let meter = Meter::default();
        for (status, micros) in [(200, 400), (200, 500), (404, 501), (999, 60_000_000), (0, 0)] {
            meter.clone().count(served(status, micros));
        }
        meter.refused(Reject::Expired);
        meter.refused(Reject::Internal);
        meter.refused(Reject::Internal);
        let reading = meter.reading();
        assert_eq!((reading.requests(), reading.duration.count()), (5, 5));
        assert_eq!((reading.class("2xx"), reading.class("4xx"), reading.class("other")), (2, 1, 2));
        assert_eq!((reading.duration.counts[0], reading.duration.counts[1], reading.duration.counts[15]), (3, 1, 1));
        assert_eq!((reading.received, reading.sent), (15, 25));
        assert_eq!(reading.refusals, [(Reject::Expired, 1), (Reject::Internal, 2)]);
        assert_eq!(reading.first_byte.count(), 0);
    }

    #[test]
    fn every_reason_has_a_place_of_its_own() {
        let meter = Meter::default();
        Reject::ALL.iter().for_each(|reject| meter.refused(*reject));
        assert_eq!(meter.reading().refusals, Reject::ALL.map(|reject| (reject, 1)));
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        assert_eq!(Distribution::default().quantile(0.5), None);
        let mut times = Distribution::default();
        times.counts[0] = 10; // up to 500 µs
        times.counts[1] = 10; // up to 1 ms
        assert_eq!(times.quantile(0.25), Some(Duration::from_micros(250)));
        assert_eq!(times.quantile(0.5), Some(Duration::from_micros(500)));
        assert_eq!(times.quantile(0.75), Some(Duration::from_micros(750)));
        times.counts[15] = 80;
        assert_eq!(times.quantile(0.99), Some(Duration::from_secs(30)), "past the last bound");
    }
}
