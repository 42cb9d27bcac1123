//! Ten times what a system can carry, and whether it is well again at once.

use std::time::{Duration, Instant};

use super::subject::Subject;
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, Row, ScenarioFinding, Series, Unit};
use crate::load::{Arrival, Failure, Outcome, Plan, Same};
use crate::measure::{process_tree_pss_bytes, slope};
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Measure, Reading};
use crate::scenario::samples::{Failures, Samples};

const SYSTEMS: [&str; 4] = ["tollgate", "nginx_plain", "haproxy_jwt", "envoy_jwt_cached"];
const TIMES: f64 = 10.0;
/// Connections, and requests that wait for one; what comes beyond that is not sent. Below the default limits of all peers.
const CONNECTIONS: usize = 384;
const TIMEOUT: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 3;
/// A round of one system is cut into so many parts: two before, six of overload, two after.
const PARTS: u32 = 10;
const LENGTH: Duration = Duration::from_millis(400);
/// How often memory is read: each time the kernel walks through all of it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The scenario.
pub struct Overload;

/// What is done to a system one after the other.
#[derive(Clone, Copy)]
enum Phase {
    Before,
    Overload,
    After,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Before, Self::Overload, Self::After];

    fn variant(self) -> &'static str {
        match self {
            Self::Before => "half load before",
            Self::Overload => "10 x its capacity",
            Self::After => "half load at once after",
        }
    }

    fn parts(self) -> u32 {
        match self {
            Self::Overload => PARTS - 4,
            Self::Before | Self::After => 2,
        }
    }

    fn samples(self) -> Samples {
        Samples::new(match self {
            Self::Overload => Failures::Belong,
            Self::Before | Self::After => Failures::Spoil,
        })
    }

    fn plan(self, subject: &Subject, length: Duration) -> Plan<Same> {
        match self {
            Self::Before | Self::After => subject.poisson(subject.capacity / 2.0, length, 1),
            Self::Overload => {
                let rate = (TIMES * subject.capacity).min(Arrival::RATE_LIMIT);
                let (connections, queue, count) = (CONNECTIONS, CONNECTIONS, None);
                let arrival = Arrival::Constant { rate };
                Plan { arrival, connections, queue, count, timeout: TIMEOUT, ..subject.closed(length) }
            }
        }
    }
}

impl Live for Overload {
    fn name(&self) -> &'static str {
        "overload"
    }

    fn title(&self) -> &'static str {
        "Ten times the capacity"
    }

    fn about(&self) -> &'static str {
        "Half load, then arrivals at ten times what the system carries in the closed loop, then half load again at once. 384 connections, 384 requests may wait for one, each has a second: what finds no place is never sent and counts as unsent, so sent_per_second is what the system really met. goodput_share is what succeeded beside its capacity."
    }

    fn weight(&self) -> u32 {
        2
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let subjects = Subject::all(bench, &SYSTEMS)?;
        let rounds = bench.repeats(ROUNDS);
        let count = subjects.len() * rounds as usize;
        let part = bench.slice(count * PARTS as usize, LENGTH);
        let mut steps = Steps::new(self.title(), count);
        let mut trials = subjects.iter().map(Trial::new).collect::<Vec<_>>();
        for _ in 0..rounds {
            for trial in &mut trials {
                if bench.left().is_zero() {
                    continue;
                }
                steps.next(bench.progress, trial.subject.title);
                trial.round(part)?;
            }
        }
        let mut found = finding(self);
        for trial in trials {
            found.rows.extend(trial.rows());
            found.series.extend(trial.series);
        }
        Ok(found)
    }
}

/// One system's course.
struct Trial<'a> {
    subject: &'a Subject,
    measures: Vec<Box<dyn Measure>>,
    samples: [Samples; 3],
    /// Of the first round.
    series: Vec<Series>,
}

impl<'a> Trial<'a> {
    fn new(subject: &'a Subject) -> Self {
        Self { subject, measures: measures::all(), samples: Phase::ALL.map(Phase::samples), series: Vec::new() }
    }

    fn round(&mut self, part: Duration) -> Result<(), BenchError> {
        let (begun, subject) = (Instant::now(), self.subject);
        let (mut rate, mut memory) = (Vec::new(), Vec::new());
        for (phase, samples) in Phase::ALL.into_iter().zip(&mut self.samples) {
            let plan = phase.plan(subject, part * phase.parts());
            let (from, looked) = (begun.elapsed().as_secs_f64(), memory.len());
            let watched = || watch(plan, subject.pid, begun, &mut memory);
            let outcome = samples.take(subject.pid, &mut self.measures, watched)?;
            rate.extend(outcome.course.whole_successes_per_second().into_iter().map(|(at, value)| (from + at, value)));
            if matches!(phase, Phase::Overload) {
                let growth = slope(memory.get(looked..).unwrap_or_default()).map(growth);
                pressure(&outcome, subject.capacity)
                    .into_iter()
                    .chain(growth)
                    .for_each(|reading| samples.note(reading));
            }
        }
        if self.series.is_empty() {
            let of = |measure: &str, unit, points| Series {
                system: subject.name.into(),
                measure: measure.into(),
                unit,
                points,
            };
            self.series = vec![of("per_second", Unit::PerSecond, rate), of("pss_bytes", Unit::Bytes, memory)];
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        let rows = Phase::ALL.into_iter().zip(&self.samples);
        rows.map(|(phase, samples)| samples.row(self.subject.name, phase.variant()))
    }
}

/// Runs a plan and reads the memory of a process meanwhile.
fn watch(plan: Plan<Same>, pid: u32, begun: Instant, memory: &mut Vec<(f64, f64)>) -> Result<Outcome, BenchError> {
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    while !spawned.is_finished() {
        let bytes = process_tree_pss_bytes(pid).map_err(|source| BenchError::Accounting { pid, source })?;
        memory.push((begun.elapsed().as_secs_f64(), bytes as f64));
        let looked = Instant::now();
        while !spawned.is_finished() && looked.elapsed() < LOOK_EVERY {
            std::thread::sleep(LOOK_EVERY / 20);
        }
    }
    Ok(spawned.join()?.0)
}

fn growth(value: f64) -> Reading {
    Reading { name: "pss_growth", unit: Unit::BytesPerSecond, better: Better::Lower, value }
}

/// What was offered, what of that was sent, and what was carried beside the capacity.
fn pressure(outcome: &Outcome, capacity: f64) -> [Reading; 3] {
    let seconds = outcome.elapsed.max(Duration::from_nanos(1)).as_secs_f64();
    let unsent = outcome.failures.get(&Failure::Unsent).copied().unwrap_or_default();
    let rate = |name, count: u64| Reading {
        name,
        unit: Unit::PerSecond,
        better: Better::Neither,
        value: count as f64 / seconds,
    };
    let (unit, better, value) = (Unit::Share, Better::Higher, outcome.per_second() / capacity);
    [
        rate("offered_per_second", outcome.requests()),
        rate("sent_per_second", outcome.requests().saturating_sub(unsent)),
        Reading { name: "goodput_share", unit, better, value },
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_was_never_sent_is_no_pressure() {
        let failures = BTreeMap::from([(Failure::Unsent, 900), (Failure::Timeout, 20)]);
        let outcome = Outcome { succeeded: 80, failures, elapsed: Duration::from_secs(2), ..Outcome::empty().unwrap() };
        let values = pressure(&outcome, 50.0).map(|reading| reading.value);
        assert_eq!(values, [500.0, 50.0, 0.8]);
    }

    #[test]
    fn the_parts_make_a_round() {
        assert_eq!(Phase::ALL.map(Phase::parts).iter().sum::<u32>(), PARTS);
    }
}
