//! What routes still need before this edge should get traffic.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::clock::UnixMillis;

use crate::snapshot::Snapshot;
use crate::snapshot::route::{Route, Stale};
use crate::snapshot::upstream::View;

/// One line for each thing that is missing.
pub fn missing(snapshot: &Snapshot, now: UnixMillis) -> Vec<String> {
    let upstreams = upstreams(snapshot);
    let mut reasons: Vec<String> =
        upstreams.iter().filter(|upstream| upstream.required).filter_map(without_server).collect();
    for (position, issuer) in snapshot.issuers.iter().enumerate() {
        if !is_named(position, snapshot) {
            continue;
        }
        // An issuer that is asked about its tokens has none.
        if issuer.trust.is_none() && issuer.introspection.is_none() {
            reasons.push(format!("{}: no keys yet", issuer.name));
            continue;
        }
        if let Some(keys) = issuer.keys.as_ref().filter(|keys| !keys.is_good(now)) {
            let age = keys.age(now).unwrap_or_default().as_secs();
            reasons.push(format!("{}: the keys are {age} s old, which is too old", issuer.name));
        }
        let Some(limit) = patience_with(position, snapshot) else { continue };
        match issuer.news.as_ref().and_then(|news| news.age(now)) {
            None => reasons.push(format!("{}: no news of revocations yet", issuer.name)),
            Some(age) if age > limit => {
                reasons.push(format!("{}: the news of revocations are {} s old", issuer.name, age.as_secs()));
            }
            Some(_) => {}
        }
    }
    reasons
}

/// What an operator should look at, though the edge serves.
pub fn warnings(snapshot: &Snapshot) -> Vec<String> {
    let configured = snapshot.routes.warnings.iter().cloned();
    configured.chain(upstreams(snapshot).iter().filter_map(without_server)).collect()
}

/// How the upstreams of the configuration that serves are.
pub fn upstreams(snapshot: &Snapshot) -> Vec<View> {
    let now = Instant::now();
    snapshot.routes.upstreams.iter().map(|upstream| upstream.view(now)).collect()
}

fn without_server(upstream: &View) -> Option<String> {
    (!upstream.has_healthy()).then(|| format!("upstream {}: no healthy server", upstream.name))
}

fn is_named(issuer: usize, snapshot: &Snapshot) -> bool {
    let names = |route: &Arc<Route>| route.token.as_ref().is_some_and(|rule| rule.issuers.contains(&issuer));
    snapshot.routes.routes.iter().any(names)
}

/// From which age on some route refuses this issuer's tokens; `None` when no route minds.
fn patience_with(issuer: usize, snapshot: &Snapshot) -> Option<Duration> {
    let minds = |route: &&Arc<Route>| {
        route.revocation.required
            && route.revocation.stale == Stale::Deny
            && route.token.as_ref().is_some_and(|rule| rule.issuers.contains(&issuer))
    };
    snapshot.routes.routes.iter().filter(minds).map(|route| route.revocation.max_staleness).min()
}
