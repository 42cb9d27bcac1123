//! New signing keys under load: tokens of before and after pass, at once and all the time.

use std::time::{Duration, Instant};

use super::deployment::{Deployment, Probe};
use super::subject::open;
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, ScenarioFinding, Series, Unit};
use crate::load::{Outcome, Plan, Same};
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const SYSTEM: &str = "tollgate";
const TITLE: &str = "Tollgate";
const ROUNDS: u32 = 3;
const LENGTH: Duration = Duration::from_millis(2500);
const EVERY: Duration = Duration::from_millis(500);
/// First uses of tokens that the new keys have signed.
const NEW_TOKENS: usize = 3;

/// The scenario.
pub struct KeyRotation;

impl Live for KeyRotation {
    fn name(&self) -> &'static str {
        "key_rotation"
    }

    fn title(&self) -> &'static str {
        "Key rotation under load"
    }

    fn about(&self) -> &'static str {
        "Issuer and edge as `tollgate up` starts them, on one processor, at half of what the edge carries: without (`still`) and with (`rotating`) new RSA keys of the pool twice a second, which sign as soon as the edge has them (`admin signing-keys rotate --now`); making the keys takes its processor time from the same processor. `new_tokens` are first uses of tokens that a new key has signed, each at the moment it is issued; they belong to the load of the rounds after. Not one request may be refused."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let mut deployment = Deployment::take(bench)?;
        let rounds = bench.repeats(ROUNDS);
        let rate = deployment.capacity(bench)? / 2.0;
        let count = rounds as usize * 2;
        let length = bench.slice(count, LENGTH);
        let mut steps = Steps::new(self.title(), count);
        let mut measures = measures::all();
        let (mut still, mut rotating, mut new_tokens) = (Samples::default(), Samples::default(), Samples::default());
        let pid = deployment.edge_pid();
        let mut found = finding(self);
        for round in 0..u64::from(rounds) {
            if bench.left().is_zero() {
                break;
            }
            let plan = open(deployment.closed_loop(bench)?, rate, length, round);
            let (mut without, with) = (plan.clone(), plan);
            steps.next(bench.progress, TITLE);
            let outcome = still.take(pid, &mut measures, || Ok(without.run()?))?;
            found.series.extend((round == 0).then(|| course("per_second_still", &outcome)));
            steps.next(bench.progress, TITLE);
            let mut rotations = 0;
            let outcome = rotating.take(pid, &mut measures, || {
                let (outcome, made) = rotate(with, &mut deployment, &mut new_tokens)?;
                rotations = made;
                Ok(outcome)
            })?;
            let value = f64::from(rotations);
            rotating.note(Reading { name: "rotations", unit: Unit::Count, better: Better::Neither, value });
            found.series.extend((round == 0).then(|| course("per_second_rotating", &outcome)));
        }
        deployment.put_back(bench);
        found.rows.extend([
            still.row(SYSTEM, "still"),
            rotating.row(SYSTEM, "rotating"),
            new_tokens.row(SYSTEM, "new_tokens"),
        ]);
        Ok(found)
    }
}

/// Runs the plan, and rotates the keys meanwhile; returns how often as well.
fn rotate(
    plan: Plan<Same>,
    deployment: &mut Deployment,
    new_tokens: &mut Samples,
) -> Result<(Outcome, u32), BenchError> {
    let mut probe = deployment.probe();
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    let mut rotations = 0;
    while !spawned.is_finished() {
        let begun = Instant::now();
        deployment.rotate_keys()?;
        rotations += 1;
        for turn in 0..NEW_TOKENS {
            first_use(deployment, &mut probe, turn, new_tokens)?;
        }
        while !spawned.is_finished() && begun.elapsed() < EVERY {
            std::thread::sleep(EVERY / 50);
        }
    }
    Ok((spawned.join()?.0, rotations))
}

fn first_use(
    deployment: &mut Deployment,
    probe: &mut Probe,
    turn: usize,
    new_tokens: &mut Samples,
) -> Result<(), BenchError> {
    let token = deployment.refreshed(turn)?;
    match probe.status(&token)? {
        200 => new_tokens.count(Ok(200)),
        _ => new_tokens.count(Err("refused")),
    }
    deployment.add_token(token);
    Ok(())
}

fn course(measure: &str, outcome: &Outcome) -> Series {
    let points = outcome.course.whole_successes_per_second();
    Series { system: SYSTEM.into(), measure: measure.into(), unit: Unit::PerSecond, points }
}
