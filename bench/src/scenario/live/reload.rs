//! The edge reads its configuration again, several times a second, while it is as busy as it can be.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::beside::{self, Happened};
use super::{Bench, Live};
use crate::finding::{Better, ScenarioFinding, Unit};
use crate::load::{Exchange, Plan, Same};
use crate::measure::Latency;
use crate::scenario::BenchError;
use crate::scenario::measures::Reading;

const EVERY: Duration = Duration::from_millis(200);
const RELOAD: &str = "POST /reload HTTP/1.1\r\nhost: admin\r\ncontent-length: 0\r\n\r\n";

/// The scenario.
pub struct Reload;

impl Live for Reload {
    fn name(&self) -> &'static str {
        "reload"
    }

    fn title(&self) -> &'static str {
        "Reloads under load"
    }

    fn about(&self) -> &'static str {
        "The closed loop of the token gate, without (`still`) and with (`reloading`) a POST /reload on the admin listener five times a second. Each reload reads and checks the whole configuration and swaps it under the running requests; each answer is checked. Not a request may fail."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        beside::run(self, bench, "reloading", |bench, subject, plan| {
            let admin = bench.lab.system(subject.name).and_then(|system| system.running.admin());
            reload(plan, admin.ok_or(BenchError::NothingToMeasure)?)
        })
    }
}

/// Runs the plan, reloads meanwhile, and says how often and how long each reload took.
fn reload(plan: Plan<Same>, admin: SocketAddr) -> Result<Happened, BenchError> {
    let mut times = Latency::new().ok_or(BenchError::NothingToMeasure)?;
    let spawned = plan.spawn().map_err(BenchError::Thread)?;
    while !spawned.is_finished() {
        let begun = Instant::now();
        let answer = Exchange::new(admin).send(RELOAD.as_bytes());
        let answer = answer.map_err(|source| BenchError::Admin { admin, source })?;
        if answer.status != 200 {
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            return Err(BenchError::Admin { admin, source: io::Error::other(said) });
        }
        times.record(begun.elapsed());
        while !spawned.is_finished() && begun.elapsed() < EVERY {
            std::thread::sleep(EVERY / 20);
        }
    }
    Ok((spawned.join()?.0, notes(&times)))
}

fn notes(times: &Latency) -> Vec<Reading> {
    let count = Reading { name: "reloads", unit: Unit::Count, better: Better::Neither, value: times.count() as f64 };
    let took = times.quantile_us(0.5).map(|us| us as f64);
    let took = took.map(|value| Reading { name: "reload_p50_us", unit: Unit::Micros, better: Better::Lower, value });
    std::iter::once(count).chain(took).collect()
}
