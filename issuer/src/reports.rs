//! What edges report of requests that web ACLs judged, from the feed's second stream into [`crate::sampled`].
//!
//! The stream's reader must not wait, so reports go through a bounded queue; the task behind it asks the store which web ACL the pool has. (That the edge may speak
//! of the pool at all, the reader has checked.)

use std::sync::Arc;

use common::clock::UnixMillis;
use common::feed::Report;
use common::ids::EdgeId;
use tokio::sync::{mpsc, watch};

use crate::publish::Receiver;
use crate::services::Services;
use crate::waf;

/// Reports that wait, each at most [`common::feed::MAX_REPORT`] bytes. What comes while so many do is lost: they are samples.
const QUEUE: usize = 64;

type Waiting = (EdgeId, Report, UnixMillis);

/// Takes what is for this.
pub struct Samples(mpsc::Sender<Waiting>);

/// The receiver, and what it hands on.
pub fn samples() -> (Arc<Samples>, mpsc::Receiver<Waiting>) {
    let (queue, waiting) = mpsc::channel(QUEUE);
    (Arc::new(Samples(queue)), waiting)
}

impl Receiver for Samples {
    fn receive(&self, edge: &EdgeId, report: &Report, now: UnixMillis) {
        if !matches!(report, Report::Samples(_) | Report::HeldBack(_)) {
            return;
        }
        // There is room nearly always, and a copy is made only then.
        if let Ok(room) = self.0.try_reserve() {
            room.send((edge.clone(), report.clone(), now));
        }
    }
}

/// Runs until the issuer ends.
pub async fn run(services: Arc<Services>, mut waiting: mpsc::Receiver<Waiting>, mut finishing: watch::Receiver<bool>) {
    loop {
        let next = tokio::select! {
            next = waiting.recv() => next,
            _ = finishing.wait_for(|finish| *finish) => None,
        };
        let Some((edge, report, now)) = next else { return };
        if let Err(error) = waf::take_report(&services, &edge, report, now).await {
            tracing::warn!(%edge, error, "what an edge reported of a web ACL is lost");
        }
    }
}
