//! Scenarios that load the deployment's issuer, one file each, and the load that they share.

mod calls;
mod refresh;
mod sign_in_password;
mod sign_in_srp;
mod sign_up;
mod srp;

use std::time::Duration;

pub use self::refresh::Refresh;
pub use self::sign_in_password::SignInPassword;
pub use self::sign_in_srp::SignInSrp;
pub use self::sign_up::SignUp;

use super::deployment::Deployment;
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, ScenarioFinding, Unit};
use crate::load::{Outcome, Plan, Requests};
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const SYSTEM: &str = "tollgate";
const TITLE: &str = "Tollgate";
const ROUNDS: u32 = 3;
const LENGTH: Duration = Duration::from_millis(600);
/// Each of these requests costs the issuer milliseconds: more of them at once would only wait.
const CONNECTIONS: usize = 4;
/// Requests of each connection before the first round: keys of the pool are read then, and threads get their memory.
const WARM_UP: u64 = 2;
/// What a request may take beyond the end of its load.
const PATIENCE: Duration = Duration::from_secs(2);
/// At most so many requests for each of [`crate::scenario::Options::requests`], so that small runs stay small.
const REQUESTS_FACTOR: u64 = 10;

/// Requests whose answers are looked at: a status alone does not say that somebody is signed in.
trait Checked: Requests {
    /// What the answers since the last call have shown.
    fn take(&mut self) -> Seen;
}

/// What answers have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Answers with the status of success, and not with what was asked for.
    wrong: u64,
    /// Whole sign-ins, where one takes several requests; else 0.
    sign_ins: u64,
}

/// The closed loop at the issuer of the deployment, which is there for the next scenario afterwards.
fn measured<R: Checked>(
    scenario: &dyn Live,
    bench: &mut Bench<'_>,
    requests: impl FnOnce(&Deployment) -> Result<R, BenchError>,
) -> Result<ScenarioFinding, BenchError> {
    let deployment = Deployment::take(bench)?;
    let mut plan = Plan::new(deployment.issuer()?, requests(&deployment)?);
    plan.connections = CONNECTIONS.min(bench.options.connections);
    plan.timeout = PATIENCE;
    let samples = rounds(scenario, bench, deployment.issuer_pid(), &mut plan)?;
    deployment.put_back(bench);
    Ok(ScenarioFinding { rows: vec![samples.row(SYSTEM, "")], ..finding(scenario) })
}

/// One source for all rounds: what one has begun the next one goes on with.
fn rounds<R: Checked>(
    scenario: &dyn Live,
    bench: &mut Bench<'_>,
    pid: u32,
    plan: &mut Plan<R>,
) -> Result<Samples, BenchError> {
    let mut samples = Samples::default();
    let mut measures = measures::all();
    (plan.count, plan.limit) = (Some(WARM_UP * plan.connections as u64), bench.left());
    plan.run()?;
    plan.requests.take();
    let rounds = bench.repeats(ROUNDS);
    let length = bench.slice(rounds as usize, LENGTH);
    (plan.duration, plan.limit) = (Some(length), length + PATIENCE);
    plan.count = Some(bench.options.requests.saturating_mul(REQUESTS_FACTOR));
    let mut steps = Steps::new(scenario.title(), rounds as usize);
    for _ in 0..rounds {
        if bench.left().is_zero() {
            break;
        }
        steps.next(bench.progress, TITLE);
        let mut seen = Seen::default();
        let outcome = samples.take(pid, &mut measures, || {
            let mut outcome = plan.run()?;
            seen = plan.requests.take();
            outcome.retract(seen.wrong);
            Ok(outcome)
        })?;
        let cpu_us = samples.last("cpu_us");
        for reading in cpu_us.into_iter().flat_map(|cpu_us| by_sign_in(cpu_us, seen, &outcome)) {
            samples.note(reading);
        }
    }
    Ok(samples)
}

/// Processor time of a sign-in of several requests, and how many there were a second.
fn by_sign_in(cpu_us: f64, seen: Seen, outcome: &Outcome) -> Vec<Reading> {
    let (sign_ins, seconds) = (seen.sign_ins as f64, outcome.elapsed.as_secs_f64());
    if seen.sign_ins == 0 || seconds <= 0.0 {
        return Vec::new();
    }
    let (cpu, rate) = (cpu_us * outcome.answered() as f64 / sign_ins, sign_ins / seconds);
    vec![
        Reading { name: "cpu_per_sign_in_us", unit: Unit::MicrosPerOperation, better: Better::Lower, value: cpu },
        Reading { name: "sign_ins_per_second", unit: Unit::PerSecond, better: Better::Higher, value: rate },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_sign_in_costs_what_its_requests_cost() {
        let statuses = BTreeMap::from([(200, 200)]);
        let outcome = Outcome { statuses, elapsed: Duration::from_secs(2), ..Outcome::empty().unwrap() };
        let readings = by_sign_in(1500.0, Seen { wrong: 0, sign_ins: 100 }, &outcome);
        let values: Vec<(&str, f64)> = readings.iter().map(|reading| (reading.name, reading.value)).collect();
        assert_eq!(values, [("cpu_per_sign_in_us", 3000.0), ("sign_ins_per_second", 50.0)]);
        assert_eq!(by_sign_in(1500.0, Seen::default(), &outcome), []);
    }
}
