//! The edge reads its configuration again, several times a second, while it is as busy as it can be.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::subject::Subject;
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, ScenarioFinding, Series, Unit};
use crate::load::{Exchange, Outcome, Plan, Same};
use crate::measure::Latency;
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const SYSTEMS: [&str; 2] = ["tollgate", "tollgate_baseline"];
const ROUNDS: u32 = 5;
const LENGTH: Duration = Duration::from_millis(2000);
const EVERY: Duration = Duration::from_millis(200);
const RELOAD: &str = "POST /reload HTTP/1.1\r\nhost: admin\r\ncontent-length: 0\r\n\r\n";

/// The scenario.
pub struct Reload;

impl Live for Reload {
    fn name(&self) -> &'static str {
        "reload"
    }

    fn title(&self) -> &'static str {
        "Reloads under load"
    }

    fn about(&self) -> &'static str {
        "The closed loop of the token gate, without (`still`) and with (`reloading`) a POST /reload on the admin listener five times a second. Each reload reads and checks the whole configuration and swaps it under the running requests; each answer is checked. Not a request may fail."
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
            let system = bench.lab.system(subject.name);
            let Some(admin) = system.and_then(|system| system.running.admin()) else { continue };
            let (mut still, mut reloading) = (Samples::default(), Samples::default());
            for round in 0..rounds {
                if bench.left().is_zero() {
                    break;
                }
                steps.next(bench.progress, subject.title);
                let mut plan = subject.closed(length);
                let outcome = still.take(subject.pid, &mut measures, || Ok(plan.run()?))?;
                let without = (round == 0).then(|| course(subject.name, "per_second_still", &outcome));
                steps.next(bench.progress, subject.title);
                let mut times = Latency::new().ok_or(BenchError::NothingToMeasure)?;
                let plan = subject.closed(length);
                let outcome = reloading.take(subject.pid, &mut measures, || reload(plan, admin, &mut times))?;
                notes(&times).into_iter().for_each(|reading| reloading.note(reading));
                let with = (round == 0).then(|| course(subject.name, "per_second_reloading", &outcome));
                found.series.extend(without.into_iter().chain(with));
            }
            found.rows.extend([still.row(subject.name, "still"), reloading.row(subject.name, "reloading")]);
        }
        Ok(found)
    }
}

/// Runs the plan, reloads meanwhile, and records how long each reload took.
fn reload(plan: Plan<Same>, admin: SocketAddr, times: &mut Latency) -> Result<Outcome, BenchError> {
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    while !spawned.is_finished() {
        let begun = Instant::now();
        let answer = Exchange::new(admin).send(RELOAD.as_bytes());
        let answer = answer.map_err(|source| BenchError::Admin { admin, source })?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(BenchError::Admin { admin, source: io::Error::other(said) });
        }
        times.record(begun.elapsed());
        while !spawned.is_finished() && begun.elapsed() < EVERY {
            std::thread::sleep(EVERY / 20);
        }
    }
    Ok(spawned.join()?.0)
}

fn notes(times: &Latency) -> Vec<Reading> {
    let count = Reading { name: "reloads", unit: Unit::Count, better: Better::Neither, value: times.count() as f64 };
    let took = times.quantile_us(0.5).map(|us| us as f64);
    let took = took.map(|value| Reading { name: "reload_p50_us", unit: Unit::Micros, better: Better::Lower, value });
    std::iter::once(count).chain(took).collect()
}

fn course(system: &str, measure: &str, outcome: &Outcome) -> Series {
    let points = outcome.course.whole_successes_per_second();
    Series { system: system.into(), measure: measure.into(), unit: Unit::PerSecond, points }
}
