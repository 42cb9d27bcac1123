//! What came of a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::measure::{Course, Latency};

/// Why a request has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    Connect,
    /// No TLS with this server, or not for this protocol.
    Tls,
    /// The connection broke before the response was whole.
    Broken,
    /// The server gave up this one stream (HTTP/2).
    Reset,
    Malformed,
    /// Any status that is not expected.
    Status(u16),
    /// The status of success, and not what belongs to it in the body.
    Body,
    /// Unanswered after the plan's time-out.
    Timeout,
    /// Under way at the plan's limit.
    TimeOver,
    /// Never sent: no connection was free in time, or the limit came first.
    Unsent,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
            Self::Tls => f.write_str("tls"),
            Self::Broken => f.write_str("broken"),
            Self::Reset => f.write_str("reset"),
            Self::Malformed => f.write_str("malformed"),
            Self::Status(status) => write!(f, "status_{status}"),
            Self::Body => f.write_str("body"),
            Self::Timeout => f.write_str("timeout"),
            Self::TimeOver => f.write_str("time_over"),
            Self::Unsent => f.write_str("unsent"),
        }
    }
}

/// Counts and times of all requests of a plan.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Requests answered in full with an expected status.
    pub succeeded: u64,
    /// Whole answers by status, expected or not.
    pub statuses: BTreeMap<u16, u64>,
    pub failures: BTreeMap<Failure, u64>,
    /// Of the requests that succeeded, to the last byte received: in the closed loop from the first byte sent, else from the
    /// intended start, waiting for a free connection and the generator's own lag included.
    pub latency: Latency,
    /// How late after its intended start each request was released to the connections; empty in the closed loop. Where it is not
    /// small against the latency, the generator is short of processor and the latency partly its own.
    pub lag: Latency,
    /// Bytes of HTTP, before encryption.
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Ends of requests over time.
    pub course: Course,
    /// From the first start to the last end.
    pub elapsed: Duration,
}

impl Outcome {
    /// Nothing yet. `None` never happens, as [`Latency::new`] says.
    pub fn empty() -> Option<Self> {
        Some(Self {
            succeeded: 0,
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            latency: Latency::new()?,
            lag: Latency::new()?,
            sent_bytes: 0,
            received_bytes: 0,
            connections: 0,
            course: Course::default(),
            elapsed: Duration::ZERO,
        })
    }

    /// Requests that were answered, whatever the status.
    pub fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// All requests, those that were never sent included.
    pub fn requests(&self) -> u64 {
        self.succeeded + self.failed()
    }

    /// Successes a second.
    pub fn per_second(&self) -> f64 {
        self.succeeded as f64 / self.elapsed.max(Duration::from_nanos(1)).as_secs_f64()
    }

    /// Makes failures of so many successes: those that were some by their status alone. Their latency stays on record.
    pub fn retract(&mut self, count: u64) {
        let count = count.min(self.succeeded);
        self.succeeded -= count;
        self.fail(Failure::Body, count);
    }

    pub(super) fn fail(&mut self, failure: Failure, count: u64) {
        if count > 0 {
            *self.failures.entry(failure).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successes_that_were_none_are_failures_and_counted_once() {
        let mut outcome = Outcome { succeeded: 5, ..Outcome::empty().unwrap() };
        outcome.retract(0);
        assert_eq!((outcome.succeeded, outcome.failed()), (5, 0));
        outcome.retract(2);
        assert_eq!((outcome.succeeded, outcome.failed(), outcome.requests()), (3, 2, 5));
        outcome.retract(9);
        assert_eq!((outcome.succeeded, outcome.failures.get(&Failure::Body)), (0, Some(&5)));
    }
}
