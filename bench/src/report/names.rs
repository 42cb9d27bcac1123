//! Names of scenarios and systems that promises and comparisons are about. All else in a report goes by what the findings hold.

use crate::finding::{Figure, Findings};
use crate::measure::Spread;

pub const PLAIN_PASS: &str = "plain_pass";
pub const TOKEN_GATE: &str = "token_gate";
pub const PIPELINE: &str = "pipeline";
pub const WAF_30_RULES: &str = "waf_30_rules";
pub const WAF_SHIPPED: &str = "waf_shipped";
pub const NEVER_SEEN: &str = "never_seen";
pub const REVOCATIONS: &str = "revocations";
pub const MANY_REVOCATIONS: &str = "many_revocations";
pub const FLOODS: &str = "floods";

pub const TOLLGATE: &str = "tollgate";
pub const NGINX_PLAIN: &str = "nginx_plain";
pub const HAPROXY_JWT: &str = "haproxy_jwt";
pub const ENVOY_JWT_CACHED: &str = "envoy_jwt_cached";

pub const RING_VERIFY: &str = "ring_rs256_verify";

pub const CPU: &str = "cpu_us";
pub const P99: &str = "p99_us";

/// Processor time a request of a system in a scenario.
pub fn cpu<'a>(findings: &'a Findings, scenario: &str, system: &str) -> Option<&'a Figure> {
    findings.scenario(scenario)?.row(system)?.figure(CPU)
}

/// What every processor time is put in relation to: nginx's plain pass of the same run.
pub fn nginx_plain(findings: &Findings) -> Option<&Figure> {
    cpu(findings, PLAIN_PASS, NGINX_PLAIN)
}

/// Load generator's and upstream's part of all processor time, over all rows.
pub fn generator_share(findings: &Findings) -> Option<Spread> {
    let rows = findings.scenarios.iter().flat_map(|scenario| &scenario.rows);
    let shares: Vec<f64> = rows.filter_map(|row| Some(row.figure("generator_share")?.spread.median)).collect();
    Spread::of(&shares)
}
