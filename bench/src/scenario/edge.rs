//! `bench edge`: the interleaved rounds, the scenarios that run by themselves, and what both have found.

use std::time::Instant;

use common::clock::{Clock, SystemClock};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::lab::Lab;
use super::live::{self, Bench, Live};
use super::progress::{Progress, Step};
use super::rounds::Rounds;
use super::steady::{self, Steady};
use super::{BenchError, Options};
use crate::finding::{Build, Findings, Run, SCHEMA, ScenarioFinding};
use crate::measure::Machine;

/// Share of the time that the interleaved rounds may take when there is something after them.
const ROUNDS_SHARE: f64 = 0.55;
const WORKLOAD: &str = "HTTP/1.1, keep-alive, GET, every request with an RS256 token; closed loop from one thread; upstream in the \
                        generator's process, 11-byte answers";

/// Every scenario by name, with what it does, in the order of a report.
pub fn list() -> Vec<(&'static str, &'static str)> {
    let steady = steady::ALL.iter().map(|scenario| (scenario.name(), scenario.about()));
    steady.chain(live::ALL.iter().map(|scenario| (scenario.name(), scenario.about()))).collect()
}

/// Starts everything, measures, ends everything.
///
/// # Errors
/// When the edge can't be started or does not do its work, or this machine lacks what a measurement needs.
pub fn run(options: &Options, progress: &mut dyn Progress) -> Result<Findings, BenchError> {
    let begun = Instant::now();
    options.check()?;
    let steady: Vec<&'static dyn Steady> =
        steady::ALL.into_iter().filter(|scenario| options.scenarios.includes(scenario.name())).collect();
    let live: Vec<&'static dyn Live> =
        live::ALL.into_iter().filter(|scenario| options.scenarios.includes(scenario.name())).collect();
    let known: Vec<&str> = list().into_iter().map(|(name, _)| name).collect();
    if let Some(name) = options.scenarios.unknown(&known) {
        return Err(BenchError::UnknownScenario { name: name.into(), known: known.join(", ") });
    }
    let machine = Machine::read();
    let started_at = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
    let mut lab = Lab::prepare(options, SystemClock.now(), progress)?;

    // Installing takes its time from that of the run, but half of it at most: a run without rounds would say nothing.
    let end = (begun + options.limit).max(Instant::now() + options.limit / 2);
    let left = end.saturating_duration_since(Instant::now());
    let rounds_limit = if live.is_empty() { left } else { left.mul_f64(ROUNDS_SHARE) };
    let mut limits = lab.prepare_limits(options)?;
    let mut rounds = Rounds::new(&lab, &steady, options, rounds_limit);
    rounds.run(progress, || Ok(limits.sample()?))?;
    let (completed, memory) = (rounds.completed(), rounds.memory());
    let mut scenarios = rounds.findings();
    if let Some(first) = scenarios.first_mut() {
        first.series = memory;
    }
    let steady_findings = scenarios.clone();
    let mut deployment = None;
    let weights: Vec<u32> = live.iter().map(|scenario| scenario.weight()).collect();
    for (index, scenario) in live.iter().enumerate() {
        progress.step(Step { what: scenario.title(), system: "", number: index + 1, of: live.len() });
        let left = end.saturating_duration_since(Instant::now());
        let end = Instant::now() + live::share(left, weights.get(index..).unwrap_or_default());
        let (rounds, deployment) = (steady_findings.as_slice(), &mut deployment);
        let mut bench = Bench { lab: &mut lab, options, rounds, end, progress, deployment };
        match run_live(*scenario, &mut bench) {
            Ok(finding) => scenarios.push(finding),
            Err(error) => drop(lab.missing.insert(scenario.name().to_owned(), error.to_string())),
        }
    }
    drop(deployment);
    if options.stop.is_wanted() {
        return Err(BenchError::Interrupted);
    }
    Ok(Findings {
        schema: SCHEMA,
        command: "edge".into(),
        tollgate: Build::this(),
        machine,
        run: Run {
            started_at,
            seconds: begun.elapsed().as_secs_f64(),
            rounds: completed,
            connections: options.connections,
            known_tokens: lab.known.len(),
            token_bytes: lab.known.first().map_or(0, String::len),
            workload: WORKLOAD.into(),
            pinned: lab.pinned(),
        },
        systems: lab.findings(),
        limits: limits.found(),
        scenarios,
        budgets: Vec::new(),
        missing: lab.missing.clone(),
    })
}

fn run_live(scenario: &dyn Live, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
    if bench.left().is_zero() {
        return Err(BenchError::TimeOver);
    }
    scenario.run(bench)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::scenario::{Choice, Installing, Pinning, Quiet};

    fn small() -> Options {
        let command = ["sh", "-c", "echo no such setting >&2; exit 64"].map(OsString::from).to_vec();
        let (pinning, installing) = (Pinning::Off, Installing::Off);
        Options {
            edge_command: Some(command),
            rounds: 1,
            known_tokens: 2,
            new_tokens: 1,
            revocations: 3,
            pinning,
            installing,
            ..Options::quick()
        }
    }

    #[test]
    fn an_edge_that_does_not_start_is_an_error_with_its_words() {
        let error = run(&small(), &mut Quiet).unwrap_err();
        assert!(matches!(error, BenchError::EdgeStart(_)), "{error}");
        assert!(error.to_string().contains("no such setting"), "{error}");
    }

    #[test]
    fn an_unknown_scenario_is_named_beside_the_known_ones() {
        let options = Options { scenarios: Choice::of(["plain_pas".to_owned()]), ..small() };
        let text = run(&options, &mut Quiet).unwrap_err().to_string();
        assert!(text.contains("plain_pas") && text.contains("token_gate"), "{text}");
    }
}
