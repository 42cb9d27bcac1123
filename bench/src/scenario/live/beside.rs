//! The closed loop of the edges as it is, and the same while something happens, in turn.

use std::time::Duration;

use super::subject::Subject;
use super::{Bench, Live, Steps, finding};
use crate::finding::{ScenarioFinding, Series, Unit};
use crate::load::{Outcome, Plan, Same};
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const SYSTEMS: [&str; 2] = ["tollgate", "tollgate_baseline"];
const ROUNDS: u32 = 5;
const LENGTH: Duration = Duration::from_millis(2000);

/// What came of a load, and what the scenario says of what happened beside it.
pub type Happened = (Outcome, Vec<Reading>);

/// Rows `still` and `name` of each edge, and the course of both in the first round. `happen` runs the plan that it gets.
pub fn run(
    scenario: &dyn Live,
    bench: &mut Bench<'_>,
    name: &str,
    happen: impl Fn(&Bench<'_>, &Subject, Plan<Same>) -> Result<Happened, BenchError>,
) -> Result<ScenarioFinding, BenchError> {
    let subjects = Subject::all(bench, &SYSTEMS)?;
    let rounds = bench.repeats(ROUNDS);
    let count = subjects.len() * 2 * rounds as usize;
    let length = bench.slice(count, LENGTH);
    let mut steps = Steps::new(scenario.title(), count);
    let mut measures = measures::all();
    let mut found = finding(scenario);
    for subject in &subjects {
        let (mut still, mut busy) = (Samples::default(), Samples::default());
        for round in 0..rounds {
            if bench.left().is_zero() {
                break;
            }
            steps.next(bench.progress, subject.title);
            let mut plan = subject.closed(length);
            let without = still.take(subject.pid, &mut measures, || Ok(plan.run()?))?;
            steps.next(bench.progress, subject.title);
            let mut said = Vec::new();
            let with = busy.take(subject.pid, &mut measures, || {
                let (outcome, readings) = happen(bench, subject, subject.closed(length))?;
                said = readings;
                Ok(outcome)
            })?;
            said.into_iter().for_each(|reading| busy.note(reading));
            if round == 0 {
                found.series.push(course(subject.name, "still", &without));
                found.series.push(course(subject.name, name, &with));
            }
        }
        found.rows.extend([still.row(subject.name, "still"), busy.row(subject.name, name)]);
    }
    Ok(found)
}

fn course(system: &str, name: &str, outcome: &Outcome) -> Series {
    let points = outcome.course.whole_successes_per_second();
    Series { system: system.into(), measure: format!("per_second_{name}"), unit: Unit::PerSecond, points }
}
