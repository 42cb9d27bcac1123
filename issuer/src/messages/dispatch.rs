//! Takes messages out of the queue, hands them to their sender, and records what came of it.
//!
//! 1. **Take**: rows that are due get this process's lease, by guarded updates. A cut after it leaves them to whoever comes after the lease.
//! 2. **Send**, while the lease is renewed. A cut here means that the server may have the message: it goes out again after the lease, under
//!    the same `Message-ID`.
//! 3. **Record**, again and again while the storage is away, before this place in the queue takes another message.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::clock::UnixMillis;
use common::ids::PoolId;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::courier::Parts;
use super::rows::{self, Taken};
use super::senders::Failure;
use super::{Message, pace};
use crate::entropy;
use crate::metrics::MessageEvent;
use crate::store::{Batch, CommitError, Statement};

/// How soon messages of another issuer, and those whose time has come, are noticed.
const POLL: Duration = Duration::from_secs(1);
/// Longer than clocks of issuers on one database differ.
const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(10);
const RECORD_PAUSE: Duration = Duration::from_millis(250);
/// How long what is on its way may take after the stop; supervisors give a process about 10 s.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);

/// Runs until it is told to stop.
pub struct Dispatcher {
    shared: Arc<Shared>,
    bell: Arc<Notify>,
    width: usize,
}

struct Shared {
    parts: Parts,
    /// The way to the server: how often it failed in a row, and until when it is left alone.
    closed: Mutex<Closed>,
}

#[derive(Default)]
struct Closed {
    failures: u64,
    until: Option<Instant>,
}

impl Dispatcher {
    pub fn new(parts: Parts, bell: Arc<Notify>) -> Self {
        let width = parts.senders.width();
        Self { shared: Arc::new(Shared { parts, closed: Mutex::default() }), bell, width }
    }

    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut sending = JoinSet::new();
        while !*stop.borrow() {
            while sending.try_join_next().is_some() {}
            let pause = self.shared.pause();
            let room = if pause.is_none() { self.width.saturating_sub(sending.len()) } else { 0 };
            let taken = match self.shared.take(room).await {
                Ok(taken) => taken,
                Err(error) => {
                    tracing::warn!(%error, "messages wait");
                    Vec::new()
                }
            };
            let full = room > 0 && taken.len() == room;
            for message in taken {
                let (shared, stop) = (self.shared.clone(), stop.clone());
                sending.spawn(async move { shared.attend(&message, stop).await });
            }
            self.shared.parts.senders.rest(IDLE).await;
            tokio::select! {
                _ = sending.join_next(), if !sending.is_empty() => {}
                () = self.bell.notified(), if !full && pause.is_none() => {}
                () = tokio::time::sleep(pause.unwrap_or(POLL).min(POLL)) => {}
                _ = stop.wait_for(|stopping| *stopping) => {}
            }
        }
        let finish = async { while sending.join_next().await.is_some() {} };
        let _cut = tokio::time::timeout(DRAIN_LIMIT, finish).await;
        self.shared.parts.senders.rest(Duration::ZERO).await;
    }
}

impl Shared {
    /// Takes up to `room` messages that are due.
    async fn take(&self, room: usize) -> Result<Vec<Taken>, String> {
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (store, now) = (&self.parts.store, self.parts.clock.now());
        let due = store.read(rows::due(now, limit)).await.map_err(|e| e.to_string())?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let lease = uuid::Uuid::new_v4().to_string();
        let mut batch = Batch::new();
        for row in &due {
            let text = |column| row.text(column).map_err(|e| e.to_string());
            batch.add(rows::take(text(0)?, text(1)?, &lease, now, now.plus(LEASE)));
        }
        store.commit(batch).await.map_err(|e| e.to_string())?;
        let taken = store.read(rows::taken_by(&lease)).await.map_err(|e| e.to_string())?;
        taken.iter().map(|row| rows::taken(row).map_err(|e| e.to_string())).collect()
    }

    /// Sends one message and records what came of it.
    async fn attend(&self, taken: &Taken, stop: watch::Receiver<bool>) {
        let now = self.parts.clock.now();
        let message = match self.open(taken).await {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(message = taken.id, pool = taken.pool, %error, "a message can't be opened");
                if taken.end <= now {
                    let ended = rows::failed(taken, now, "its content can't be opened");
                    return self.record(taken, ended, stop).await;
                }
                let next = self.next_try(taken, now);
                return self.record(taken, rows::again(taken, next, "its content can't be opened"), stop).await;
            }
        };
        if taken.end <= now {
            let why = "its time is over; see the log for what kept it";
            self.give_up(taken, &message, why, now, stop).await;
            return;
        }
        let outcome = tokio::select! {
            outcome = self.parts.senders.deliver(&taken.id, &message) => outcome,
            never = self.keep(taken) => match never {},
        };
        self.note_way(&outcome);
        // The end of sending, which may be much later than its start.
        let now = self.parts.clock.now();
        match outcome {
            Ok(()) => {
                self.record(taken, rows::delivered(taken, now), stop).await;
                self.parts.metrics.message(message.kind.as_str(), MessageEvent::Delivered);
            }
            Err(Failure::Never(why)) => self.give_up(taken, &message, &why, now, stop).await,
            Err(Failure::Later(why)) => {
                tracing::info!(
                    message = taken.id,
                    pool = taken.pool,
                    attempts = taken.attempts,
                    why,
                    "a message waits"
                );
                self.parts.metrics.message(message.kind.as_str(), MessageEvent::Deferred);
                self.record(taken, rows::again(taken, self.next_try(taken, now), &why), stop).await;
            }
            // Due at once, but the way is closed for now.
            Err(Failure::Server(why)) => self.record(taken, rows::again(taken, now, &why), stop).await,
        }
    }

    async fn give_up(&self, taken: &Taken, message: &Message, why: &str, now: UnixMillis, stop: watch::Receiver<bool>) {
        let kind = message.kind.as_str();
        tracing::warn!(message = taken.id, pool = taken.pool, kind, attempts = taken.attempts, why, "a message failed");
        self.record(taken, rows::failed(taken, now, why), stop).await;
        self.parts.metrics.message(kind, MessageEvent::Failed);
    }

    async fn open(&self, taken: &Taken) -> Result<Message, String> {
        let pool = PoolId::parse(taken.pool.clone()).map_err(|e| e.to_string())?;
        let key = self.parts.pool_keys.key(&pool).await.map_err(|e| e.to_string())?;
        let opened = key.open(rows::cell(&[&taken.id]), &taken.sealed).map_err(|e| e.to_string())?;
        serde_json::from_slice(opened.expose()).map_err(|e| e.to_string())
    }

    /// Renews the lease for as long as it is asked to.
    async fn keep(&self, taken: &Taken) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let mut batch = Batch::new();
            batch.add(rows::renew(taken, self.parts.clock.now().plus(LEASE)));
            if let Err(error) = self.parts.store.commit(batch).await {
                tracing::warn!(message = taken.id, %error, "the lease of a message was not renewed");
            }
        }
    }

    /// Commits until it is known to be done, or that another issuer has taken the message over. After the stop it is tried once more.
    async fn record(&self, taken: &Taken, statement: Statement, mut stop: watch::Receiver<bool>) {
        loop {
            let mut batch = Batch::new();
            batch.add(statement.clone());
            match self.parts.store.commit(batch).await {
                Ok(()) => return,
                Err(CommitError::Missed { .. }) => {
                    tracing::warn!(
                        message = taken.id,
                        "the lease of a message was over before its sending: it may come twice"
                    );
                    return;
                }
                Err(error) if *stop.borrow() => {
                    tracing::error!(message = taken.id, %error, "not recorded before the end: the message may come twice");
                    return;
                }
                Err(error) => tracing::warn!(message = taken.id, %error, "recorded later"),
            }
            tokio::select! {
                () = tokio::time::sleep(RECORD_PAUSE) => {}
                _ = stop.wait_for(|stopping| *stopping) => {}
            }
        }
    }

    /// Not after its end, so that it is given up then and not later.
    fn next_try(&self, taken: &Taken, now: UnixMillis) -> UnixMillis {
        now.plus(pace::next_try(taken.attempts, draw())).min(taken.end.max(now.plus(POLL)))
    }

    fn pause(&self) -> Option<Duration> {
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.until.and_then(|until| until.checked_duration_since(Instant::now())).filter(|pause| !pause.is_zero())
    }

    fn note_way(&self, outcome: &Result<(), Failure>) {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(Failure::Server(why)) = outcome else {
            *closed = Closed::default();
            return;
        };
        // Those that were on their way together failed together: once.
        if closed.until.is_some_and(|until| until > Instant::now()) {
            return;
        }
        closed.failures += 1;
        let pause = pace::pause(closed.failures, draw());
        closed.until = Some(Instant::now() + pause);
        tracing::warn!(why, failures = closed.failures, ?pause, "the mail server can't be used");
    }
}

/// Without random numbers delays only lose their spread.
fn draw() -> u32 {
    entropy::below(u32::MAX).unwrap_or_default()
}
