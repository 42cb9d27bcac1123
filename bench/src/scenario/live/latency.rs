//! Throughput against latency as the load rises, for each system up to nearly its own capacity.

use std::collections::BTreeMap;
use std::time::Duration;

use super::subject::{Subject, warmed_up};
use super::{Bench, Live, Steps, finding};
use crate::finding::{Curve, Point, ScenarioFinding, Unit};
use crate::scenario::BenchError;
use crate::scenario::measures;
use crate::scenario::samples::Samples;

const SYSTEMS: [&str; 7] =
    ["tollgate", "nginx_plain", "haproxy_plain", "haproxy_jwt", "envoy_plain", "envoy_jwt", "envoy_jwt_cached"];
/// Offered load as a share of the capacity.
const LEVELS: [f64; 6] = [0.10, 0.25, 0.50, 0.70, 0.85, 0.95];
const ROUNDS: u32 = 3;
const LENGTH: Duration = Duration::from_millis(1000);
/// What a point tells.
const MEASURES: [&str; 7] = ["p50_us", "p99_us", "per_second", "cpu_us", "generator_share", "lag_p99_us", "p999_us"];

/// The scenario.
pub struct LatencyUnderLoad;

impl Live for LatencyUnderLoad {
    fn name(&self) -> &'static str {
        "latency"
    }

    fn title(&self) -> &'static str {
        "Latency as the load rises"
    }

    fn about(&self) -> &'static str {
        "Independent arrivals at 10 to 95 % of what each system carries in the closed loop on this machine. Latency counts from the intended start of a request, so waiting behind others is in it; lag_p99_us is the generator's own part."
    }

    fn weight(&self) -> u32 {
        3
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let subjects = Subject::all(bench, &SYSTEMS)?;
        let rounds = bench.repeats(ROUNDS);
        let count = subjects.len() * LEVELS.len() * rounds as usize;
        let length = bench.slice(count, LENGTH);
        let mut steps = Steps::new(self.title(), count);
        let mut measures = measures::all();
        let mut samples: BTreeMap<(usize, usize), Samples> = BTreeMap::new();
        for round in 0..rounds {
            for (level, share) in LEVELS.iter().enumerate() {
                for (number, subject) in subjects.iter().enumerate() {
                    if bench.left().is_zero() {
                        continue;
                    }
                    steps.next(bench.progress, subject.title);
                    let mut plan = warmed_up(subject.poisson(share * subject.capacity, length, u64::from(round)));
                    let samples = samples.entry((number, level)).or_default();
                    samples.take(subject.pid, &mut measures, || Ok(plan.run()?))?;
                }
            }
        }
        let curve = |(number, subject): (usize, &Subject)| Curve {
            system: subject.name.into(),
            x_title: "offered load".into(),
            x_unit: Unit::PerSecond,
            points: LEVELS
                .iter()
                .enumerate()
                .filter_map(|(level, share)| Some(point(share * subject.capacity, samples.get(&(number, level))?)))
                .collect(),
        };
        Ok(ScenarioFinding { curves: subjects.iter().enumerate().map(curve).collect(), ..finding(self) })
    }
}

/// One where too much failed has no figures.
fn point(x: f64, samples: &Samples) -> Point {
    let mut figures = samples.row("", "").figures;
    figures.retain(|name, _| MEASURES.contains(&name.as_str()));
    Point { x, figures }
}
