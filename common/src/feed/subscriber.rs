//! The edge's side: what a message changes.
//!
//! One core lives as long as the edge; connections come and go. Messages of a connection arrive in order, but the core trusts nobody for
//! that: whatever does not join on to its own position leads to a snapshot, and a state is swapped only once it is whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::change::Change;
use super::message::{
    Ack, Delta, Heartbeat, Hello, Message, Renew, Resync, SnapshotBegin, SnapshotChunk, SnapshotEnd, Welcome,
};
use super::state::{Building, FeedState, Refused};
use super::{Epoch, FeedName, Position};
use crate::clock::UnixMillis;

/// Silence after which a connection counts as lost. Heartbeats come each second.
pub const SILENCE: Duration = Duration::from_secs(5);
/// A resync that nothing came of is repeated after this long.
const RESYNC_PATIENCE: Duration = Duration::from_secs(3);

/// What an edge knows at its start, from its disk.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    pub states: BTreeMap<FeedName, Kept>,
    /// The newest epoch ever accepted, by feed: an older one never is again.
    pub epochs: BTreeMap<FeedName, Epoch>,
}

/// One feed's state and how fresh it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub state: FeedState,
    /// The issuer's clock when the issuer last said that this is all there is.
    pub fresh_as_of: UnixMillis,
}

/// What the shell does next, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Subscribe {
    Send(Message),
    /// Put [`Subscriber::epochs`] on disk **before** the next action.
    RememberEpochs,
    /// The feed's state was replaced: look at [`Subscriber::state`].
    Replaced(FeedName),
    /// The feed's state advanced by these changes; by none where only what has left was forgotten.
    Advanced {
        feed: FeedName,
        changes: Vec<Change>,
    },
    /// The issuer no longer serves this feed to this edge; its state is gone.
    Dropped(FeedName),
    /// A heartbeat has come.
    Heartbeat {
        issuer_clock: UnixMillis,
    },
    /// The certificate that [`Subscriber::renew`] asked for.
    Renewed {
        chain: Vec<Vec<u8>>,
    },
    Alarm(Alarm),
    /// End the connection and start another one after a while.
    Reconnect,
}

/// Something that an operator must see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    #[error("a frame was malformed")]
    Frame,
    #[error("a message came that an issuer does not send here")]
    Protocol,
    #[error("feed {0}: a delta was damaged or not understood")]
    Delta(FeedName),
    #[error("feed {0}: a snapshot was damaged, incomplete or not understood")]
    Snapshot(FeedName),
    #[error("feed {feed}: the issuer is at epoch {epoch}, which this edge has left")]
    OldEpoch { feed: FeedName, epoch: Epoch },
    #[error("feed {feed}: the issuer is at {issuer}, behind the {edge} that this edge has reached")]
    RolledBack { feed: FeedName, issuer: u64, edge: u64 },
    #[error("feed {0}: the issuer's history differs from this edge's")]
    Diverged(FeedName),
    #[error("the state on disk is damaged or is not this edge's; starting empty")]
    Disk,
    #[error("the state could not be written to disk")]
    DiskWrite,
    #[error("the certificate could not be renewed")]
    Renewal,
}

#[derive(Debug, Default)]
struct Following {
    kept: Option<Kept>,
    building: Option<Building>,
    /// When a resync was asked for, or the last part of a snapshot came: what is missing is asked for again after a while.
    asked: Option<UnixMillis>,
    /// The position of the last heartbeat while this feed was behind it, and where this feed was then.
    behind: Option<(Position, Option<Position>)>,
    head_seq: u64,
}

/// The core. One an edge.
#[derive(Debug)]
pub struct Subscriber {
    software: String,
    feeds: BTreeMap<FeedName, Following>,
    /// What the issuer serves to this edge; unknown before the first welcome.
    served: Option<BTreeSet<FeedName>>,
    epochs: BTreeMap<FeedName, Epoch>,
    connected: bool,
    serving: bool,
    last_heard: UnixMillis,
    last_heartbeat: Option<UnixMillis>,
    actions: VecDeque<Subscribe>,
    #[cfg(test)]
    pub(super) mutant: Option<super::simulation::Mutant>,
}

impl Subscriber {
    pub fn new(software: impl Into<String>, restored: Restored) -> Self {
        let mut epochs = restored.epochs;
        for (feed, kept) in &restored.states {
            let newest = epochs.entry(feed.clone()).or_insert(kept.state.position().epoch);
            *newest = (*newest).max(kept.state.position().epoch);
        }
        let following = |kept| Following { kept: Some(kept), ..Following::default() };
        Self {
            software: software.into(),
            feeds: restored.states.into_iter().map(|(feed, kept)| (feed, following(kept))).collect(),
            served: None,
            epochs,
            connected: false,
            serving: true,
            last_heard: UnixMillis(0),
            last_heartbeat: None,
            actions: VecDeque::new(),
            #[cfg(test)]
            mutant: None,
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Subscribe> {
        self.actions.pop_front()
    }

    pub fn state(&self, feed: &FeedName) -> Option<&FeedState> {
        self.feeds.get(feed)?.kept.as_ref().map(|kept| &kept.state)
    }

    /// Every feed that has a state.
    pub fn kept(&self) -> impl Iterator<Item = (&FeedName, &Kept)> {
        self.feeds.iter().filter_map(|(feed, following)| Some((feed, following.kept.as_ref()?)))
    }

    /// The issuer's clock when the feed was last known to be complete.
    pub fn fresh_as_of(&self, feed: &FeedName) -> Option<UnixMillis> {
        self.feeds.get(feed)?.kept.as_ref().map(|kept| kept.fresh_as_of)
    }

    /// Records that the issuer has and this edge has not, as of the last heartbeat.
    pub fn lag(&self, feed: &FeedName) -> u64 {
        let Some(following) = self.feeds.get(feed) else { return 0 };
        following.head_seq.saturating_sub(following.position().map_or(0, |position| position.seq))
    }

    /// The newest epoch ever accepted, by feed.
    pub fn epochs(&self) -> &BTreeMap<FeedName, Epoch> {
        &self.epochs
    }

    pub fn connected(&self) -> bool {
        self.connected
    }

    /// The issuer's clock at the last heartbeat of this process.
    pub fn last_heartbeat(&self) -> Option<UnixMillis> {
        self.last_heartbeat
    }

    /// Whether the issuer has said what to follow and all of it is here.
    pub fn complete(&self) -> bool {
        self.served.as_ref().is_some_and(|served| served.iter().all(|feed| self.state(feed).is_some()))
    }

    /// Whether the edge itself can serve; it is part of what is acknowledged.
    pub fn set_serving(&mut self, serving: Serving) {
        let serving = serving == Serving::Yes;
        if self.serving != serving {
            self.serving = serving;
            self.acknowledge();
        }
    }

    pub fn on_connected(&mut self, now: UnixMillis) {
        self.connected = true;
        self.last_heard = now;
        self.feeds.values_mut().for_each(Following::forget_connection);
        let positions = self.kept().map(|(feed, kept)| (feed.clone(), kept.state.position())).collect();
        self.send(Message::Hello(Hello { software: self.software.clone(), positions }));
    }

    pub fn on_disconnected(&mut self) {
        self.connected = false;
        self.actions.retain(|action| !matches!(action, Subscribe::Send(_) | Subscribe::Reconnect));
        self.feeds.values_mut().for_each(Following::forget_connection);
    }

    /// Asks for a certificate on this request.
    pub fn renew(&mut self, csr: Vec<u8>) {
        self.send(Message::Renew(Renew { csr }));
    }

    /// Watches the clock; call it about each second.
    pub fn on_tick(&mut self, now: UnixMillis) {
        if !self.connected {
            return;
        }
        if now.since(self.last_heard) >= SILENCE {
            self.actions.push_back(Subscribe::Reconnect);
            return;
        }
        let due = |asked: Option<UnixMillis>| asked.is_some_and(|at| now.since(at) >= RESYNC_PATIENCE);
        let late: Vec<FeedName> =
            self.feeds.iter().filter(|(_, f)| due(f.asked)).map(|(feed, _)| feed.clone()).collect();
        for feed in late {
            self.resync(&feed, now);
        }
    }

    /// A frame could not be read: the rest of its connection means nothing.
    pub fn on_bad_frame(&mut self) {
        self.fail(Alarm::Frame);
    }

    pub fn on_message(&mut self, message: Message, now: UnixMillis) {
        if !self.connected {
            return;
        }
        self.last_heard = now;
        match message {
            Message::Welcome(welcome) => self.on_welcome(welcome),
            Message::SnapshotBegin(begin) => self.on_begin(begin, now),
            Message::SnapshotChunk(chunk) => self.on_chunk(chunk, now),
            Message::SnapshotEnd(end) => self.on_end(end),
            Message::Delta(delta) => self.on_delta(delta, now),
            Message::Heartbeat(heartbeat) => self.on_heartbeat(heartbeat, now),
            Message::Renewed(renewed) => self.actions.push_back(Subscribe::Renewed { chain: renewed.chain }),
            Message::Unknown(_) => {}
            _ => self.fail(Alarm::Protocol),
        }
    }

    fn on_welcome(&mut self, welcome: Welcome) {
        let served: BTreeSet<FeedName> = welcome.feeds.into_iter().collect();
        let gone: Vec<FeedName> = self.feeds.keys().filter(|feed| !served.contains(feed)).cloned().collect();
        for feed in gone {
            self.feeds.remove(&feed);
            self.actions.push_back(Subscribe::Dropped(feed));
        }
        for feed in &served {
            self.feeds.entry(feed.clone()).or_default();
        }
        self.served = Some(served);
    }

    fn on_begin(&mut self, begin: SnapshotBegin, now: UnixMillis) {
        if !self.accepts(&begin.feed, begin.position) {
            return;
        }
        if let Some(following) = self.feeds.get_mut(&begin.feed) {
            following.building = Some(Building::new(begin.position, begin.records));
            following.asked = Some(now);
        }
    }

    fn on_chunk(&mut self, chunk: SnapshotChunk, now: UnixMillis) {
        let Some(following) = self.feeds.get_mut(&chunk.feed) else { return self.fail(Alarm::Protocol) };
        let Some(building) = &mut following.building else { return };
        following.asked = Some(now); // it is coming: patience begins anew
        if building.add(chunk.index, &chunk.records).is_err() {
            following.building = None;
            self.fail(Alarm::Snapshot(chunk.feed));
        }
    }

    fn on_end(&mut self, end: SnapshotEnd) {
        let Some(following) = self.feeds.get_mut(&end.feed) else { return self.fail(Alarm::Protocol) };
        let Some(building) = following.building.take() else { return };
        match building.finish(end.position, end.content) {
            Ok(state) => self.replace(end.feed, state),
            Err(_) => self.fail(Alarm::Snapshot(end.feed)),
        }
    }

    fn replace(&mut self, feed: FeedName, state: FeedState) {
        if !self.accepts(&feed, state.position()) {
            return;
        }
        let Some(following) = self.feeds.get_mut(&feed) else { return };
        following.asked = None;
        following.behind = None;
        // Complete as of a moment that only the next heartbeat will name; until then it is at least as fresh as what it replaces.
        let fresh_as_of = following.kept.as_ref().map_or(UnixMillis(0), |kept| kept.fresh_as_of);
        following.head_seq = state.position().seq;
        let epoch = state.position().epoch;
        following.kept = Some(Kept { state, fresh_as_of });
        if self.epochs.insert(feed.clone(), epoch) != Some(epoch) {
            self.actions.push_back(Subscribe::RememberEpochs);
        }
        self.actions.push_back(Subscribe::Replaced(feed));
        self.acknowledge();
    }

    fn on_delta(&mut self, delta: Delta, now: UnixMillis) {
        #[cfg(test)]
        let blind = self.mutant == Some(super::simulation::Mutant::JoinsBlindly);
        #[cfg(not(test))]
        let blind = false;
        if self.left_behind(&delta.feed, delta.epoch) {
            return;
        }
        let Some(following) = self.feeds.get_mut(&delta.feed) else { return self.fail(Alarm::Protocol) };
        if following.building.as_ref().is_some_and(|building| building.epoch() == delta.epoch) {
            return; // a snapshot of this history is on its way, and this is older than its end
        }
        let Some(kept) = &mut following.kept else { return self.resync(&delta.feed, now) };
        let checked = if blind { FeedState::read_alone(&delta) } else { kept.state.check(&delta) };
        match checked {
            Ok(checked) => {
                let changes = kept.state.apply(checked);
                following.asked = None;
                following.head_seq = following.head_seq.max(kept.state.position().seq);
                self.actions.push_back(Subscribe::Advanced { feed: delta.feed, changes });
                self.acknowledge();
            }
            Err(Refused::Known) => {}
            Err(Refused::Mismatch) => self.resync(&delta.feed, now),
            Err(Refused::Broken) => self.fail(Alarm::Delta(delta.feed)),
        }
    }

    fn on_heartbeat(&mut self, heartbeat: Heartbeat, now: UnixMillis) {
        for (feed, head) in &heartbeat.positions {
            if self.left_behind(feed, head.epoch) {
                return;
            }
            if !self.feeds.contains_key(feed) {
                return self.fail(Alarm::Protocol);
            }
            self.compare(feed, *head, heartbeat.issuer_clock, now);
        }
        self.last_heartbeat = self.last_heartbeat.max(Some(heartbeat.issuer_clock));
        self.actions.push_back(Subscribe::Heartbeat { issuer_clock: heartbeat.issuer_clock });
        self.acknowledge();
    }

    /// Where the issuer stands against where this feed stands.
    fn compare(&mut self, feed: &FeedName, head: Position, issuer_clock: UnixMillis, now: UnixMillis) {
        let Some(following) = self.feeds.get_mut(feed) else { return };
        following.head_seq = head.seq;
        let mine = following.position();
        let behind = following.behind.take();
        match (&mut following.kept, mine) {
            (Some(kept), Some(mine)) if mine == head => {
                // An issuer whose clock is ahead can't make this edge fresh beyond its own present.
                let as_of = issuer_clock.min(now);
                kept.fresh_as_of = kept.fresh_as_of.max(as_of);
                following.asked = None;
                // Nothing is missing, so a snapshot that was begun is not needed. Left open without anyone waiting for its end, it
                // would hold back every later delta (simulation, seed 5512302307120341761).
                following.building = None;
                if kept.state.expire(as_of) {
                    // Nothing came, but who shares the tables should have the new ones: the old ones take memory.
                    self.actions.push_back(Subscribe::Advanced { feed: feed.clone(), changes: Vec::new() });
                }
            }
            (_, Some(mine)) if mine.epoch == head.epoch && mine.seq > head.seq => {
                let alarm = Alarm::RolledBack { feed: feed.clone(), issuer: head.seq, edge: mine.seq };
                self.actions.push_back(Subscribe::Alarm(alarm));
            }
            (_, Some(mine)) if mine.epoch == head.epoch && mine.seq == head.seq => {
                self.actions.push_back(Subscribe::Alarm(Alarm::Diverged(feed.clone())));
                self.resync_from(feed, None, now);
            }
            // Behind, which is usual for a moment. Twice without a step is not, unless a snapshot is coming.
            _ if following.building.is_some() || following.asked.is_some() => {}
            _ => match behind {
                Some((_, then)) if then == mine => self.resync(feed, now),
                _ => following.behind = Some((head, mine)),
            },
        }
    }

    /// Whether a snapshot at this position may replace what is there.
    fn accepts(&mut self, feed: &FeedName, position: Position) -> bool {
        if self.left_behind(feed, position.epoch) {
            return false;
        }
        let Some(following) = self.feeds.get(feed) else {
            self.fail(Alarm::Protocol);
            return false;
        };
        match following.position() {
            Some(mine) if mine.epoch == position.epoch && mine.seq > position.seq => {
                self.fail(Alarm::RolledBack { feed: feed.clone(), issuer: position.seq, edge: mine.seq });
                false
            }
            _ => true,
        }
    }

    fn left_behind(&mut self, feed: &FeedName, epoch: Epoch) -> bool {
        let left = self.epochs.get(feed).is_some_and(|newest| epoch < *newest);
        #[cfg(test)]
        let left = left && self.mutant != Some(super::simulation::Mutant::TrustsOldEpochs);
        if left {
            self.fail(Alarm::OldEpoch { feed: feed.clone(), epoch });
        }
        left
    }

    fn resync(&mut self, feed: &FeedName, now: UnixMillis) {
        let position = self.feeds.get(feed).and_then(Following::position);
        self.resync_from(feed, position, now);
    }

    fn resync_from(&mut self, feed: &FeedName, position: Option<Position>, now: UnixMillis) {
        let Some(following) = self.feeds.get_mut(feed) else { return };
        if following.asked.is_some_and(|at| now.since(at) < RESYNC_PATIENCE) {
            return;
        }
        following.asked = Some(now);
        following.building = None;
        self.send(Message::Resync(Resync { feed: feed.clone(), position }));
    }

    fn acknowledge(&mut self) {
        if !self.connected || self.served.is_none() {
            return;
        }
        let positions = self.kept().map(|(feed, kept)| (feed.clone(), kept.state.position())).collect();
        let ack = Message::Ack(Ack { ready: self.serving && self.complete(), positions });
        // The newest acknowledgement says all that an older one, still unsent, would.
        if let Some(Subscribe::Send(Message::Ack(_))) = self.actions.back() {
            self.actions.pop_back();
        }
        self.send(ack);
    }

    fn send(&mut self, message: Message) {
        self.actions.push_back(Subscribe::Send(message));
    }

    fn fail(&mut self, alarm: Alarm) {
        self.actions.push_back(Subscribe::Alarm(alarm));
        self.actions.push_back(Subscribe::Reconnect);
    }
}

/// Whether the edge serves requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    Yes,
    No,
}

impl Following {
    fn position(&self) -> Option<Position> {
        self.kept.as_ref().map(|kept| kept.state.position())
    }

    fn forget_connection(&mut self) {
        self.building = None;
        self.asked = None;
        self.behind = None;
    }
}
