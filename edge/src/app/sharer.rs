//! Shared limits, between the table and the stream of reports: says what this edge has counted, and takes what others have.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::feed::{Heard, Merged, Report, Scope, Share};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::observe::{Metrics, SharingMeter};
use crate::rates::{Flushed, Limits, PATIENCE};
use crate::uplink::{Downlink, Uplink};

/// See the module.
pub struct Sharer {
    limits: Arc<Limits>,
    meter: SharingMeter,
    scope: Scope,
    /// Tells this process from all others.
    origin: u64,
    talk: Mutex<Talk>,
    urgent: Notify,
}

#[derive(Debug, Default)]
struct Talk {
    stage: Stage,
    heard: Option<Heard>,
}

/// How far this edge is with its issuer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Apart,
    /// The stream is open.
    Connected,
    /// It has said that it shares.
    Asked,
    Sharing,
}

impl Sharer {
    /// `origin` is random.
    pub fn new(scope: Scope, limits: &Arc<Limits>, metrics: &Metrics, origin: u64) -> Self {
        Self {
            limits: Arc::clone(limits),
            meter: metrics.sharing.clone(),
            scope,
            origin,
            talk: Mutex::default(),
            urgent: Notify::new(),
        }
    }

    /// Reports by this uplink until the runtime ends.
    pub async fn run(self: Arc<Self>, uplink: Uplink) {
        let sharer = Arc::downgrade(&self); // the table that it hangs on is its own
        self.limits.sharing.when_urgent(move || {
            if let Some(sharer) = sharer.upgrade() {
                sharer.urgent.notify_one();
            }
        });
        let mut tick = interval(PATIENCE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let all = tokio::select! {
                () = self.urgent.notified() => false,
                _ = tick.tick() => true,
            };
            // Without room the counts stay where they are; they leave with the next tick.
            let Some(room) = uplink.room() else { continue };
            let (report, pause) = self.next(all);
            if let Some(report) = report {
                room.send(report);
            }
            sleep(pause).await;
        }
    }

    /// What is to be said now, and how long to wait after it.
    fn next(&self, all: bool) -> (Option<Report>, Duration) {
        let mut talk = self.talk();
        match talk.stage {
            Stage::Connected if self.limits.shares() && self.limits.has_shared_key() => {
                talk.stage = Stage::Asked;
                let share = Share { scope: self.scope.clone(), origin: self.origin, heard: talk.heard };
                (Some(Report::Share(share)), Duration::ZERO)
            }
            Stage::Apart | Stage::Connected | Stage::Asked => (None, Duration::ZERO),
            Stage::Sharing => {
                let Flushed { counts, pause, more } =
                    self.limits.sharing.flush(self.limits.moment(Instant::now()), all);
                if more {
                    self.urgent.notify_one();
                }
                self.meter.said.inc_by(counts.counts.len() as u64);
                ((!counts.is_empty()).then_some(Report::Counts(counts)), pause)
            }
        }
    }

    fn shared(&self, heard: Option<Heard>) {
        let mut talk = self.talk();
        if talk.stage == Stage::Asked {
            talk.heard = heard.or(talk.heard);
            talk.stage = Stage::Sharing;
            self.limits.sharing.set_connected(true);
        }
    }

    fn merged(&self, merged: &Merged, way: Duration) {
        let taken = self.limits.hear(self.limits.moment(Instant::now()), &merged.of_others, way);
        self.meter.heard.inc_by(taken.counts);
        self.meter.unknown.inc_by(taken.unknown);
        self.talk().heard = Some(merged.heard);
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Downlink for Sharer {
    fn connected(&self) {
        self.talk().stage = Stage::Connected;
        self.urgent.notify_one();
    }

    fn receive(&self, report: Report, way: Duration) {
        match report {
            Report::Shared(heard) => self.shared(heard),
            Report::Merged(merged) => self.merged(&merged, way),
            _ => {}
        }
    }

    fn disconnected(&self) {
        self.talk().stage = Stage::Apart;
        self.limits.sharing.set_connected(false);
    }
}
