//! What a system adds to the latency of a request when it is half busy: the same absolute load for all, and for the upstream alone.

use std::time::Duration;

use super::subject::{Subject, closed_loop, open, warmed_up};
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, Curve, Figure, Point, ScenarioFinding, Unit};
use crate::load::{Bearers, Plan, Same};
use crate::measure::Latency;
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Measure, Reading};
use crate::scenario::samples::Samples;

/// The least capacity among these makes the load.
const CHECKING: [&str; 3] = ["tollgate", "haproxy_jwt", "envoy_jwt_cached"];
const SYSTEMS: [&str; 5] = ["tollgate", "tollgate_baseline", "nginx_plain", "haproxy_jwt", "envoy_jwt_cached"];
const DIRECT: &str = "direct";
const ROUNDS: u32 = 7;
const LENGTH: Duration = Duration::from_millis(2000);
/// Beyond it a quantile stands for less than one request of ten thousand, of which there are but a few.
const LAST_QUANTILE: f64 = 0.9999;

/// The scenario.
pub struct HalfLoad;

impl Live for HalfLoad {
    fn name(&self) -> &'static str {
        "half_load"
    }

    fn title(&self) -> &'static str {
        "Added latency at half load"
    }

    fn about(&self) -> &'static str {
        "Independent arrivals at one rate for all: half of what the slowest of Tollgate, HAProxy with jwt_verify and Envoy with its cache carries. `direct` is the same load on the upstream alone; added_p50_us and added_p99_us are what a system has beyond that in the same round. The curves are the latency at each quantile, over all rounds."
    }

    fn weight(&self) -> u32 {
        3
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let subjects = Subject::all(bench, &SYSTEMS)?;
        let rate = half_of_the_least(&subjects).ok_or(BenchError::NothingToMeasure)?;
        let requests = Same::get("/orders")?.bearers(Bearers::new(&bench.lab.known)?);
        let direct = closed_loop(bench, bench.lab.upstream().address(), requests);
        let rounds = bench.repeats(ROUNDS);
        let count = (subjects.len() + 1) * rounds as usize;
        let length = bench.slice(count, LENGTH);
        let mut steps = Steps::new(self.title(), count);
        let mut alone = Measured::new(DIRECT, std::process::id(), measures::of_the_load())?;
        let mut behind = Vec::new();
        for subject in &subjects {
            behind.push(Measured::new(subject.name, subject.pid, measures::all())?);
        }
        for round in 0..u64::from(rounds) {
            if bench.left().is_zero() {
                break;
            }
            steps.next(bench.progress, DIRECT);
            alone.take(warmed_up(open(direct.clone(), rate, length, round)))?;
            for (measured, subject) in behind.iter_mut().zip(&subjects) {
                steps.next(bench.progress, subject.title);
                measured.take(warmed_up(subject.poisson(rate, length, round)))?;
                measured.compare(&alone);
            }
        }
        let variant = format!("{rate:.0} requests/s");
        let all = || std::iter::once(&alone).chain(&behind);
        Ok(ScenarioFinding {
            rows: all().map(|measured| measured.samples.row(measured.name, &variant)).collect(),
            curves: all().map(Measured::curve).collect(),
            headline: "added_p99_us".into(),
            ..finding(self)
        })
    }
}

fn half_of_the_least(subjects: &[Subject]) -> Option<f64> {
    let counted = subjects.iter().filter(|subject| CHECKING.contains(&subject.name));
    counted.map(|subject| subject.capacity / 2.0).min_by(f64::total_cmp)
}

/// What was measured of one system.
struct Measured {
    name: &'static str,
    pid: u32,
    measures: Vec<Box<dyn Measure>>,
    samples: Samples,
    latency: Latency,
}

impl Measured {
    fn new(name: &'static str, pid: u32, measures: Vec<Box<dyn Measure>>) -> Result<Self, BenchError> {
        let latency = Latency::new().ok_or(BenchError::NothingToMeasure)?;
        Ok(Self { name, pid, measures, samples: Samples::default(), latency })
    }

    fn take(&mut self, mut plan: Plan<Same>) -> Result<(), BenchError> {
        let outcome = self.samples.take(self.pid, &mut self.measures, || Ok(plan.run()?))?;
        self.latency.merge(&outcome.latency);
        Ok(())
    }

    /// Notes what it has beyond `alone` in the latest round.
    fn compare(&mut self, alone: &Self) {
        for (name, added) in [("p50_us", "added_p50_us"), ("p99_us", "added_p99_us")] {
            let both = self.samples.last(name).zip(alone.samples.last(name));
            if let Some((with, without)) = both {
                let (unit, better) = (Unit::Micros, Better::Lower);
                self.samples.note(Reading { name: added, unit, better, value: with - without });
            }
        }
    }

    fn curve(&self) -> Curve {
        Curve {
            system: self.name.into(),
            x_title: "quantile".into(),
            x_unit: Unit::Share,
            points: self.latency.curve().into_iter().filter_map(point).collect(),
        }
    }
}

fn point((quantile, us): (f64, u64)) -> Option<Point> {
    let figure = Figure::of(Unit::Micros, Better::Lower, vec![us as f64])?;
    (quantile <= LAST_QUANTILE).then(|| Point { x: quantile, figures: [("latency_us".to_owned(), figure)].into() })
}
