//! Edges that are started beside those of the run, and watched from their first moment.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::feed::FeedIssuer;
use crate::load::Exchange;
use crate::measure::process_tree_pss_bytes;
use crate::peers::{Peer, Running, TollgateEdge, Way};
use crate::scenario::BenchError;
use crate::scenario::live::Bench;

const POLL: Duration = Duration::from_micros(500);
/// An answer that has not come by then is a failure.
const LONGEST: Duration = Duration::from_secs(120);
/// Memory counts when it has not changed by more than this share between two looks, or after the longest time.
const SETTLED_SHARE: f64 = 0.002;
const LOOK_EVERY: Duration = Duration::from_millis(1_500);
const MOST_LOOKS: usize = 12;

/// An edge, and how long it took from its start to its first answer.
pub struct Edge {
    pub running: Running,
    pub name: String,
    pub first_answer: Duration,
    pub path: &'static str,
}

impl Edge {
    /// Starts it and waits for the first request with a good token that passes. One by the name of an earlier edge finds what that one left.
    pub fn start(bench: &Bench<'_>, name: &str, feed: &FeedIssuer, token: &str) -> Result<Self, BenchError> {
        Self::start_before(bench, name, feed, token, bench.lab.upstream().address())
    }

    /// The same before another upstream than that of the run.
    pub fn start_before(
        bench: &Bench<'_>,
        name: &str,
        feed: &FeedIssuer,
        token: &str,
        upstream: SocketAddr,
    ) -> Result<Self, BenchError> {
        let path = TollgateEdge::new(Vec::new()).path(Way::Token).ok_or(BenchError::NothingToMeasure)?;
        let begun = Instant::now();
        let running = bench.lab.begin_edge(bench.options, name, feed, upstream)?;
        let mut edge = Self { running, name: name.to_owned(), first_answer: Duration::ZERO, path };
        edge.wait_for(200, token)?;
        edge.first_answer = begun.elapsed();
        Ok(edge)
    }

    /// Asks with a token until the answer has this status; how long that took.
    pub fn wait_for(&self, status: u16, token: &str) -> Result<Duration, BenchError> {
        let (begun, mut exchange) = (Instant::now(), Exchange::new(self.running.address()));
        loop {
            match exchange.status(self.path, token) {
                Ok(found) if found == status => return Ok(begun.elapsed()),
                Ok(_) => {}
                // It does not listen yet.
                Err(_) if begun.elapsed() < LONGEST => {}
                Err(error) => return Err(BenchError::Probe(error)),
            }
            if begun.elapsed() >= LONGEST {
                return Err(BenchError::Probe(std::io::ErrorKind::TimedOut.into()));
            }
            std::thread::sleep(POLL);
        }
    }

    pub fn status(&self, token: &str) -> Result<u16, BenchError> {
        Exchange::new(self.running.address()).status(self.path, token).map_err(BenchError::Probe)
    }

    /// Bytes of memory now.
    pub fn memory(&self) -> Result<f64, BenchError> {
        let pid = self.running.pid();
        let bytes = process_tree_pss_bytes(pid).map_err(|source| BenchError::Accounting { pid, source })?;
        Ok(bytes as f64)
    }

    /// Bytes of memory, once they have come to rest.
    pub fn settled_memory(&self) -> Result<f64, BenchError> {
        let mut last = self.memory()?;
        for _ in 0..MOST_LOOKS {
            std::thread::sleep(LOOK_EVERY);
            let now = self.memory()?;
            if (now - last).abs() <= last * SETTLED_SHARE {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }
}
