//! Interleaved rounds: every system under every steady scenario, once a round (A B C, A B C).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::lab::{Lab, System};
use super::measures::{self, Measure};
use super::progress::{Progress, Step};
use super::samples::Samples;
use super::steady::{Steady, Supply};
use super::{BenchError, Options};
use crate::finding::{ScenarioFinding, Series, Unit};
use crate::load::{Bearers, Plan, Same, Target};
use crate::peers::HOST;

/// Rounds that are made however slow the machine is, as long as there is any time left.
const LEAST_ROUNDS: u32 = 3;
/// Time for one system under one scenario in one round: a slow one answers fewer requests instead of taking longer.
const CASE_LIMIT: Duration = Duration::from_millis(1500);
/// In the mix, one request of so many carries a new token.
const NEW_IN: usize = 20;

/// Rounds over all systems, and what they have yielded so far.
pub struct Rounds<'a> {
    lab: &'a Lab,
    scenarios: &'a [&'static dyn Steady],
    options: &'a Options,
    begun: Instant,
    limit: Duration,
    measures: Vec<Box<dyn Measure>>,
    samples: BTreeMap<(&'static str, &'static str), Samples>,
    memory: BTreeMap<&'static str, Vec<(f64, f64)>>,
    completed: u32,
}

/// Tokens of one round.
struct Tokens {
    new: Vec<String>,
    mixed: Vec<String>,
}

impl<'a> Rounds<'a> {
    /// At most `limit` from now on.
    pub fn new(lab: &'a Lab, scenarios: &'a [&'static dyn Steady], options: &'a Options, limit: Duration) -> Self {
        let (samples, memory) = (BTreeMap::new(), BTreeMap::new());
        let begun = Instant::now();
        Self { lab, scenarios, options, begun, limit, measures: measures::all(), samples, memory, completed: 0 }
    }

    /// Measures until the rounds are done or the time is up. `between` is called once a round.
    pub fn run(
        &mut self,
        progress: &mut dyn Progress,
        mut between: impl FnMut() -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        let mut longest = Duration::ZERO;
        for round in 1..=self.options.rounds {
            let left = self.left();
            if left.is_zero() || (self.completed >= LEAST_ROUNDS && left < longest) {
                break;
            }
            let begun = Instant::now();
            self.round(round, progress)?;
            between()?;
            self.completed += 1;
            longest = longest.max(begun.elapsed());
        }
        Ok(())
    }

    pub fn completed(&self) -> u32 {
        self.completed
    }

    /// One finding a scenario, in their order; rows in the order of the systems.
    pub fn findings(&self) -> Vec<ScenarioFinding> {
        self.scenarios.iter().map(|scenario| self.finding(*scenario)).collect()
    }

    /// Memory of every system over the rounds, in seconds since they began.
    pub fn memory(&self) -> Vec<Series> {
        let series = |system: &System| {
            let points = self.memory.get(system.name())?.clone();
            Some(Series { system: system.name().into(), measure: "pss_bytes".into(), unit: Unit::Bytes, points })
        };
        self.lab.systems.iter().filter_map(series).collect()
    }

    fn finding(&self, scenario: &dyn Steady) -> ScenarioFinding {
        let row = |system: &System| {
            let samples = self.samples.get(&(scenario.name(), system.name()))?;
            Some(samples.row(system.name(), ""))
        };
        ScenarioFinding {
            name: scenario.name().into(),
            title: scenario.title().into(),
            about: scenario.about().into(),
            rows: self.lab.systems.iter().filter_map(row).collect(),
            ..ScenarioFinding::default()
        }
    }

    fn round(&mut self, round: u32, progress: &mut dyn Progress) -> Result<(), BenchError> {
        let (lab, scenarios) = (self.lab, self.scenarios);
        let mut cases = Vec::new();
        for system in &lab.systems {
            cases.extend(
                scenarios.iter().filter_map(|scenario| Some((*scenario, system, system.path(scenario.way())?))),
            );
        }
        // Here and not at the start of the run: on a busy machine signing takes long, and the time bounds the number of rounds.
        let tokens = self.tokens()?;
        let of = cases.len() * self.options.rounds as usize;
        let done = cases.len() * (round as usize).saturating_sub(1);
        for (index, (scenario, system, path)) in cases.into_iter().enumerate() {
            if self.left().is_zero() {
                return Ok(());
            }
            progress.step(Step { what: scenario.title(), system: system.title(), number: done + index + 1, of });
            self.measure(scenario, system, path, &tokens)?;
        }
        Ok(())
    }

    /// The tokens of a round, new to every system, as far as a scenario wants them.
    fn tokens(&self) -> Result<Tokens, BenchError> {
        let wanted = |supply| self.scenarios.iter().any(|scenario| scenario.supply() == supply);
        let (mut new, mut mixed) = (Vec::new(), Vec::new());
        if wanted(Supply::New) {
            new = self.lab.issuer.tokens(self.options.new_tokens)?;
        }
        if wanted(Supply::MostlyKnown) {
            let requests = usize::try_from(self.options.requests).unwrap_or(usize::MAX).min(Options::TOKEN_LIMIT);
            let mut fresh = self.lab.issuer.tokens(requests.div_ceil(NEW_IN))?.into_iter();
            let mut again = self.lab.known.iter().cycle();
            for number in 0..requests {
                mixed.extend(if number.is_multiple_of(NEW_IN) { fresh.next() } else { again.next().cloned() });
            }
        }
        Ok(Tokens { new, mixed })
    }

    fn measure(
        &mut self,
        scenario: &dyn Steady,
        system: &System,
        path: &'static str,
        tokens: &Tokens,
    ) -> Result<(), BenchError> {
        let known = Same::get(path)?.bearers(Bearers::new(&self.lab.known)?);
        let target = Target::plain(system.running.address(), HOST);
        let plan =
            Plan { connections: self.options.connections, limit: self.left(), ..Plan::new(target, known.clone()) };
        Plan { count: Some(self.lab.known.len() as u64), ..plan.clone() }.run()?;
        let (requests, count) = match scenario.supply() {
            Supply::Known => (known, self.options.requests),
            Supply::New => (known.bearers(Bearers::new(&tokens.new)?), tokens.new.len() as u64),
            Supply::MostlyKnown => (known.bearers(Bearers::new(&tokens.mixed)?), tokens.mixed.len() as u64),
        };
        let mut plan = Plan { requests, count: Some(count), duration: Some(CASE_LIMIT), limit: self.left(), ..plan };
        let samples = self.samples.entry((scenario.name(), system.name())).or_default();
        samples.take(system.running.pid(), &mut self.measures, || Ok(plan.run()?))?;
        if let Some(bytes) = samples.last("pss_bytes") {
            self.memory.entry(system.name()).or_default().push((self.begun.elapsed().as_secs_f64(), bytes));
        }
        Ok(())
    }

    fn left(&self) -> Duration {
        self.options.stop.or(self.limit.saturating_sub(self.begun.elapsed()))
    }
}
