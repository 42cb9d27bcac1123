//! Closes the grace of replaced refresh tokens once it is over, in the rows, so that it stays closed whatever clocks do afterwards.
//!
//! A grace is measured by the wall clock, since issuers share rows and restart. If that was all, a clock that is set back into a grace
//! that was over would open it again. So every issuer closes what is over once a second, and everything that is open as soon as it
//! notices that its clock was set back: a rotation whose answer was lost in that second costs a sign-in, and no replaced token revives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::clock::UnixMillis;
use tokio::sync::watch;

use super::rows;
use crate::services::Services;
use crate::store::{Batch, CommitError, Store};

const PERIOD: Duration = Duration::from_secs(1);
/// Clocks that are slewed lose less than this in a period.
const TOLERANCE: Duration = Duration::from_millis(100);

/// Runs until `stop` turns true.
pub async fn keep_closed(services: Arc<Services>, mut stop: watch::Receiver<bool>) {
    let mut last = (services.now(), Instant::now());
    let mut failing = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
        let next = (services.now(), Instant::now());
        let ran = Ran { from: last.0, to: next.0, took: next.1.saturating_duration_since(last.1) };
        match close(&services.store, ran).await {
            Ok(()) => (last, failing) = (next, false),
            // The next round looks at the whole time since the last one that was done. It is said once, not every second.
            Err(error) if !failing => {
                failing = true;
                tracing::warn!(%error, "replaced refresh tokens keep their grace for now");
            }
            Err(_) => {}
        }
    }
}

/// What the wall clock showed before and after some time.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    pub from: UnixMillis,
    pub to: UnixMillis,
    /// By the monotonic clock.
    pub took: Duration,
}

impl Ran {
    fn was_set_back(self) -> bool {
        self.to.plus(TOLERANCE) < self.from.plus(self.took)
    }
}

/// Writes only where there is something to close.
pub async fn close(store: &Store, ran: Ran) -> Result<(), CommitError> {
    let until = (!ran.was_set_back()).then_some(ran.to);
    let found = store.one(rows::overdue_grace(until)).await;
    if found.map_err(|error| CommitError::Unavailable(error.to_string()))?.is_none() {
        return Ok(());
    }
    let mut batch = Batch::new();
    batch.add(rows::close_grace(until));
    store.commit(batch).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_is_noticed() {
        let ran =
            |from, to, took| Ran { from: UnixMillis(from), to: UnixMillis(to), took: Duration::from_millis(took) };
        for (ran, wanted) in [
            (ran(1_000, 2_000, 1_000), false),
            // Slewed, set forward, or a process that slept.
            (ran(1_000, 1_950, 1_000), false),
            (ran(1_000, 301_000, 1_000), false),
            (ran(1_000, 61_000, 60_000), false),
            // Set back, also by less than has passed.
            (ran(1_000, 1_500, 1_000), true),
            (ran(300_000, 1_000, 1_000), true),
            (ran(300_000, 301_000, 60_000), true),
        ] {
            assert_eq!(ran.was_set_back(), wanted, "{ran:?}");
        }
    }
}
