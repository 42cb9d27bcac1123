//! The interleaved rounds of a quick run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::lab::{Lab, System};
use super::sample::{Sample, summarize};
use crate::load::Load;
use crate::measure::{Spread, thread_time_ns};
use crate::peers::HOST;
use crate::scenario::error::BenchError;
use crate::scenario::{Case, CaseFinding, Options};

/// Rounds that are made however slow the machine is, as long as there is any time left.
const LEAST_ROUNDS: u32 = 3;

/// Rounds over all systems, and what they have yielded so far.
pub struct Rounds<'a> {
    lab: &'a Lab,
    systems: &'a [System],
    options: &'a Options,
    begun: Instant,
    samples: BTreeMap<Case, Vec<Sample>>,
    ring_us: Vec<f64>,
    completed: u32,
}

impl<'a> Rounds<'a> {
    pub fn new(lab: &'a Lab, systems: &'a [System], options: &'a Options, begun: Instant) -> Self {
        Self { lab, systems, options, begun, samples: BTreeMap::new(), ring_us: Vec::new(), completed: 0 }
    }

    /// Measures until the rounds are done or the time is up.
    pub fn run(&mut self) -> Result<(), BenchError> {
        let mut longest = Duration::ZERO;
        for _ in 0..self.options.rounds {
            let left = self.left();
            if left.is_zero() || (self.completed >= LEAST_ROUNDS && left < longest) {
                break;
            }
            let begun = Instant::now();
            // Here and not at the start: on a busy machine signing takes long, and the time bounds the number of rounds.
            let new = self.lab.issuer.tokens(self.options.new_tokens)?;
            for system in self.systems {
                for (case, path) in &system.cases {
                    self.measure(system, *case, path, &new)?;
                }
            }
            self.verify_bare()?;
            self.completed += 1;
            longest = longest.max(begun.elapsed());
        }
        Ok(())
    }

    pub fn completed(&self) -> u32 {
        self.completed
    }

    /// Every measured case; one that failed too often is named in `without`.
    pub fn summary(&self, without: &mut BTreeMap<String, String>) -> (BTreeMap<Case, CaseFinding>, Option<Spread>) {
        let cases: BTreeMap<_, _> = self.samples.iter().map(|(case, samples)| (*case, summarize(samples))).collect();
        for (case, finding) in cases.iter().filter(|(_, finding)| finding.us.is_none()) {
            without.insert(case.name().to_owned(), format!("too many requests failed: {:?}", finding.failures));
        }
        (cases, Spread::of(&self.ring_us))
    }

    fn left(&self) -> Duration {
        self.options.limit.saturating_sub(self.begun.elapsed())
    }

    /// Warms connections and caches with every known token, then measures.
    fn measure(&mut self, system: &System, case: Case, path: &str, new: &[String]) -> Result<(), BenchError> {
        let warm = Load {
            target: system.running.address(),
            host: HOST,
            path,
            tokens: &self.lab.known,
            requests: self.lab.known.len() as u64,
            connections: self.options.connections,
            limit: self.left(),
        };
        warm.run().map_err(BenchError::Generator)?;
        let (tokens, requests) = match case {
            Case::EdgeNew => (new, new.len() as u64),
            _ => (self.lab.known.as_slice(), self.options.requests),
        };
        let sample = Sample::take(system, &Load { tokens, requests, limit: self.left(), ..warm })?;
        self.samples.entry(case).or_default().push(sample);
        Ok(())
    }

    /// What the arithmetic alone costs on this machine at this moment: the floor of a checked request.
    fn verify_bare(&mut self) -> Result<(), BenchError> {
        let time = || thread_time_ns().map_err(|source| BenchError::Accounting { pid: std::process::id(), source });
        let before = time()?;
        let verified = self.lab.known.iter().filter(|token| self.lab.issuer.verify_bare(token)).count();
        let spent = time()?.saturating_sub(before);
        if verified > 0 {
            self.ring_us.push(spent as f64 / 1000.0 / verified as f64);
        }
        Ok(())
    }
}
