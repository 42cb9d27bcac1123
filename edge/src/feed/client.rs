//! The task: connects, feeds the core, does what it says, saves.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use common::clock::{Clock, UnixMillis};
use common::feed::{Alarm, Decoder, FeedName, ISSUER_NAME, JoinToken, Kept, Message, Serving, Subscribe, Subscriber};
use quinn::{Connection, RecvStream, SendStream, VarInt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::disk::Disk;
use super::error::FeedError;
use super::identity::{Identity, Request};
use super::reports::{self, Reporting};
use super::sink::FeedSink;
use super::status::FeedStatus;
use super::{FeedConfig, dial, join, tls};
use crate::uplink::Exchange;

const TICK: Duration = Duration::from_secs(1);
/// First and longest pause between attempts; half of each is chance, so that edges do not return in step. An issuer that does not take the
/// connection is asked ever more seldom; one that does not answer at all is away, and revocations wait for its return.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE_AWAY: Duration = Duration::from_millis(500);
/// A changed state is written after this long, and no sooner than this many times the last write took.
const SAVE_AFTER: Duration = Duration::from_secs(1);
const SAVE_SHARE: u32 = 20;
/// How fresh each feed is, is written this often.
const MARK_EVERY: Duration = Duration::from_secs(5);
/// Frames that wait to be written; acknowledgements are small.
const QUEUE: usize = 64;
/// A renewal that failed or was not answered is asked for again after this long.
const RENEW_AGAIN: Duration = Duration::from_secs(600);

/// What the handle asks for.
pub(super) enum Command {
    Serving(Serving),
    Stop,
}

/// Why a session ended.
enum Ended {
    Lost,
    Stop,
}

pub(super) struct Client {
    config: FeedConfig,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn FeedSink>,
    disk: Arc<Disk>,
    core: Subscriber,
    status: watch::Sender<FeedStatus>,
    /// None: nobody reports anything.
    exchange: Option<Exchange>,
    /// The issuer has welcomed this edge on the present connection.
    welcomed: bool,
    alarms: u64,
    identity: Option<Identity>,
    /// The key of a renewal under way, and when it was asked for.
    renewal: Option<(Request, UnixMillis)>,
    dirty: bool,
    save_at: Instant,
    mark_at: Instant,
    saving: Option<JoinHandle<Duration>>,
}

impl Client {
    pub(super) fn new(
        config: FeedConfig,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn FeedSink>,
        disk: Arc<Disk>,
        core: Subscriber,
        status: watch::Sender<FeedStatus>,
        exchange: Option<Exchange>,
    ) -> Self {
        let now = Instant::now();
        Self {
            config,
            clock,
            sink,
            disk,
            core,
            status,
            exchange,
            welcomed: false,
            alarms: 0,
            identity: None,
            renewal: None,
            dirty: false,
            save_at: now,
            mark_at: now,
            saving: None,
        }
    }

    /// Until it is told to stop.
    pub(super) async fn run(
        mut self,
        identity: Option<Identity>,
        token: Option<JoinToken>,
        mut orders: mpsc::Receiver<Command>,
    ) {
        self.identity = identity;
        let mut attempt = 0_u32;
        loop {
            let mut longest = LONGEST_PAUSE;
            match self.connect_or_obey(token.as_ref(), &mut orders).await {
                Err(Ended::Stop) => break,
                Err(Ended::Lost) => continue,
                Ok(Ok(connection)) => {
                    let ended = self.session(&connection, &mut orders).await;
                    connection.close(VarInt::from_u32(0), b"");
                    self.core.on_disconnected();
                    self.drain_actions(None);
                    attempt = if self.core.last_heartbeat().is_some() { 0 } else { attempt + 1 };
                    if let Ended::Stop = ended {
                        break;
                    }
                }
                Ok(Err(error)) => {
                    attempt += 1;
                    if let FeedError::Unreachable(_) = error {
                        longest = LONGEST_PAUSE_AWAY;
                    }
                    // While an issuer is away for hours, the log says so ever more seldom.
                    if attempt.is_power_of_two() {
                        tracing::warn!(%error, attempt, "the feed is not connected");
                    }
                }
            }
            self.publish();
            self.keep().await; // what came last before the connection was lost
            if let Ended::Stop = self.pause(attempt, longest, &mut orders).await {
                break;
            }
        }
        self.save_now().await;
    }

    /// An order ends an attempt, and `Lost` says that another is due. One to join goes on: its token is good for one.
    async fn connect_or_obey(
        &mut self,
        token: Option<&JoinToken>,
        orders: &mut mpsc::Receiver<Command>,
    ) -> Result<Result<Connection, FeedError>, Ended> {
        if self.identity.is_none() {
            return Ok(self.connect(token).await);
        }
        let order = tokio::select! {
            biased;
            order = orders.recv() => order,
            connected = self.connect(token) => return Ok(connected),
        };
        Err(if self.obey(order).is_break() { Ended::Stop } else { Ended::Lost })
    }

    async fn connect(&mut self, token: Option<&JoinToken>) -> Result<Connection, FeedError> {
        if self.identity.is_none() {
            let token = token.cloned().ok_or(FeedError::NoToken)?;
            let now = self.clock.now();
            let identity = join::join(token, &self.config.issuer, &self.config.state_dir, now).await?;
            identity.tell(self.sink.as_ref());
            self.identity = Some(identity);
        }
        let identity = self.identity.as_ref().ok_or(FeedError::NoToken)?;
        let config = tls::feed_config(identity)?;
        dial::dial(&self.config.issuer, config, ISSUER_NAME).await
    }

    async fn session(&mut self, connection: &Connection, orders: &mut mpsc::Receiver<Command>) -> Ended {
        let Ok((send, mut recv)) = connection.open_bi().await else { return Ended::Lost };
        let (frames, to_write) = mpsc::channel(QUEUE);
        let writer = tokio::spawn(write(send, to_write));
        self.core.on_connected(self.clock.now());
        self.welcomed = false;
        let ended = self.follow(connection, &mut recv, &frames, orders).await;
        writer.abort();
        ended
    }

    async fn follow(
        &mut self,
        connection: &Connection,
        recv: &mut RecvStream,
        frames: &mpsc::Sender<Vec<u8>>,
        orders: &mut mpsc::Receiver<Command>,
    ) -> Ended {
        let mut decoder = Decoder::default();
        let mut chunk = vec![0; 64 * 1024];
        let mut tick = tokio::time::interval(TICK);
        let mut reporting: Option<Reporting> = None;
        loop {
            if let (true, None, Some(exchange)) = (self.welcomed, &reporting, &self.exchange) {
                reporting = Some(reports::start(connection.clone(), exchange.clone()));
            }
            if let Wants::Reconnect = self.drain_actions(Some(frames)) {
                return Ended::Lost;
            }
            tokio::select! {
                biased; // reading comes last: while a large snapshot arrives, there is always something to read
                order = orders.recv() => if self.obey(order).is_break() { return Ended::Stop },
                _ = tick.tick() => {
                    self.core.on_tick(self.clock.now());
                    self.renew_if_due();
                    self.keep().await;
                    self.publish();
                }
                read = recv.read(&mut chunk) => match read {
                    Ok(Some(count)) => {
                        decoder.push(chunk.get(..count).unwrap_or_default());
                        self.take_frames(&mut decoder);
                    }
                    _ => return Ended::Lost,
                },
            }
        }
    }

    fn take_frames(&mut self, decoder: &mut Decoder) {
        loop {
            match decoder.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => match Message::decode(&frame) {
                    Ok(message) => {
                        self.welcomed |= matches!(message, Message::Welcome(_));
                        self.core.on_message(message, self.clock.now());
                    }
                    Err(_) => return self.core.on_bad_frame(),
                },
                Err(_) => return self.core.on_bad_frame(),
            }
        }
    }

    fn obey(&mut self, order: Option<Command>) -> ControlFlow<()> {
        match order {
            Some(Command::Serving(serving)) => {
                self.core.set_serving(serving);
                ControlFlow::Continue(())
            }
            Some(Command::Stop) | None => ControlFlow::Break(()),
        }
    }

    /// Does what the core says, in its order: what an acknowledgement speaks of is in force before it leaves.
    fn drain_actions(&mut self, frames: Option<&mpsc::Sender<Vec<u8>>>) -> Wants {
        let mut wants = Wants::Nothing;
        while let Some(action) = self.core.poll() {
            match action {
                Subscribe::Send(message) => {
                    let sent =
                        frames.is_some_and(|frames| message.encode().is_ok_and(|frame| frames.try_send(frame).is_ok()));
                    if !sent {
                        wants = Wants::Reconnect;
                    }
                }
                Subscribe::Reconnect => wants = Wants::Reconnect,
                other => self.act(other),
            }
        }
        wants
    }

    fn act(&mut self, action: Subscribe) {
        match action {
            Subscribe::RememberEpochs => self.mark(),
            Subscribe::Replaced(feed) => {
                if let Some(state) = self.core.state(&feed) {
                    self.sink.replace(&feed, state);
                }
                self.touch();
            }
            Subscribe::Advanced { feed, changes } => {
                if let Some(state) = self.core.state(&feed) {
                    self.sink.advance(&feed, &changes, state);
                }
                self.touch();
            }
            Subscribe::Dropped(feed) => {
                self.sink.remove(&feed);
                self.touch();
            }
            Subscribe::Heartbeat { .. } => {
                for (feed, kept) in self.core.kept() {
                    self.sink.fresh(feed, kept.fresh_as_of);
                }
                self.publish();
            }
            Subscribe::Renewed { chain } => self.renewed(chain),
            Subscribe::Alarm(alarm) => self.alarm(&alarm),
            Subscribe::Send(_) | Subscribe::Reconnect => {}
        }
    }

    fn alarm(&mut self, alarm: &Alarm) {
        self.alarms += 1;
        tracing::error!(%alarm, "feed alarm");
        self.sink.alarm(alarm);
    }

    fn renew_if_due(&mut self) {
        let now = self.clock.now();
        let Some(identity) = &self.identity else { return };
        let waiting = self.renewal.as_ref().is_some_and(|(_, asked)| now.since(*asked) < RENEW_AGAIN);
        if now.since(identity.since) < self.config.renew_after || waiting || self.disk.is_left() {
            return;
        }
        match Request::new() {
            Ok(request) => {
                self.core.renew(request.csr.clone());
                self.renewal = Some((request, now));
            }
            Err(_) => self.alarm(&Alarm::Renewal),
        }
    }

    /// The new certificate is used from the next connection on.
    fn renewed(&mut self, chain: Vec<Vec<u8>>) {
        let Some((request, _)) = self.renewal.take() else { return };
        let Some(identity) = &self.identity else { return };
        if !chain.first().is_some_and(|leaf| request.answers(leaf)) {
            return self.alarm(&Alarm::Renewal);
        }
        let key = request.key.serialized_der().to_vec();
        let identity = Identity { key, chain, since: self.clock.now(), ..identity.clone() };
        match identity.save(&self.config.state_dir) {
            Ok(()) => {
                identity.tell(self.sink.as_ref());
                self.identity = Some(identity);
            }
            Err(_) => self.alarm(&Alarm::Renewal),
        }
    }

    fn touch(&mut self) {
        if !self.dirty {
            self.dirty = true;
            self.save_at = self.save_at.max(Instant::now() + SAVE_AFTER);
        }
    }

    /// Writes what is due, the states on another thread.
    async fn keep(&mut self) {
        let now = Instant::now();
        if self.saving.as_ref().is_some_and(JoinHandle::is_finished) {
            self.saved().await;
        }
        if self.dirty && self.saving.is_none() && now >= self.save_at {
            self.save();
        }
        if now >= self.mark_at {
            self.mark();
        }
    }

    fn save(&mut self) {
        self.dirty = false;
        let states: Vec<(FeedName, Kept)> = self.core.kept().map(|(feed, kept)| (feed.clone(), kept.clone())).collect();
        let disk = self.disk.clone();
        self.saving = Some(tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            if let Err(error) = disk.save_states(&states) {
                tracing::error!(%error, alarm = %Alarm::DiskWrite, "feed alarm");
            }
            begun.elapsed()
        }));
    }

    async fn saved(&mut self) {
        if let Some(saving) = self.saving.take() {
            let took = saving.await.unwrap_or_default();
            self.save_at = Instant::now() + took * SAVE_SHARE;
        }
    }

    async fn save_now(&mut self) {
        self.saved().await;
        if self.dirty {
            self.save();
            self.saved().await;
        }
        self.mark();
    }

    fn mark(&mut self) {
        self.mark_at = Instant::now() + MARK_EVERY;
        let fresh = self.core.kept().map(|(feed, kept)| (feed.clone(), (kept.state.position(), kept.fresh_as_of)));
        let fresh = fresh.collect();
        if self.disk.save_marks(self.core.epochs(), fresh).is_err() {
            self.alarm(&Alarm::DiskWrite);
        }
    }

    fn publish(&self) {
        self.status.send_replace(FeedStatus::of(&self.core, self.alarms));
    }

    /// Waits before the next attempt, obeying meanwhile.
    async fn pause(&mut self, attempt: u32, longest: Duration, orders: &mut mpsc::Receiver<Command>) -> Ended {
        let longest = FIRST_PAUSE.saturating_mul(1 << attempt.min(10)).min(longest);
        let chance = u32::from(uuid::Uuid::new_v4().as_bytes()[0]);
        let until = Instant::now() + longest / 2 + longest / 2 * chance / 255;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Ended::Lost,
                order = orders.recv() => if self.obey(order).is_break() { return Ended::Stop },
            }
        }
    }
}

enum Wants {
    Nothing,
    Reconnect,
}

async fn write(mut send: SendStream, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if send.write_all(&frame).await.is_err() {
            return;
        }
    }
}
