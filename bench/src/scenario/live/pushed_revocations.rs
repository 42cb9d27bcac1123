//! A thousand revocations a second reach the edge while it is as busy as it can be.

use std::time::{Duration, Instant};

use common::clock::{Clock, SystemClock};
use common::feed::{Change, Revoked};

use super::subject::Subject;
use super::{Bench, Live, Steps, finding};
use crate::feed::FeedIssuer;
use crate::finding::{Better, ScenarioFinding, Unit};
use crate::load::{Outcome, Plan, Same};
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const SYSTEMS: [&str; 2] = ["tollgate", "tollgate_baseline"];
const ROUNDS: u32 = 5;
const LENGTH: Duration = Duration::from_millis(2000);
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
        let subjects = Subject::all(bench, &SYSTEMS)?;
        let rounds = bench.repeats(ROUNDS);
        let count = subjects.len() * 2 * rounds as usize;
        let length = bench.slice(count, LENGTH);
        let mut steps = Steps::new(self.title(), count);
        let mut measures = measures::all();
        let mut found = finding(self);
        for subject in &subjects {
            let (mut still, mut arriving) = (Samples::default(), Samples::default());
            for _ in 0..rounds {
                if bench.left().is_zero() {
                    break;
                }
                steps.next(bench.progress, subject.title);
                let mut plan = subject.closed(length);
                still.take(subject.pid, &mut measures, || Ok(plan.run()?))?;
                steps.next(bench.progress, subject.title);
                let plan = subject.closed(length);
                let mut pushed = 0;
                arriving.take(subject.pid, &mut measures, || push(plan, bench.lab.feed(), &mut pushed))?;
                let value = pushed as f64 / length.as_secs_f64();
                arriving.note(Reading {
                    name: "pushed_per_second",
                    unit: Unit::PerSecond,
                    better: Better::Neither,
                    value,
                });
            }
            found.rows.extend([still.row(subject.name, "still"), arriving.row(subject.name, "arriving")]);
        }
        Ok(found)
    }
}

/// Runs the plan, pushes meanwhile, and counts what was pushed.
fn push(plan: Plan<Same>, feed: &FeedIssuer, pushed: &mut usize) -> Result<Outcome, BenchError> {
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    let mut due = Instant::now();
    while !spawned.is_finished() {
        let batch = (0..BATCH).map(|_| Revoked::Session { origin_jti: uuid::Uuid::now_v7().to_string() });
        feed.publish(batch.map(Change::Revoked), SystemClock.now())?;
        *pushed += BATCH;
        due += EVERY;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(spawned.join()?.0)
}
