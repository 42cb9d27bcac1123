//! The report of what tokens cost an issuer: one JSON object for programs, a table for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::finding::{Budget, Figure, Limit, Unit, Verdict};
use crate::measure::{Build, Machine, Spread};
use crate::scenario::oauth::{CLIENT_ES256, CLIENT_RS256, CODE_FLOW, Findings, Load, PEER, REFRESH};

/// Shape of the JSON; it grows, and never renames.
const SCHEMA: u32 = 1;
const RS256: &str = "issuer_rs256_sign";
const ARGON2ID: &str = "argon2id";
/// 80 % of what the bare signature allows.
const OVER_SIGNING: f64 = 1.25;
/// 5,000 a second.
const ES256_US: f64 = 200.0;
const OVER_HASHING: f64 = 1.1;

/// What `tollgate bench oauth` prints.
#[derive(Debug, Serialize)]
pub struct OauthReport {
    schema: u32,
    tollgate: Build,
    machine: Machine,
    /// The core of everything that is measured.
    core: Option<String>,
    rounds: u32,
    seconds: f64,
    limits: Vec<Limit>,
    loads: BTreeMap<&'static str, Cost>,
    /// The compared product.
    peer: Option<Peer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_missing: Option<String>,
    budgets: Vec<Budget>,
}

#[derive(Debug, Serialize)]
struct Cost {
    cpu_us: Option<Figure>,
    /// Requests, or whole sign-ins, that one core has time for, by `cpu_us`.
    per_core: Option<f64>,
    /// As it went on that core.
    per_second: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    succeeded: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct Peer {
    version: String,
    #[serde(flatten)]
    cost: Cost,
}

impl OauthReport {
    pub(crate) fn new(findings: Findings) -> Self {
        let budgets = budgets(&findings);
        let Findings { machine, core, rounds, limits, mut loads, peer, elapsed } = findings;
        let cost = loads.remove(PEER);
        let (peer, peer_missing) = match peer {
            Ok(version) => (cost.map(|load| Peer { version, cost: Cost::new(&load) }), None),
            Err(why) => (None, Some(why)),
        };
        Self {
            schema: SCHEMA,
            tollgate: Build::this(),
            machine,
            core,
            rounds,
            seconds: elapsed.as_secs_f64(),
            limits,
            loads: loads.iter().map(|(name, load)| (*name, Cost::new(load))).collect(),
            peer,
            peer_missing,
            budgets,
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

impl Cost {
    fn new(load: &Load) -> Self {
        let median = |values: &[f64]| Spread::of(values).map(|spread| spread.median);
        let cpu_us = load.cpu();
        Self {
            per_core: cpu_us.as_ref().map(|figure| 1_000_000.0 / figure.spread.median.max(0.001)),
            cpu_us,
            per_second: median(&load.per_second),
            p50_ms: median(&load.p50_ms),
            p99_ms: median(&load.p99_ms),
            succeeded: load.succeeded,
            failed: load.failed,
        }
    }
}

/// What was promised, each a ratio within the rounds of the run.
fn budgets(found: &Findings) -> Vec<Budget> {
    let cpu = |name| found.loads.get(name).and_then(Load::cpu);
    let bare = |name| found.limits.iter().find(|limit| limit.name == name).map(|limit| limit.figure.clone());
    let over = |load, under: Option<Figure>| cpu(load).zip(under).and_then(|(load, under)| load.ratio(&under));
    let two_signatures = bare(RS256)
        .and_then(|figure| Figure::of(figure.unit, figure.better, figure.rounds.iter().map(|us| us * 2.0).collect()));
    let ratio = |promise, figure, limit| budget(promise, Unit::Ratio, figure, limit);
    vec![
        ratio(
            "client credentials, RS256: at most 1.25 × a bare signature (80 % of what signing allows)",
            over(CLIENT_RS256, bare(RS256)),
            OVER_SIGNING,
        ),
        ratio("client credentials, RS256: less than node oidc-provider in memory", over(CLIENT_RS256, cpu(PEER)), 1.0),
        budget(
            "client credentials, ES256: at least 5,000 a second a core",
            Unit::MicrosPerRequest,
            cpu(CLIENT_ES256).map(|figure| figure.spread.median),
            ES256_US,
        ),
        ratio("refresh, RS256: at most 1.25 × its two bare signatures", over(REFRESH, two_signatures), OVER_SIGNING),
        ratio("code flow through the form: at most 1.1 × Argon2id", over(CODE_FLOW, bare(ARGON2ID)), OVER_HASHING),
    ]
}

fn budget(promise: &str, unit: Unit, figure: Option<f64>, limit: f64) -> Budget {
    let verdict = match figure {
        None => Verdict::Unknown,
        Some(figure) if figure <= limit => Verdict::Met,
        Some(_) => Verdict::Missed,
    };
    Budget { promise: promise.to_owned(), unit, figure, limit: Some(limit), verdict }
}

impl fmt::Display for OauthReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build, machine) = (&self.tollgate, &self.machine);
        let commit = build.commit.as_deref().unwrap_or("unknown commit");
        let load = machine.load_average.map_or_else(|| "unknown".into(), |load| format!("{load:.2}"));
        writeln!(f, "tollgate bench {} ({commit}, {} build)", build.version, build.profile)?;
        writeln!(f, "{}, {} processors, {}, load {load} before", machine.cpu, machine.processors, machine.kernel)?;
        let core = self.core.as_ref().map_or_else(|| "not kept to one".into(), |core| format!("processor {core}"));
        writeln!(f, "{} rounds, SQLite, all that is measured on one core ({core})", self.rounds)?;
        writeln!(f, "\nalone, µs of processor time")?;
        for limit in &self.limits {
            writeln!(f, "  {:<42} {}", limit.title, range(&limit.figure))?;
        }
        writeln!(f, "\na request (code_flow: a sign-in of four), µs of processor time")?;
        let peer = self.peer.as_ref().map(|peer| (PEER, &peer.cost));
        for (name, cost) in self.loads.iter().map(|(name, cost)| (*name, cost)).chain(peer) {
            write!(f, "  {name:<26} {}", cost.cpu_us.as_ref().map_or_else(|| "–".into(), range))?;
            let (per_core, p99) = (cost.per_core.unwrap_or(0.0), cost.p99_ms.unwrap_or(0.0));
            write!(f, "  {per_core:>7.0} a second a core  p99 {p99:>6.1} ms")?;
            writeln!(f, "{}", if cost.failed > 0 { format!("  {} failed", cost.failed) } else { String::new() })?;
        }
        match (&self.peer, &self.peer_missing) {
            (Some(peer), _) => writeln!(f, "  {PEER}: {}", peer.version)?,
            (None, why) => writeln!(f, "  {PEER}: not measured: {}", why.as_deref().unwrap_or("it answered nothing"))?,
        }
        writeln!(f)?;
        for Budget { promise, unit, figure, limit, verdict } in &self.budgets {
            let said = |value: &Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.2} {unit}"));
            writeln!(f, "  {promise}: {} (at most {}): {}", said(figure), said(limit), verdict.word())?;
        }
        Ok(())
    }
}

fn range(figure: &Figure) -> String {
    let Spread { median, least, greatest } = figure.spread;
    format!("{median:>9.1} ({least:.1}–{greatest:.1})")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::finding::Better;

    fn limit(name: &str, us: f64) -> Limit {
        let figure = Figure::of(Unit::MicrosPerOperation, Better::Lower, vec![us, us]).unwrap();
        Limit { name: name.into(), title: name.into(), figure }
    }

    fn load(us: f64) -> Load {
        Load { cpu_us: vec![us, us], succeeded: 10, ..Load::default() }
    }

    fn findings() -> Findings {
        Findings {
            machine: Machine::read(),
            core: Some("0".into()),
            rounds: 2,
            limits: vec![limit(RS256, 500.0), limit(ARGON2ID, 15_000.0)],
            loads: BTreeMap::from([
                (CLIENT_RS256, load(600.0)),
                (CLIENT_ES256, load(250.0)),
                (REFRESH, load(1_300.0)),
                (CODE_FLOW, load(16_000.0)),
            ]),
            peer: Err("it is not installed".into()),
            elapsed: Duration::from_secs(1),
        }
    }

    #[test]
    fn verdicts_follow_from_the_figures_and_a_missing_peer_is_null() {
        let report = OauthReport::new(findings());
        let verdicts: Vec<_> = report.budgets.iter().map(|budget| budget.verdict).collect();
        assert_eq!(verdicts, [Verdict::Met, Verdict::Unknown, Verdict::Missed, Verdict::Missed, Verdict::Met]);
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert_eq!((&json["peer"], &json["peer_missing"]), (&serde_json::Value::Null, &"it is not installed".into()));
        assert_eq!(json["loads"][CLIENT_ES256]["per_core"], 4_000.0);
        let text = report.to_string();
        assert!(text.contains("not measured: it is not installed") && text.contains(": missed"), "{text}");
    }

    #[test]
    fn a_peer_that_was_measured_is_judged_and_not_among_ours() {
        let mut found = findings();
        found.loads.insert(PEER, load(590.0));
        found.peer = Ok("oidc-provider 9".into());
        let report = OauthReport::new(found);
        assert_eq!(report.budgets[1].verdict, Verdict::Missed);
        assert!(!report.loads.contains_key(PEER));
        assert_eq!(report.peer.unwrap().version, "oidc-provider 9");
    }
}
