//! What a web ACL costs: one of thirty rules in the whole pipeline, and a whole rule set beside ModSecurity's.

mod shipped;
mod thirty_rules;

use std::net::SocketAddr;
use std::time::Duration;

pub use shipped::Shipped;
pub use thirty_rules::ThirtyRules;

use super::{Bench, Steps};
use crate::finding::{Better, Row, Unit};
use crate::load::{Failure, Plan, Same, Target};
use crate::peers::HOST;
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const ROUNDS: u32 = 7;
const LENGTH: Duration = Duration::from_millis(1500);
/// What a request may take beyond the end of its load.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time that a system has from its start to the answer that is asked for.
const READY_LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
/// Length of a load before it counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// One system with one path: a row.
struct Case {
    system: &'static str,
    title: &'static str,
    variant: &'static str,
    pid: u32,
    plan: Plan<Same>,
    samples: Samples,
}

impl Case {
    fn new(names: [&'static str; 3], pid: u32, address: SocketAddr, requests: Same) -> Self {
        let [system, title, variant] = names;
        let plan = Plan::new(Target::plain(address, HOST), requests);
        Self { system, title, variant, pid, plan, samples: Samples::default() }
    }

    /// The latest processor time a request.
    fn last(&self) -> Option<f64> {
        self.samples.last("cpu_us")
    }

    fn note(&mut self, name: &'static str, unit: Unit, value: Option<f64>) {
        if let Some(value) = value {
            self.samples.note(Reading { name, unit, better: Better::Lower, value });
        }
    }

    fn row(&self) -> Row {
        self.samples.row(self.system, self.variant)
    }
}

/// Measures all cases in turn, round by round; `compare` notes after each round what one has beyond another.
fn in_rounds(
    bench: &mut Bench<'_>,
    title: &'static str,
    cases: &mut [Case],
    mut compare: impl FnMut(&mut [Case]),
) -> Result<(), BenchError> {
    let rounds = bench.repeats(ROUNDS);
    let count = cases.len() * rounds as usize;
    let length = bench.slice(count, LENGTH);
    let mut steps = Steps::new(title, count);
    let mut measures = measures::all();
    for _ in 0..rounds {
        if bench.left().is_zero() {
            return Ok(());
        }
        for case in &mut *cases {
            steps.next(bench.progress, case.title);
            let plan = Plan {
                connections: bench.options.connections,
                duration: Some(length),
                limit: length + PATIENCE,
                ..case.plan.clone()
            };
            Plan { duration: Some(WARM_UP), ..plan.clone() }.run()?;
            let mut plan = Plan { count: Some(bench.options.requests), ..plan };
            case.samples.take(case.pid, &mut measures, || Ok(plan.run()?))?;
        }
        compare(cases);
    }
    Ok(())
}

/// What a system must answer before it is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Passed,
    Refused,
}

/// Asks until an honest request passes; an attack must be refused at once.
fn prove(address: SocketAddr, requests: &Same, wanted: Wanted) -> Result<(), BenchError> {
    let begun = std::time::Instant::now();
    loop {
        let plan =
            Plan { count: Some(1), limit: PATIENCE, ..Plan::new(Target::plain(address, HOST), requests.clone()) };
        let found = { plan }.run()?.failures.into_keys().next();
        match (wanted, found) {
            (Wanted::Passed, None) | (Wanted::Refused, Some(Failure::Status(403))) => return Ok(()),
            (Wanted::Passed, Some(_)) if begun.elapsed() < READY_LIMIT => std::thread::sleep(POLL),
            (Wanted::Passed, Some(failure)) => return Err(BenchError::HonestRefused(failure)),
            (Wanted::Refused, failure) => {
                let answer = failure.map_or_else(|| "status_200".to_owned(), |failure| failure.to_string());
                return Err(BenchError::AttackPassed(answer));
            }
        }
    }
}

/// The fields of a browser's request.
fn browser(requests: Same) -> Result<Same, BenchError> {
    let fields = [
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"),
        ("Accept", "application/json, text/plain, */*"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Referer", "https://app.bench.test/orders"),
        ("Cookie", "session=c2Vzc2lvbi0wMDAwMDAwMDAwMDAwMDAw; theme=dark; lang=en"),
    ];
    fields.into_iter().try_fold(requests, |requests, (name, value)| Ok(requests.header(name, value)?))
}
