//! A system as these scenarios load it: at rates that are counted from its own capacity.

use std::net::SocketAddr;
use std::time::Duration;

use super::Bench;
use crate::finding::ScenarioFinding;
use crate::load::{Arrival, Bearers, Plan, Requests, Same, Target};
use crate::peers::{HOST, Way};
use crate::scenario::BenchError;
use crate::scenario::lab::System;

/// Connections of the open loop for each of the closed one: a request that finds none free waits for it, which says nothing of the
/// system.
const SPARE: usize = 2;
/// What a request may take beyond the end of its load.
const PATIENCE: Duration = Duration::from_secs(2);
/// Length of a load at its rate before latency counts: meanwhile connections open, on both sides of a proxy. What that costs is
/// the scenario `churn`.
const WARM_UP: Duration = Duration::from_millis(300);
/// Requests of the closed loop that finds a capacity which the rounds have not found.
const CAPACITY_REQUESTS: u64 = 10_000;
/// In a slice at most so many requests for each of [`crate::scenario::Options::requests`], so that small runs stay small.
const REQUESTS_FACTOR: u64 = 10;

/// A system that is about to be loaded.
pub struct Subject {
    pub name: &'static str,
    pub title: &'static str,
    pub pid: u32,
    /// Successes a second in the closed loop.
    pub capacity: f64,
    plan: Plan<Same>,
}

impl Subject {
    /// Those of the named systems that were started, in this order, each warm.
    pub fn all(bench: &Bench<'_>, names: &[&str]) -> Result<Vec<Self>, BenchError> {
        let systems: Vec<&System> = names.iter().filter_map(|name| bench.lab.system(name)).collect();
        systems.into_iter().filter_map(|system| Self::of(bench, system).transpose()).collect()
    }

    /// Where it checks tokens it is asked to; `None` when it offers neither that nor a plain pass.
    fn of(bench: &Bench<'_>, system: &System) -> Result<Option<Self>, BenchError> {
        let ways = [(Way::Token, "token_gate"), (Way::Plain, "plain_pass")];
        let Some((path, steady)) = ways.into_iter().find_map(|(way, steady)| Some((system.path(way)?, steady))) else {
            return Ok(None);
        };
        let requests = Same::get(path)?.bearers(Bearers::new(&bench.lab.known)?);
        let mut plan = closed_loop(bench, system.running.address(), requests);
        let warm = plan.clone();
        Plan { count: Some(bench.lab.known.len() as u64), limit: bench.left(), ..warm.clone() }.run()?;
        let capacity = match capacity(bench.rounds, steady, system.name()) {
            Some(known) => known,
            None => {
                let count = Some(bench.options.requests.min(CAPACITY_REQUESTS));
                Plan { count, limit: bench.left(), ..warm }.run()?.per_second()
            }
        };
        plan.connections = bench.options.connections;
        let (name, title, pid) = (system.name(), system.title(), system.running.pid());
        Ok((capacity > 0.0).then_some(Self { name, title, pid, capacity, plan }))
    }

    /// So many requests under way at once, for so long.
    pub fn closed(&self, length: Duration) -> Plan<Same> {
        Plan { duration: Some(length), limit: length + PATIENCE, ..self.plan.clone() }
    }

    /// Independent arrivals at this rate, for so long; the same for the same seed.
    pub fn poisson(&self, rate: f64, length: Duration, seed: u64) -> Plan<Same> {
        open(self.plan.clone(), rate, length, seed)
    }
}

/// A closed loop at some address with the connections of this run, bounded in count.
pub fn closed_loop<R: Requests>(bench: &Bench<'_>, address: SocketAddr, requests: R) -> Plan<R> {
    let count = Some(bench.options.requests.saturating_mul(REQUESTS_FACTOR));
    let connections = bench.options.connections;
    Plan { connections, count, timeout: PATIENCE, ..Plan::new(Target::plain(address, HOST), requests) }
}

/// The plan with independent arrivals instead of its own.
pub fn open(plan: Plan<Same>, rate: f64, length: Duration, seed: u64) -> Plan<Same> {
    let arrival = Arrival::Poisson { rate, seed };
    let connections = plan.connections * SPARE;
    Plan { arrival, connections, duration: Some(length), limit: length + PATIENCE, ..plan }
}

/// The open load, after a warm-up at the same rate.
pub fn warmed_up(plan: Plan<Same>) -> Plan<Same> {
    let later = |time: Duration| time.saturating_add(WARM_UP);
    Plan { warm_up: WARM_UP, duration: plan.duration.map(later), limit: later(plan.limit), ..plan }
}

/// Successes a second that the rounds have found.
fn capacity(rounds: &[ScenarioFinding], steady: &str, system: &str) -> Option<f64> {
    let finding = rounds.iter().find(|finding| finding.name == steady)?;
    Some(finding.row(system)?.figure("per_second")?.spread.median)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::finding::{Better, Figure, Row, Unit};

    #[test]
    fn the_capacity_is_the_one_of_the_rounds() {
        let figure = Figure::of(Unit::PerSecond, Better::Higher, vec![10.0, 30.0, 20.0]).unwrap();
        let figures = BTreeMap::from([("per_second".to_owned(), figure)]);
        let row = Row { system: "a".into(), figures, ..Row::default() };
        let rounds = [ScenarioFinding { name: "token_gate".into(), rows: vec![row], ..ScenarioFinding::default() }];
        assert_eq!(capacity(&rounds, "token_gate", "a"), Some(20.0));
        assert_eq!(capacity(&rounds, "token_gate", "b"), None);
        assert_eq!(capacity(&rounds, "plain_pass", "a"), None);
    }
}
