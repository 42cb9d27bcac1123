//! An edge that knows a million revocations beside one that knows none: memory, lookups, how they get there, and what a restart and an
//! issuer that was away cost.

mod lookups;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::clock::{Clock, SystemClock};
use common::feed::{Change, Revoked};
use common::ids::PoolId;

use self::lookups::Lookups;
use super::fresh_edge::Edge;
use super::subject::closed_loop;
use super::{Bench, Live, Steps, finding};
use crate::feed::{FeedError, FeedIssuer};
use crate::finding::{Better, Row, ScenarioFinding, Unit};
use crate::load::{Bearers, Issuer, Plan, Same};
use crate::scenario::BenchError;
use crate::scenario::measures::{self, Reading};
use crate::scenario::samples::Samples;

const SYSTEM: &str = "tollgate";
/// Revocations that the edge misses while its issuer is away, or as many as it knows if those are fewer.
const MISSED: usize = 100_000;
/// How long the issuer is away: longer than an edge waits for a connection that has ended, shorter than its patience with old news.
const AWAY: Duration = Duration::from_secs(6);
const NEW_EDGES: u32 = 3;
const RESTARTS: u32 = 5;
const LOADS: u32 = 5;
const LOAD_LENGTH: Duration = Duration::from_millis(1_500);

/// The scenario.
pub struct ManyRevocations;

impl Live for ManyRevocations {
    fn name(&self) -> &'static str {
        "many_revocations"
    }

    fn title(&self) -> &'static str {
        "A million revocations"
    }

    fn about(&self) -> &'static str {
        "New edges, one that knows the revoked sessions of the run (`all`, 1,000,000) and one that knows none (`none`), are loaded in turn. first_answer_us: from the start of the process to its first request with a checked token; a new edge joins and receives everything before that. `each`: settled memory of the one less that of the other, by the number of revocations. `lookup`: single lookups in this process, in the tables that the edge uses, each with the reading of a clock; found names and others. `away`: the issuer leaves, 100,000 sessions are revoked, it comes back; caught_up_us is the time from its return to the refusal of the last of them. `from_disk`: the edge starts again while its issuer is away."
    }

    fn weight(&self) -> u32 {
        4
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let known = bench.lab.feed().state()?;
        let mut run = Run::new(bench, known.revoked().len())?;
        let mut found = finding(self);
        found.headline = "first_answer_us".into();
        run.steps.next(bench.progress, "lookups");
        found.rows.push(run.lookups(&Lookups::measure(known.revoked())));
        drop(known);
        let (none, all) = run.start(bench)?;
        found.rows.extend(run.load(bench, &none, &all)?);
        drop(none);
        found.rows.push(run.away(bench, &all)?);
        found.rows.push(run.start_from_disk(bench, all)?);
        Ok(found)
    }
}

/// What the parts of the scenario share.
struct Run {
    steps: Steps,
    /// The feed of an edge that knows nothing.
    empty: FeedIssuer,
    /// The sessions that are revoked when it begins.
    revoked: usize,
    /// A token that passes until the issuer was away.
    victim: String,
    none: Samples,
    all: Samples,
}

impl Run {
    fn new(bench: &Bench<'_>, revoked: usize) -> Result<Self, BenchError> {
        let issuer = &bench.lab.issuer;
        let empty = FeedIssuer::start(
            PoolId::parse(Issuer::POOL).map_err(FeedError::from)?,
            issuer.changes().map_err(FeedError::from)?,
        )?;
        let victim = issuer.tokens(1)?.pop().ok_or(BenchError::NothingToMeasure)?;
        let of = 1 + bench.repeats(NEW_EDGES) * 2 + 1 + bench.repeats(LOADS) * 2 + 1 + bench.repeats(RESTARTS);
        let steps = Steps::new("A million revocations", of as usize);
        Ok(Self { steps, empty, revoked, victim, none: Samples::default(), all: Samples::default() })
    }

    fn row(&self, mut samples: Samples, variant: &str) -> Row {
        samples.note(count("revocations", self.revoked));
        samples.row(SYSTEM, variant)
    }

    fn lookups(&self, lookups: &Lookups) -> Row {
        let mut samples = Samples::default();
        let mut note = |name, ns: f64| samples.note(micros(name, ns / 1e3));
        note("mean_us", lookups.mean_ns);
        for (name, at) in [("p50_us", 0.5), ("p99_us", 0.99)] {
            if let Some(ns) = lookups.quantile_ns(at) {
                note(name, ns as f64);
            }
        }
        samples.note(count("false_positives", lookups.false_positives));
        samples.note(count("missed_names", lookups.missed));
        self.row(samples, "lookup")
    }

    /// New edges one after the other; the last of each kind stays.
    fn start(&mut self, bench: &mut Bench<'_>) -> Result<(Edge, Edge), BenchError> {
        let mut last = None;
        for round in 0..bench.repeats(NEW_EDGES) {
            drop(last.take());
            self.steps.next(bench.progress, "a new edge without");
            let none = Edge::start(bench, &format!("many-none-{round}"), &self.empty, &self.victim)?;
            self.none.note(micros("first_answer_us", none.first_answer.as_secs_f64() * 1e6));
            self.steps.next(bench.progress, "a new edge with all");
            let all = Edge::start(bench, &format!("many-all-{round}"), bench.lab.feed(), &self.victim)?;
            self.all.note(micros("first_answer_us", all.first_answer.as_secs_f64() * 1e6));
            last = Some((none, all));
            if bench.left().is_zero() {
                break;
            }
        }
        last.ok_or(BenchError::TimeOver)
    }

    /// The same load on both in turn, and then their memory.
    fn load(&mut self, bench: &mut Bench<'_>, none: &Edge, all: &Edge) -> Result<Vec<Row>, BenchError> {
        let rounds = bench.repeats(LOADS);
        let length = bench.slice(rounds as usize * 4, LOAD_LENGTH);
        let requests = Same::get(all.path)?.bearers(Bearers::new(&bench.lab.known)?);
        let mut measures = measures::all();
        for round in 0..=rounds {
            for (edge, samples) in [(none, &mut self.none), (all, &mut self.all)] {
                let plan = closed_loop(bench, edge.running.address(), requests.clone());
                let limit = length + Duration::from_secs(2);
                let mut plan = Plan { duration: Some(length), limit, ..plan };
                if round == 0 {
                    plan.run()?; // warm: every token is known from here on
                    continue;
                }
                self.steps.next(bench.progress, "load");
                samples.take(edge.running.pid(), &mut measures, || Ok(plan.run()?))?;
            }
        }
        self.steps.next(bench.progress, "memory at rest");
        let (less, more) = (none.settled_memory()?, all.settled_memory()?);
        self.none.note(bytes("settled_bytes", less));
        self.all.note(bytes("settled_bytes", more));
        let mut each = Samples::default();
        each.note(bytes("taken_bytes", (more - less) / self.revoked.max(1) as f64));
        let (none, all) = (std::mem::take(&mut self.none), std::mem::take(&mut self.all));
        Ok(vec![none.row(SYSTEM, "none"), self.row(all, "all"), self.row(each, "each")])
    }

    fn away(&mut self, bench: &mut Bench<'_>, all: &Edge) -> Result<Row, BenchError> {
        self.steps.next(bench.progress, "the issuer is away");
        let feed = bench.lab.feed();
        let mut samples = Samples::default();
        feed.leave()?;
        let missed = MISSED.min(self.revoked.max(1));
        let session = |origin_jti| Change::Revoked(Revoked::Session { origin_jti });
        let others = (1..missed).map(|_| session(uuid::Uuid::now_v7().to_string()));
        feed.publish(others.chain([session(session_of(&self.victim)?)]), SystemClock.now())?;
        let begun = Instant::now();
        while begun.elapsed() < AWAY {
            // What it could not hear yet does not count; what it knows goes on.
            let passes = all.status(&self.victim)? == 200;
            samples.count(if passes { Ok(200) } else { Err("refused_while_away") });
            std::thread::sleep(AWAY / 20);
        }
        let back = feed.come_back()?;
        all.wait_for(401, &self.victim)?;
        samples.note(micros("caught_up_us", back.elapsed().as_secs_f64() * 1e6));
        samples.note(count("missed", missed));
        Ok(self.row(samples, "away"))
    }

    /// Ends the edge and starts it again, some times, while nobody answers it.
    fn start_from_disk(&mut self, bench: &mut Bench<'_>, all: Edge) -> Result<Row, BenchError> {
        let mut samples = Samples::default();
        let known = bench.lab.known.first().cloned().ok_or(BenchError::NothingToMeasure)?;
        let name = all.name.clone();
        bench.lab.feed().leave()?;
        let mut before = Some(all);
        for _ in 0..bench.repeats(RESTARTS) {
            self.steps.next(bench.progress, "start from disk");
            drop(before.take()); // a stop in good order
            let again = Edge::start(bench, &name, bench.lab.feed(), &known)?;
            samples.note(micros("first_answer_us", again.first_answer.as_secs_f64() * 1e6));
            samples.count(if again.status(&self.victim)? == 401 { Ok(401) } else { Err("forgotten") });
            before = Some(again);
        }
        drop(before);
        bench.lab.feed().come_back()?;
        Ok(self.row(samples, "from_disk"))
    }
}

/// The `origin_jti` of a token.
fn session_of(token: &str) -> Result<String, BenchError> {
    let odd = || BenchError::Stack("a token of the run names no session");
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).ok_or_else(odd)?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).map_err(|_| odd())?;
    claims.get("origin_jti").and_then(|id| id.as_str()).map(str::to_owned).ok_or_else(odd)
}

fn micros(name: &'static str, value: f64) -> Reading {
    Reading { name, unit: Unit::Micros, better: Better::Lower, value }
}

fn bytes(name: &'static str, value: f64) -> Reading {
    Reading { name, unit: Unit::Bytes, better: Better::Lower, value }
}

fn count(name: &'static str, value: usize) -> Reading {
    Reading { name, unit: Unit::Count, better: Better::Neither, value: value as f64 }
}
