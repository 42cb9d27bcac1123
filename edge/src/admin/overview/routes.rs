//! Routes, where they lead, and what became of their requests.

use std::collections::HashMap;
use std::time::Duration;

use common::claims::TokenUse;
use common::reject::Reject;
use serde::Serialize;

use crate::admin::readiness;
use crate::snapshot::Snapshot;
use crate::snapshot::meter::Reading;
use crate::snapshot::route::{HostPattern, PathPattern, Route, Stale, TokenRule};
use crate::snapshot::upstream::{ServerView, View};

/// One route, in the order in which they are tried. Counts are those of its name, which several routes may share.
#[derive(Debug, Serialize)]
pub struct RouteLine {
    pub name: String,
    pub host: String,
    pub path: String,
    /// Empty: any.
    pub methods: Vec<String>,
    pub upstream: String,
    /// What a request must bring.
    pub asks: Vec<String>,
    pub requests: u64,
    pub refused: u64,
    /// Answered by 5xx.
    pub failed: u64,
    pub p50_millis: Option<f64>,
    pub p99_millis: Option<f64>,
    /// Until the head of the upstream's answer.
    pub first_byte_p50_millis: Option<f64>,
    pub first_byte_p99_millis: Option<f64>,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct RefusalLine {
    pub reason: &'static str,
    pub description: &'static str,
    pub status: u16,
    pub count: u64,
}

#[derive(Debug, Serialize)]
pub struct UpstreamLine {
    pub name: String,
    /// Without a healthy server of it the edge is not ready.
    pub required: bool,
    /// None: no name of it has an address.
    pub servers: Vec<ServerLine>,
}

#[derive(Debug, Serialize)]
pub struct ServerLine {
    pub address: String,
    /// The name that certificates are asked for.
    pub host: String,
    /// `healthy`, `down` (checks fail) or `ejected` (requests failed). One that nobody checks is healthy.
    pub health: &'static str,
    /// Counted only where the upstream's settings need it.
    pub in_flight: usize,
}

pub fn lines(snapshot: &Snapshot, readings: &HashMap<String, Reading>) -> Vec<RouteLine> {
    let nothing = Reading::default();
    let line = |route: &Route| line(route, snapshot, readings.get(&*route.name).unwrap_or(&nothing));
    snapshot.routes.routes.iter().map(|route| line(route)).collect()
}

fn line(route: &Route, snapshot: &Snapshot, reading: &Reading) -> RouteLine {
    let millis = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1000.0);
    RouteLine {
        name: route.name.to_string(),
        host: host(&route.host),
        path: path(&route.path),
        methods: route.methods.iter().map(ToString::to_string).collect(),
        upstream: route.upstream.name.to_string(),
        asks: asks(route, snapshot),
        requests: reading.requests(),
        refused: reading.refusals.iter().map(|(_, count)| count).sum(),
        failed: reading.class("5xx"),
        p50_millis: millis(reading.duration.quantile(0.5)),
        p99_millis: millis(reading.duration.quantile(0.99)),
        first_byte_p50_millis: millis(reading.first_byte.quantile(0.5)),
        first_byte_p99_millis: millis(reading.first_byte.quantile(0.99)),
        received_bytes: reading.received,
        sent_bytes: reading.sent,
    }
}

fn host(pattern: &HostPattern) -> String {
    match pattern {
        HostPattern::Any => "any".to_owned(),
        HostPattern::Exact(host) => host.clone(),
        HostPattern::Suffix(suffix) => format!("*{suffix}"),
    }
}

fn path(pattern: &PathPattern) -> String {
    match pattern {
        PathPattern::Exact(path) => path.clone(),
        PathPattern::Prefix(prefix) => format!("{prefix}*"),
    }
}

/// In the order of the gates. Empty: anyone may pass.
fn asks(route: &Route, snapshot: &Snapshot) -> Vec<String> {
    let mut asks = Vec::new();
    if route.certificate.required {
        asks.push("a client certificate".to_owned());
    }
    if let Some(rule) = &route.token {
        asks.extend(token(rule, snapshot));
        if route.revocation.required {
            let then = match route.revocation.stale {
                Stale::Deny => "else 503",
                Stale::Allow => "else let pass",
            };
            asks.push(format!(
                "news of revocations at most {} s old, {then}",
                route.revocation.max_staleness.as_secs()
            ));
        }
    }
    if route.authorization.is_some() {
        asks.push("that its Cedar policies permit it".to_owned());
    }
    asks
}

fn token(rule: &TokenRule, snapshot: &Snapshot) -> Vec<String> {
    let names = rule.issuers.iter().filter_map(|&position| snapshot.issuers.get(position));
    let names: Vec<&str> = names.map(|issuer| &*issuer.name).collect();
    let kind = match rule.token_use {
        TokenUse::Access => "an access token",
        TokenUse::Id => "an ID token",
    };
    let mut asks = vec![format!("{kind} of {}", names.join(" or "))];
    for (what, among, joined) in [
        ("of client", &rule.clients, " or "),
        ("for audience", &rule.audiences, " or "),
        ("scope", &rule.scopes_all, " and "),
        ("scope", &rule.scopes_any, " or "),
        ("group", &rule.groups_all, " and "),
        ("group", &rule.groups_any, " or "),
        ("authenticated by", &rule.amr_all, " and "),
        ("authenticated by", &rule.amr_any, " or "),
        ("acr", &rule.acr_any, " or "),
    ] {
        if !among.is_empty() {
            asks.push(format!("{what} {}", among.join(joined)));
        }
    }
    asks.extend(rule.claims.iter().map(ToString::to_string));
    asks.extend(rule.max_age.map(|age| format!("an authentication of the last {} s", age.as_secs())));
    asks
}

/// The upstreams of the configuration, in the order of the file.
pub fn upstreams(snapshot: &Snapshot) -> Vec<UpstreamLine> {
    let server = |server: ServerView| ServerLine {
        address: server.address.to_string(),
        host: server.host.to_string(),
        health: server.health.as_str(),
        in_flight: server.in_flight,
    };
    let line = |view: View| UpstreamLine {
        name: view.name.to_string(),
        required: view.required,
        servers: view.servers.into_iter().map(server).collect(),
    };
    readiness::upstreams(snapshot).into_iter().map(line).collect()
}

/// All that occurred, the most frequent first.
pub fn refusals<'r>(readings: impl Iterator<Item = &'r Reading>) -> Vec<RefusalLine> {
    let mut counts: HashMap<Reject, u64> = HashMap::new();
    for (reject, count) in readings.flat_map(|reading| &reading.refusals) {
        *counts.entry(*reject).or_default() += count;
    }
    let line = |(reject, count): (Reject, u64)| RefusalLine {
        reason: reject.metric(),
        description: reject.description(),
        status: reject.status(),
        count,
    };
    let mut lines: Vec<RefusalLine> = counts.into_iter().map(line).collect();
    lines.sort_by(|a, b| b.count.cmp(&a.count).then(a.reason.cmp(b.reason)));
    lines
}
