//! A load, and its bounds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::arrival::{Arrival, ArrivalError};
use super::outcome::Outcome;
use super::requests::Requests;
use super::run;
use super::target::Target;

/// What to send whereto, when, and when to end.
#[derive(Clone, Debug)]
pub struct Plan<R> {
    pub target: Target,
    /// Makes each request.
    pub requests: R,
    pub arrival: Arrival,
    pub connections: usize,
    /// Requests under way at once on one connection; HTTP/2 only.
    pub streams: usize,
    /// After so many a connection is closed and another one opened.
    pub requests_per_connection: Option<u64>,
    /// Requests in all.
    pub count: Option<u64>,
    /// Time in which requests start. What is then under way is waited for, at most for the time-out.
    pub duration: Option<Duration>,
    /// Requests that are due this early are sent and counted, and their latency is not on record: connections open meanwhile.
    pub warm_up: Duration,
    /// Hard limit for everything: what is unanswered then has failed.
    pub limit: Duration,
    /// Of one request, from its start: the intended one, or that of the sending in the closed loop.
    pub timeout: Duration,
    /// Requests that may wait for a free connection; one that comes then is not sent. Means nothing in the closed loop.
    pub queue: usize,
    /// Statuses of success.
    pub expected: Vec<u16>,
}

/// Why a plan can't be run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error(transparent)]
    Arrival(#[from] ArrivalError),
    #[error("at least one connection with one stream is needed")]
    NoConnection,
    #[error("{0:?} is no host of a request")]
    Host(String),
    #[error(transparent)]
    System(#[from] io::Error),
}

impl<R: Requests> Plan<R> {
    /// A closed loop of one connection that expects 200; ends after a minute.
    pub fn new(target: Target, requests: R) -> Self {
        Self {
            target,
            requests,
            arrival: Arrival::Closed,
            connections: 1,
            streams: 1,
            requests_per_connection: None,
            count: None,
            duration: None,
            warm_up: Duration::ZERO,
            limit: Duration::from_secs(60),
            timeout: Duration::from_secs(10),
            queue: 10_000,
            expected: vec![200],
        }
    }

    /// Runs on the calling thread to its end.
    ///
    /// # Errors
    /// When the plan makes no sense, or the system denies what it needs. Failed requests are counted, not returned.
    pub fn run(&mut self) -> Result<Outcome, PlanError> {
        self.run_until(&AtomicBool::new(false))
    }

    /// As [`Plan::run`]; once the flag is set nothing more is due. What is under way, or was due and waits, is still done.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn run_until(&mut self, stop: &AtomicBool) -> Result<Outcome, PlanError> {
        run::run(self, stop)
    }

    /// Runs on a thread of its own, beside something else.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn spawn(mut self) -> io::Result<Spawned<R>>
    where
        R: 'static,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("bench-load".into()).spawn(move || {
            let outcome = self.run_until(&flag)?;
            Ok((outcome, self.requests))
        })?;
        Ok(Spawned { stop, thread: Some(thread) })
    }
}

/// A plan under way on its own thread; dropping it stops the plan and waits for its end.
#[derive(Debug)]
pub struct Spawned<R> {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(Outcome, R), PlanError>>>,
}

impl<R> Spawned<R> {
    /// Ends it early. What is under way, or was due and waits, is still done, at most for the plan's time-out.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end; returns the source of the requests as well, which may have kept what it read.
    ///
    /// # Errors
    /// As [`Plan::run`].
    pub fn join(mut self) -> Result<(Outcome, R), PlanError> {
        let gone = || io::Error::other("the load's thread has ended badly");
        let thread = self.thread.take().ok_or_else(gone)?;
        thread.join().map_err(|_| gone())?
    }
}

impl<R> Drop for Spawned<R> {
    fn drop(&mut self) {
        self.stop();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
