//! What an edge must bear for minutes without growing: names of keys that nobody has, forged tokens, paths, slow clients, long bodies.

mod bulk;
mod noise;
mod slow;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::bulk::Bulk;
use self::noise::{Kind, Noise};
use self::slow::Slow;
use super::fresh_edge::Edge;
use super::subject::closed_loop;
use super::{Bench, Live, Steps, finding};
use crate::finding::{Better, Row, ScenarioFinding, Series, Unit};
use crate::load::{Exchange, Plan};
use crate::measure::{Spread, slope};
use crate::scenario::BenchError;
use crate::scenario::measures::Reading;
use crate::scenario::samples::Samples;

const SYSTEM: &str = "tollgate";
/// Length of each flood where the time allows it.
const LENGTH: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Caches and pools fill at first: growth is counted after the first third.
const PARTS: usize = 3;

/// The scenario.
pub struct Floods;

#[derive(Clone, Copy)]
enum Flood {
    Noise(Kind),
    Slow,
    Bulk,
}

impl Flood {
    const ALL: [Self; 5] =
        [Self::Noise(Kind::Kids), Self::Noise(Kind::Tokens), Self::Noise(Kind::Paths), Self::Slow, Self::Bulk];

    fn variant(self) -> &'static str {
        match self {
            Self::Noise(Kind::Kids) => "unknown keys",
            Self::Noise(Kind::Tokens) => "forged tokens",
            Self::Noise(Kind::Paths) => "paths",
            Self::Slow => "slow sockets",
            Self::Bulk => "long bodies",
        }
    }
}

impl Live for Floods {
    fn name(&self) -> &'static str {
        "floods"
    }

    fn title(&self) -> &'static str {
        "Memory under floods"
    }

    fn about(&self) -> &'static str {
        "One edge, one flood after the other, five minutes each where the time allows (`--scenario floods --minutes 35`): tokens that name keys which nobody has, forged tokens under a known key's name, paths that were never asked for, 5,000 connections that send a byte of their head now and then, bodies of 1 GB up and down. grown_bytes: memory in the last third less that in the second, by medians. Beside each flood somebody with a good token asks four times a second: status 200, or a failure."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        slow::raise_file_limit();
        let bulk = Bulk::start().map_err(BenchError::Upstream)?;
        let known = bench.lab.known.first().cloned().ok_or(BenchError::NothingToMeasure)?;
        let edge = Edge::start_before(bench, "floods", bench.lab.feed(), &known, bulk.address())?;
        let length = bench.slice(Flood::ALL.len(), LENGTH);
        let mut steps = Steps::new(self.title(), Flood::ALL.len());
        let mut found = finding(self);
        found.headline = "grown_bytes".into();
        for flood in Flood::ALL {
            steps.next(bench.progress, flood.variant());
            let mut trial = Trial::new(&edge, &known);
            match flood {
                Flood::Noise(kind) => trial.noise(bench, kind, length)?,
                Flood::Slow => trial.beside(length, |stop| Slow::run(edge.running.address(), stop))?,
                Flood::Bulk => trial.beside(length, |stop| bulk::run(edge.running.address(), stop))?,
            }
            let (row, series) = trial.done(flood.variant(), length);
            found.rows.push(row);
            found.series.push(series);
        }
        Ok(found)
    }
}

/// One flood, and what is seen of the edge meanwhile.
struct Trial<'a> {
    edge: &'a Edge,
    known: &'a str,
    samples: Samples,
    /// Seconds and bytes.
    memory: Vec<(f64, f64)>,
}

impl<'a> Trial<'a> {
    fn new(edge: &'a Edge, known: &'a str) -> Self {
        Self { edge, known, samples: Samples::default(), memory: Vec::new() }
    }

    fn noise(&mut self, bench: &Bench<'_>, kind: Kind, length: Duration) -> Result<(), BenchError> {
        let noise = Noise::new(kind, self.known)?;
        let plan = closed_loop(bench, self.edge.running.address(), noise);
        let limit = length + Duration::from_secs(5);
        let plan = Plan { count: None, duration: Some(length), limit, expected: kind.expected(), ..plan };
        let load = plan.spawn().map_err(BenchError::Thread)?;
        self.watch(|| load.is_finished())?;
        let outcome = load.join()?.0;
        let (unit, better) = (Unit::PerSecond, Better::Neither);
        self.samples.note(Reading { name: "per_second", unit, better, value: outcome.per_second() });
        self.samples.note(count("odd_answers", outcome.failed() as f64));
        Ok(())
    }

    /// Runs `flood` on a thread until its time is over.
    fn beside(
        &mut self,
        length: Duration,
        flood: impl FnOnce(&AtomicBool) -> std::io::Result<Vec<Reading>> + Send,
    ) -> Result<(), BenchError> {
        let (stop, begun) = (AtomicBool::new(false), Instant::now());
        let readings = std::thread::scope(|scope| {
            let thread = scope.spawn(|| flood(&stop));
            let watched = self.watch(|| begun.elapsed() >= length || thread.is_finished());
            stop.store(true, Ordering::Relaxed);
            let gone = |_| std::io::Error::other("the flood's thread has ended badly");
            let readings = thread.join().map_err(gone).and_then(|done| done).map_err(BenchError::Probe);
            watched.and(readings)
        })?;
        readings.into_iter().for_each(|reading| self.samples.note(reading));
        Ok(())
    }

    /// Looks at the edge's memory and asks with the good token until the flood is over.
    fn watch(&mut self, is_over: impl Fn() -> bool) -> Result<(), BenchError> {
        let (begun, mut exchange) = (Instant::now(), Exchange::new(self.edge.running.address()));
        while !is_over() {
            self.memory.push((begun.elapsed().as_secs_f64(), self.edge.memory()?));
            let answered = exchange.status(self.edge.path, self.known);
            self.samples.count(match answered {
                Ok(200) => Ok(200),
                Ok(_) => Err("refused"),
                Err(_) => Err("no_answer"),
            });
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn done(mut self, variant: &str, length: Duration) -> (Row, Series) {
        for reading in growth(&self.memory) {
            self.samples.note(reading);
        }
        self.samples.note(count("seconds", length.as_secs_f64()));
        let (system, measure) = (SYSTEM.into(), format!("pss_bytes, {variant}"));
        let series = Series { system, measure, unit: Unit::Bytes, points: self.memory };
        (self.samples.row(SYSTEM, variant), series)
    }
}

/// How memory stood and went, after the first part of the time.
fn growth(memory: &[(f64, f64)]) -> Vec<Reading> {
    let part = memory.len() / PARTS;
    let (Some(second), Some(last)) = (memory.get(part..2 * part), memory.get(2 * part..)) else { return Vec::new() };
    let median = |points: &[(f64, f64)]| {
        Spread::of(&points.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>()).map(|spread| spread.median)
    };
    let bytes = |name, better, value| Reading { name, unit: Unit::Bytes, better, value };
    let grown =
        median(last).zip(median(second)).map(|(last, second)| bytes("grown_bytes", Better::Lower, last - second));
    let most = memory.iter().map(|(_, bytes)| *bytes).reduce(f64::max);
    let slope = slope(memory.get(part..).unwrap_or_default());
    let slope =
        slope.map(|value| Reading { name: "pss_growth", unit: Unit::BytesPerSecond, better: Better::Lower, value });
    grown.into_iter().chain(most.map(|most| bytes("most_bytes", Better::Lower, most))).chain(slope).collect()
}

fn count(name: &'static str, value: f64) -> Reading {
    Reading { name, unit: Unit::Count, better: Better::Neither, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(readings: &[Reading], name: &str) -> Option<f64> {
        readings.iter().find(|reading| reading.name == name).map(|reading| reading.value)
    }

    #[test]
    fn growth_is_counted_after_the_first_third() {
        let fills: Vec<(f64, f64)> = (0..90).map(|at| (f64::from(at), f64::from(at.min(30)) * 100.0)).collect();
        let found = growth(&fills);
        assert_eq!(value(&found, "grown_bytes"), Some(0.0));
        assert_eq!(value(&found, "most_bytes"), Some(3_000.0));
        assert_eq!(value(&found, "pss_growth"), Some(0.0));
        let leaks: Vec<(f64, f64)> = (0..90).map(|at| (f64::from(at), f64::from(at) * 10.0)).collect();
        assert_eq!(value(&growth(&leaks), "grown_bytes"), Some(300.0));
        assert!((value(&growth(&leaks), "pss_growth").unwrap() - 10.0).abs() < 1e-9);
        assert_eq!(growth(&[]), []);
    }
}
