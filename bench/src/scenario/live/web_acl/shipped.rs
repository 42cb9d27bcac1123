//! A whole rule set on JSON bodies of 1 KB, beside ModSecurity with the OWASP Core Rule Set.

use super::{Case, Wanted, browser, in_rounds, prove};
use crate::finding::{ScenarioFinding, Unit};
use crate::load::Same;
use crate::peers::{NginxModsecurity, NginxPlain, Peer, Running, TollgateAcl, Way};
use crate::scenario::lab::program;
use crate::scenario::live::{Bench, Live, finding};
use crate::scenario::shipped::web_acl;
use crate::scenario::{BenchError, Options, WAF_SHIPPED};

/// The scenario.
pub struct Shipped;

/// An order of 1,024 bytes that nobody should refuse.
const BODY: &str = include_str!("../../../../testdata/order_1k.json");
const PATH: &str = "/orders";
const ATTACK: &str = r#"{"note":"<script>alert(document.cookie)</script>","name":"' or 1=1 -- "}"#;

impl Live for Shipped {
    fn name(&self) -> &'static str {
        WAF_SHIPPED
    }

    fn title(&self) -> &'static str {
        "Rule set on a JSON body of 1 KB"
    }

    fn about(&self) -> &'static str {
        "POST with a JSON body of 1,024 bytes and a browser's fields, which every system passes on: through Tollgate without rules and with the web ACL that was named, or else with the rule group that comes with it, through nginx without ModSecurity and with it and the OWASP Core Rule Set at paranoia levels 1 and 2. over_plain is what the rules take beyond the same server without them in the same round, times_modsecurity all of Tollgate's processor time as a part of ModSecurity's at level 1."
    }

    fn run(&self, bench: &mut Bench<'_>) -> Result<ScenarioFinding, BenchError> {
        let mut systems = theirs(bench);
        let mut missing = Vec::new();
        match ours(bench.options) {
            Ok(system) => systems.insert(0, system),
            Err(error) => missing.push(("Tollgate", error)),
        }
        let (mut running, mut cases) = (Vec::new(), Vec::new());
        for (peer, variants) in systems {
            match start(bench, peer.as_ref()) {
                Ok(started) => {
                    for (variant, path) in variants {
                        cases.push(case(peer.as_ref(), variant, path, &started)?);
                    }
                    running.push(started);
                }
                Err(error) => missing.push((peer.about().title, error)),
            }
        }
        let named = |(name, error): (&str, BenchError)| (format!("{WAF_SHIPPED}, {name}"), error.to_string());
        bench.lab.missing.extend(missing.into_iter().map(named));
        if cases.is_empty() {
            return Err(BenchError::NothingToMeasure);
        }
        in_rounds(bench, self.title(), &mut cases, compare)?;
        Ok(ScenarioFinding { rows: cases.iter().map(Case::row).collect(), ..finding(self) })
    }
}

const PLAIN: &str = "without rules";
const RULED: &str = "rules";

/// A system with the name and the path of each of its rows.
type System = (Box<dyn Peer>, Vec<(&'static str, &'static str)>);

fn ours(options: &Options) -> Result<System, BenchError> {
    let rules = match &options.acl {
        None => web_acl(1),
        Some(path) => std::fs::read_to_string(path).map_err(|source| BenchError::File {
            action: "read the web ACL",
            path: path.clone(),
            source,
        })?,
    };
    let edge = TollgateAcl::new(program(options).map_err(BenchError::EdgeStart)?, rules);
    let way = |way| edge.path(way).ok_or(BenchError::NothingToMeasure);
    let variants = vec![(PLAIN, way(Way::Plain)?), (RULED, way(Way::Full)?)];
    Ok((Box::new(edge), variants))
}

fn theirs(bench: &Bench<'_>) -> Vec<System> {
    let all: [(Box<dyn Peer>, &'static str); 3] = [
        (Box::new(NginxPlain), PLAIN),
        (Box::new(NginxModsecurity::Level1), RULED),
        (Box::new(NginxModsecurity::Level2), RULED),
    ];
    let wanted = all.into_iter().filter(|(peer, _)| bench.options.peers.includes(peer.about().name));
    wanted.map(|(peer, variant)| (peer, vec![(variant, PATH)])).collect()
}

/// Starts it and has it prove itself.
fn start(bench: &mut Bench<'_>, peer: &dyn Peer) -> Result<Running, BenchError> {
    let running = bench.lab.start_beside(peer)?;
    let path = peer.path(Way::Full).unwrap_or(PATH);
    prove(running.address(), &order(path, BODY)?, Wanted::Passed)?;
    if peer.about().name != NginxPlain.about().name {
        prove(running.address(), &order(path, ATTACK)?, Wanted::Refused)?;
    }
    Ok(running)
}

fn case(peer: &dyn Peer, variant: &'static str, path: &str, running: &Running) -> Result<Case, BenchError> {
    let about = peer.about();
    let system = if peer.is_ours() { "tollgate" } else { about.name };
    Ok(Case::new([system, about.title, variant], running.pid(), running.address(), order(path, BODY)?))
}

fn order(path: &str, body: &'static str) -> Result<Same, BenchError> {
    let requests = Same::with_method("POST", path)?.header("Content-Type", "application/json")?;
    Ok(browser(requests)?.body(body))
}

/// Notes what rules take beyond the same server without them, and our part of ModSecurity's time.
fn compare(cases: &mut [Case]) {
    let last = |cases: &[Case], system: &str, variant: &str| {
        cases.iter().find(|case| case.system == system && case.variant == variant).and_then(Case::last)
    };
    let (ours, theirs) = (last(cases, "tollgate", PLAIN), last(cases, NginxPlain.about().name, PLAIN));
    let modsecurity = last(cases, NginxModsecurity::Level1.about().name, RULED);
    for case in cases.iter_mut().filter(|case| case.variant == RULED) {
        let own = case.system == "tollgate";
        let plain = if own { ours } else { theirs };
        let (over, times) = (case.last().zip(plain), case.last().zip(modsecurity));
        case.note("over_plain_us", Unit::MicrosPerRequest, over.map(|(ruled, plain)| ruled - plain));
        if own {
            case.note("times_modsecurity", Unit::Ratio, times.map(|(ours, theirs)| ours / theirs));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_has_the_promised_length_and_is_json() {
        assert_eq!(BODY.len(), 1024);
        assert!(serde_json::from_str::<serde_json::Value>(BODY).is_ok());
    }
}
