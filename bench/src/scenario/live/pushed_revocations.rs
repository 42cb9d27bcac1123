//! A thousand revocations a second reach the edge while it is as busy as it can be.

use std::time::{Duration, Instant};

use common::clock::{Clock, SystemClock};
use common::feed::{Change, Revoked};

use super::beside::{self, Happened};
use super::{Bench, Live};
use crate::feed::FeedIssuer;
use crate::finding::{Better, ScenarioFinding, Unit};
use crate::load::{Plan, Same};
use crate::scenario::BenchError;
use crate::scenario::measures::Reading;

/// So many at once, so often.
const BATCH: usize = 10;
const EVERY: Duration = Duration::from_millis(10);

/// The scenario.
pub struct PushedRevocations;

impl Live for PushedRevocations {
    fn name(&self) -> &'static str {
        "pushed_revocations"
    }

    fn title(&self) -> &'static str {
        "Revocations arriving under load"
    }

    fn about(&self) -> &'static str {
        "The closed loop of the token gate, without (`still`) and with (`arriving`) 1,000 revoked sessions a second that the feed brings, on top of those that the edge knows. None is of a token that is sent: not a request may fail."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        beside::run(self, bench, "arriving", |bench, _, plan| push(plan, bench.lab.feed()))
    }
}

/// Runs the plan, pushes meanwhile, and says how many a second.
fn push(plan: Plan<Same>, feed: &FeedIssuer) -> Result<Happened, BenchError> {
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    let begun = Instant::now();
    let (mut due, mut pushed) = (begun, 0);
    while !spawned.is_finished() {
        let batch = (0..BATCH).map(|_| Revoked::Session { origin_jti: uuid::Uuid::now_v7().to_string() });
        feed.publish(batch.map(Change::Revoked), SystemClock.now())?;
        pushed += BATCH;
        due += EVERY;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let value = pushed as f64 / begun.elapsed().as_secs_f64();
    let rate = Reading { name: "pushed_per_second", unit: Unit::PerSecond, better: Better::Neither, value };
    Ok((spawned.join()?.0, vec![rate]))
}
