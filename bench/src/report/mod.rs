//! A report: one JSON object for programs, a table for people.

mod attacks;
mod budgets;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;

pub use self::attacks::AttacksReport;
use self::budgets::Budget;
use crate::measure::{Machine, Spread};
use crate::scenario::{Case, CaseFinding, Findings, Pinned};

/// Shape of the JSON; it grows, and never renames.
const SCHEMA: u32 = 1;

/// What `tollgate bench edge` prints. All times are microseconds of processor time of the proxy process a request.
#[derive(Debug, Serialize)]
pub struct Report {
    plain_us: Option<f64>,
    token_us: Option<f64>,
    known_us: Option<f64>,
    new_us: Option<f64>,
    ring_verify_us: Option<f64>,
    nginx_plain_us: Option<f64>,
    peers: BTreeMap<&'static str, Option<PeerFigure>>,
    schema: u32,
    tollgate: Build,
    machine: Machine,
    run: Run,
    cases: BTreeMap<&'static str, CaseFinding>,
    ring_verify: Option<Spread>,
    versions: BTreeMap<String, String>,
    without_figures: BTreeMap<String, String>,
    budgets: Vec<Budget>,
}

#[derive(Debug, Serialize)]
struct PeerFigure {
    us: f64,
}

/// What was built, and how.
#[derive(Debug, Serialize)]
struct Build {
    version: &'static str,
    commit: Option<String>,
    profile: &'static str,
}

/// How it was run.
#[derive(Debug, Serialize)]
struct Run {
    rounds: u32,
    connections: usize,
    known_tokens: usize,
    token_bytes: usize,
    workload: &'static str,
    upstream: &'static str,
    pinned: Option<Pinned>,
    seconds: f64,
}

impl Report {
    pub(crate) fn new(findings: Findings) -> Self {
        let us = |case| findings.cases.get(&case).and_then(|finding| finding.us).map(|us| us.median);
        let peer = |case: Case| (case.name(), us(case).map(|us| PeerFigure { us }));
        Self {
            plain_us: us(Case::EdgePlain),
            token_us: us(Case::EdgeToken),
            known_us: us(Case::EdgeKnown),
            new_us: us(Case::EdgeNew),
            ring_verify_us: findings.ring_verify_us.map(|us| us.median),
            nginx_plain_us: us(Case::NginxPlain),
            peers: BTreeMap::from([peer(Case::HaproxyJwt), peer(Case::EnvoyJwtCached)]),
            schema: SCHEMA,
            tollgate: Build::this(),
            run: Run {
                rounds: findings.rounds,
                connections: findings.connections,
                known_tokens: findings.known_tokens,
                token_bytes: findings.token_bytes,
                workload: "closed loop, HTTP/1.1 keep-alive; every request carries an RS256 token, plain passes too",
                upstream: "in the bench's own process, one thread, keep-alive, 11-byte answers",
                pinned: findings.pinned,
                seconds: findings.elapsed.as_secs_f64(),
            },
            budgets: budgets::all(us),
            cases: findings.cases.into_iter().map(|(case, finding)| (case.name(), finding)).collect(),
            ring_verify: findings.ring_verify_us,
            machine: findings.machine,
            versions: findings.versions,
            without_figures: findings.without,
        }
    }

    /// The whole report as one JSON object on one line.
    ///
    /// # Errors
    /// None that is known: the types hold nothing that JSON cannot.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table::write(self, f)
    }
}

impl Build {
    fn this() -> Self {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        Self { version: env!("CARGO_PKG_VERSION"), commit: commit(), profile }
    }
}

/// Named at build time by `TOLLGATE_COMMIT`, or asked of git while the source that this was built from is still there.
fn commit() -> Option<String> {
    if let Some(commit) = option_env!("TOLLGATE_COMMIT") {
        return Some(commit.to_owned());
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut git = Command::new("git");
    git.arg("-C").arg(source).args(["describe", "--always", "--dirty", "--exclude=*"]).stderr(Stdio::null());
    let output = git.output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    pub(super) fn findings() -> Findings {
        let case = |us| CaseFinding {
            us: Some(Spread { median: us, least: us - 1.0, greatest: us + 1.0 }),
            user_us: Some(us / 2.0),
            kernel_us: Some(us / 2.0),
            requests_per_second: Some(20_000.0),
            p50_us: Some(900.0),
            p99_us: Some(2000.0),
            generator_share: Some(0.4),
            requests: 60_000,
            failures: BTreeMap::from([("status_503".to_owned(), 2)]),
        };
        let figures = [
            (Case::EdgePlain, 16.0),
            (Case::EdgeToken, 18.0),
            (Case::EdgeKnown, 19.0),
            (Case::EdgeNew, 36.0),
            (Case::NginxPlain, 11.0),
            (Case::HaproxyJwt, 37.0),
        ];
        Findings {
            machine: Machine {
                cpu: "A CPU".into(),
                processors: 2,
                memory_bytes: Some(8 << 30),
                kernel: "Linux 6.1".into(),
                load_average: Some(0.1),
            },
            rounds: 5,
            connections: 32,
            known_tokens: 2000,
            token_bytes: 1005,
            pinned: Some(Pinned { measured: "0".into(), generator_and_upstream: "1".into() }),
            cases: figures.into_iter().map(|(name, us)| (name, case(us))).collect(),
            without: BTreeMap::from([("envoy_jwt_cached".to_owned(), "it is not installed".to_owned())]),
            versions: BTreeMap::from([("nginx_plain".to_owned(), "nginx version: nginx/1.22.1".to_owned())]),
            ring_verify_us: Some(Spread { median: 20.0, least: 19.0, greatest: 21.0 }),
            elapsed: Duration::from_secs(40),
        }
    }

    #[test]
    fn the_promised_keys_are_there_and_a_missing_peer_is_null() {
        let json: serde_json::Value = serde_json::from_str(&Report::new(findings()).to_json().unwrap()).unwrap();
        let promised = [
            ("plain_us", 16.0),
            ("token_us", 18.0),
            ("known_us", 19.0),
            ("new_us", 36.0),
            ("ring_verify_us", 20.0),
            ("nginx_plain_us", 11.0),
        ];
        for (key, value) in promised {
            assert_eq!(json[key], value, "{key}");
        }
        assert_eq!(json["peers"], serde_json::json!({"haproxy_jwt": {"us": 37.0}, "envoy_jwt_cached": null}));
        assert_eq!(json["without_figures"]["envoy_jwt_cached"], "it is not installed");
        assert_eq!(json["cases"]["edge_plain"]["failures"]["status_503"], 2);
        for key in ["tollgate", "machine", "run", "versions", "budgets", "schema"] {
            assert!(!json[key].is_null(), "{key}");
        }
    }

    #[test]
    fn without_nginx_its_figure_is_null() {
        let mut findings = findings();
        findings.cases.remove(&Case::NginxPlain);
        let json: serde_json::Value = serde_json::from_str(&Report::new(findings).to_json().unwrap()).unwrap();
        assert!(json["nginx_plain_us"].is_null());
        assert!(json.as_object().unwrap().contains_key("nginx_plain_us"));
    }
}
