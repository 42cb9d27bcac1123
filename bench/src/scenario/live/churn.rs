//! A new connection for each request: what accepting costs, plain and with TLS.

use std::net::SocketAddr;
use std::time::Duration;

use super::deployment::Deployment;
use super::subject::Subject;
use super::{Bench, Live, Steps, finding};
use crate::finding::ScenarioFinding;
use crate::load::{Plan, Protocol, Same, Target, Tls, Trust};
use crate::scenario::BenchError;
use crate::scenario::measures;
use crate::scenario::samples::Samples;

const SYSTEMS: [&str; 8] = [
    "tollgate",
    "tollgate_baseline",
    "nginx_plain",
    "haproxy_plain",
    "haproxy_jwt",
    "envoy_plain",
    "envoy_jwt",
    "envoy_jwt_cached",
];
const ROUNDS: u32 = 3;
const LENGTH: Duration = Duration::from_millis(600);
/// Each connection leaves its port behind for a minute; a machine has 28,000 of them for one server.
const CONNECTIONS: u64 = 4_000;
/// What a request may take beyond the end of its load.
const PATIENCE: Duration = Duration::from_secs(2);
/// Name in the certificate of the deployment's edge.
const SERVER_NAME: &str = "localhost";

/// The scenario.
pub struct Churn;

impl Live for Churn {
    fn name(&self) -> &'static str {
        "churn"
    }

    fn title(&self) -> &'static str {
        "A new connection for each request"
    }

    fn about(&self) -> &'static str {
        "The closed loop, each request on a connection of its own. The rows with TLS are Tollgate's own deployment (`tollgate up`): TLS 1.3 with an ECDSA P-256 certificate, sessions resumed where the client has one, HTTP/1.1 and HTTP/2; `plain, deployment` is the same edge without TLS."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let subjects = Subject::all(bench, &SYSTEMS)?;
        // Without it, the rows of the systems are still worth having.
        let deployment = match Deployment::take(bench) {
            Ok(deployment) => Some(deployment),
            Err(error) => {
                bench.lab.missing.insert("churn, TLS".into(), error.to_string());
                None
            }
        };
        let doors = deployment.as_ref().map(|deployment| Door::all(bench, deployment)).transpose()?;
        let doors: Vec<Door> = doors.into_iter().flatten().collect();
        let rounds = bench.repeats(ROUNDS);
        let count = (subjects.len() + doors.len()) * rounds as usize;
        let length = bench.slice(count, LENGTH);
        let mut steps = Steps::new(self.title(), count);
        let mut measures = measures::all();
        let plain = |subject: &Subject| Case {
            name: subject.name,
            title: subject.title,
            variant: "plain",
            pid: subject.pid,
            plan: subject.closed(length),
        };
        let tls = |door: Door| Case {
            name: "tollgate",
            title: "Tollgate",
            variant: door.variant,
            pid: door.pid,
            plan: Plan { duration: Some(length), limit: length + PATIENCE, ..door.plan },
        };
        let cases: Vec<Case> = subjects.iter().map(plain).chain(doors.into_iter().map(tls)).collect();
        let mut samples: Vec<Samples> = cases.iter().map(|_| Samples::default()).collect();
        for _ in 0..rounds {
            for (case, samples) in cases.iter().zip(&mut samples) {
                if bench.left().is_zero() {
                    continue;
                }
                steps.next(bench.progress, case.title);
                let (requests_per_connection, count) = (Some(1), case.plan.count.map(|count| count.min(CONNECTIONS)));
                let mut plan = Plan { requests_per_connection, count, ..case.plan.clone() };
                samples.take(case.pid, &mut measures, || Ok(plan.run()?))?;
            }
        }
        if let Some(deployment) = deployment {
            deployment.put_back(bench);
        }
        let rows = cases.iter().zip(&samples).map(|(case, samples)| samples.row(case.name, case.variant));
        Ok(ScenarioFinding { rows: rows.collect(), ..finding(self) })
    }
}

struct Case {
    name: &'static str,
    title: &'static str,
    variant: &'static str,
    pid: u32,
    plan: Plan<Same>,
}

/// A way into the deployment's edge.
struct Door {
    variant: &'static str,
    pid: u32,
    plan: Plan<Same>,
}

impl Door {
    fn all(bench: &Bench<'_>, deployment: &Deployment) -> Result<[Self; 3], BenchError> {
        let plain = deployment.closed_loop(bench)?;
        let authorities = deployment.authorities()?;
        let (pid, address) = (deployment.edge_pid(), deployment.edge_tls());
        let door = |variant, protocol| -> Result<Self, BenchError> {
            let target = tls_target(address, protocol, &authorities)?;
            Ok(Self { variant, pid, plan: Plan { target, ..plain.clone() } })
        };
        let http1 = door("TLS, HTTP/1.1", Protocol::Http1)?;
        let http2 = door("TLS, HTTP/2", Protocol::Http2)?;
        Ok([Self { variant: "plain, deployment", pid, plan: plain }, http1, http2])
    }
}

fn tls_target(address: SocketAddr, protocol: Protocol, authorities: &[u8]) -> Result<Target, BenchError> {
    let tls = Tls::new(SERVER_NAME, &Trust::Authorities(authorities.to_vec()), protocol)?;
    let host = format!("{SERVER_NAME}:{}", address.port());
    Ok(Target { address, host, protocol, tls: Some(tls) })
}
