//! Runs a plan: one thread, a future for each place that sends, one that releases requests by the schedule, one that keeps the time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;

use super::arrival::Schedule;
use super::client::Client;
use super::http2::Session;
use super::outcome::{Failure, Outcome};
use super::place::Place;
use super::plan::{Plan, PlanError};
use super::requests::{Reply, Requests, Turn};
use super::stream::Wire;
use super::target::{Protocol, Target};
use super::timer::Timer;

/// How often time-outs, bounds and the stop flag are looked at.
const TICK: Duration = Duration::from_millis(10);
/// Overdue requests that are released at once before the places have their turn.
const BATCH: u32 = 64;

pub fn run<R: Requests>(plan: &mut Plan<R>, stop: &AtomicBool) -> Result<Outcome, PlanError> {
    if plan.connections == 0 || plan.streams == 0 {
        return Err(PlanError::NoConnection);
    }
    if http::uri::Authority::try_from(plan.target.host.as_str()).is_err() {
        return Err(PlanError::Host(plan.target.host.clone()));
    }
    let schedule = plan.arrival.schedule(plan.duration)?;
    let streams = if plan.target.protocol == Protocol::Http2 { plan.streams } else { 1 };
    let tally = Outcome::empty().ok_or_else(|| io::Error::other("no histogram"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let begun = Instant::now();
    let shared = Shared {
        begun,
        count: plan.count.unwrap_or(u64::MAX),
        next: Cell::new(0),
        ended: Cell::new(false),
        waits: schedule.is_some(),
        waiting: RefCell::default(),
        queue: plan.queue,
        released: Notify::new(),
        places: (0..plan.connections * streams).map(|_| Place::default()).collect(),
        target: &plan.target,
        timeout: plan.timeout,
        recorded_from: begun + plan.warm_up,
        requests_per_connection: plan.requests_per_connection,
        expected: &plan.expected,
        reads_bodies: plan.requests.reads_bodies(),
        source: RefCell::new(&mut plan.requests),
        wire: Arc::default(),
        tally: RefCell::new(tally),
    };
    let times = Times { stop, begun, duration: plan.duration, limit: plan.limit };
    runtime.block_on(shared.run(schedule, streams, &times))?;
    // What is still open ends here, before it is counted as under way.
    drop(runtime);
    Ok(shared.into_outcome())
}

/// When to end.
struct Times<'a> {
    stop: &'a AtomicBool,
    begun: Instant,
    duration: Option<Duration>,
    limit: Duration,
}

/// What the futures of a run share.
struct Shared<'a, R> {
    begun: Instant,
    /// Requests that may be started.
    count: u64,
    /// Number of the next one.
    next: Cell<u64>,
    /// Nothing more is started.
    ended: Cell<bool>,
    /// Whether places wait for what the schedule releases.
    waits: bool,
    /// Released and not yet taken.
    waiting: RefCell<VecDeque<Start>>,
    /// Most that may wait.
    queue: usize,
    released: Notify,
    places: Vec<Place>,
    target: &'a Target,
    timeout: Duration,
    /// What was due before is not in the latency.
    recorded_from: Instant,
    requests_per_connection: Option<u64>,
    expected: &'a [u16],
    reads_bodies: bool,
    source: RefCell<&'a mut R>,
    wire: Arc<Wire>,
    tally: RefCell<Outcome>,
}

/// A request that has its turn.
#[derive(Clone, Copy)]
struct Start {
    number: u64,
    /// `None` in the closed loop.
    intended: Option<Instant>,
}

/// Which future of a run has ended.
#[derive(PartialEq, Eq)]
enum Role {
    Place,
    Schedule,
    /// The limit is reached.
    Time,
}

impl<R: Requests> Shared<'_, R> {
    async fn run(&self, schedule: Option<Schedule>, streams: usize, times: &Times<'_>) -> io::Result<()> {
        let mut all: FuturesUnordered<LocalBoxFuture<'_, io::Result<Role>>> = FuturesUnordered::new();
        let mut session = Rc::new(Session::new(self.requests_per_connection));
        for (number, place) in self.places.iter().enumerate() {
            if number % streams == 0 {
                session = Rc::new(Session::new(self.requests_per_connection));
            }
            let client = match self.target.protocol {
                Protocol::Http1 => Client::http1(self.requests_per_connection),
                Protocol::Http2 => Client::Http2(Rc::clone(&session)),
            };
            all.push(Box::pin(self.drive(number, place, client)));
        }
        all.push(Box::pin(self.keep_time(times)));
        if let Some(schedule) = schedule {
            all.push(Box::pin(self.release_all(schedule)));
        }
        let mut driving = self.places.len();
        while let Some(role) = all.next().await {
            match role? {
                Role::Place => driving -= 1,
                Role::Schedule => {}
                Role::Time => return Ok(()),
            }
            if driving == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Nothing more is started; places that wait go home once the queue is empty.
    fn end(&self) {
        self.ended.set(true);
        self.released.notify_waiters();
    }

    /// Number of the next request; `None` when there is none left.
    fn take(&self) -> Option<u64> {
        let number = self.next.get();
        (number < self.count && !self.ended.get()).then(|| self.next.replace(number + 1))
    }

    /// Waits for the next request to send; `None` ends the place.
    async fn start(&self) -> Option<Start> {
        if !self.waits {
            return self.take().map(|number| Start { number, intended: None });
        }
        loop {
            let next = self.waiting.borrow_mut().pop_front();
            match next {
                Some(start) if start.intended.is_some_and(|at| at.elapsed() >= self.timeout) => self.drop_unsent(),
                Some(start) => return Some(start),
                None if self.ended.get() => return None,
                None => self.released.notified().await,
            }
        }
    }

    fn drop_unsent(&self) {
        let mut tally = self.tally.borrow_mut();
        tally.fail(Failure::Unsent, 1);
        tally.course.fail(self.begun.elapsed());
    }

    /// One place's share of the run; it connects anew after a failure, at the cost of the request that failed.
    async fn drive(&self, number: usize, place: &Place, mut client: Client) -> io::Result<Role> {
        let mut kept = Vec::new();
        while let Some(start) = self.start().await {
            let turn = Turn { number: start.number, place: number };
            kept.clear();
            let kept_by = self.reads_bodies.then_some(&mut kept);
            if start.intended.is_some() {
                client.renew_if_stale();
            }
            place.begin(start.intended.unwrap_or_else(Instant::now) + self.timeout);
            let result = place.watch(client.exchange(self.target, &self.wire, &self.source, turn, kept_by)).await;
            place.end();
            self.count(&start, result);
            if let Ok((status, _)) = result {
                self.source.borrow_mut().answered(turn, Reply { status, body: &kept });
            }
        }
        Ok(Role::Place)
    }

    fn count(&self, start: &Start, result: Result<(u16, Instant), Failure>) {
        let now = Instant::now();
        let at = now.saturating_duration_since(self.begun);
        let mut tally = self.tally.borrow_mut();
        let failure = match result {
            Ok((status, sent)) => {
                *tally.statuses.entry(status).or_default() += 1;
                if self.expected.contains(&status) {
                    tally.succeeded += 1;
                    let due = start.intended.unwrap_or(sent);
                    if due >= self.recorded_from {
                        tally.latency.record(now.saturating_duration_since(due));
                    }
                    tally.course.succeed(at);
                    return;
                }
                Failure::Status(status)
            }
            Err(failure) => failure,
        };
        tally.fail(failure, 1);
        tally.course.fail(at);
    }

    /// Releases each request at its intended start, or drops it where too many wait.
    async fn release_all(&self, schedule: Schedule) -> io::Result<Role> {
        let timer = Timer::new()?;
        let mut at_once = 0;
        for at in schedule {
            let intended = self.begun + at;
            let now = loop {
                let now = Instant::now();
                if now >= intended || self.ended.get() {
                    break now;
                }
                at_once = 0;
                timer.until(intended.min(now + TICK)).await?;
            };
            let Some(number) = self.take() else { break };
            self.release(number, intended, now);
            at_once += 1;
            if at_once == BATCH {
                at_once = 0;
                tokio::task::yield_now().await;
            }
        }
        self.end();
        Ok(Role::Schedule)
    }

    fn release(&self, number: u64, intended: Instant, now: Instant) {
        if intended >= self.recorded_from {
            self.tally.borrow_mut().lag.record(now.saturating_duration_since(intended));
        }
        let start = Start { number, intended: Some(intended) };
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() < self.queue {
            waiting.push_back(start);
            self.released.notify_one();
        } else {
            drop(waiting);
            self.drop_unsent();
        }
    }

    /// Ends the starts at the duration or by the flag, each overdue request at its time-out, and the run at its limit.
    async fn keep_time(&self, times: &Times<'_>) -> io::Result<Role> {
        loop {
            let elapsed = times.begun.elapsed();
            if elapsed >= times.limit {
                return Ok(Role::Time);
            }
            if times.stop.load(Ordering::Relaxed) || times.duration.is_some_and(|duration| elapsed >= duration) {
                // A schedule ends by itself at the duration, after its last request.
                if !self.waits || times.stop.load(Ordering::Relaxed) {
                    self.end();
                }
            }
            let now = Instant::now();
            for place in &self.places {
                place.check(now);
            }
            let end = times.duration.filter(|duration| *duration > elapsed).unwrap_or(times.limit).min(times.limit);
            tokio::time::sleep(TICK.min(end.saturating_sub(elapsed))).await;
        }
    }

    fn into_outcome(self) -> Outcome {
        let mut outcome = self.tally.into_inner();
        outcome.elapsed = self.begun.elapsed();
        let under_way = self.places.iter().filter(|place| place.is_busy()).count();
        outcome.fail(Failure::TimeOver, under_way as u64);
        let never = if self.ended.get() || self.count == u64::MAX { 0 } else { self.count - self.next.get() };
        outcome.fail(Failure::Unsent, never + self.waiting.into_inner().len() as u64);
        outcome.sent_bytes = self.wire.sent();
        outcome.received_bytes = self.wire.received();
        outcome.connections = self.wire.connections();
        outcome
    }
}
