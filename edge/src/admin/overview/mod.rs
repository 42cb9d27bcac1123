//! The state of this edge at one moment, as plain facts: what the status page shows to people, `/status.json` to machines, and, in part, `/metrics`.

mod feed;
#[cfg(test)]
mod fixture;
pub mod issuers;
mod routes;

use std::collections::HashMap;

use common::clock::UnixMillis;
use serde::Serialize;

pub use self::feed::FeedLine;
pub use self::issuers::IssuerLine;
pub use self::routes::{RefusalLine, RouteLine, UpstreamLine};
use super::reload::{Certificate, Failure};
use super::{State, readiness};
use crate::geo::Summary;
use crate::observe::Process;
use crate::snapshot::meter::Reading;

/// Set when this was built, where the builder says so.
const COMMIT: Option<&str> = option_env!("TOLLGATE_COMMIT");

#[derive(Debug, Serialize)]
pub struct Overview {
    pub version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<&'static str>,
    pub now: UnixMillis,
    pub started: UnixMillis,
    pub ready: bool,
    pub draining: bool,
    /// Why it should get no traffic.
    pub reasons: Vec<String>,
    /// What should be looked at, though it serves.
    pub warnings: Vec<String>,
    pub configuration: ConfigurationLine,
    pub traffic: Traffic,
    pub routes: Vec<RouteLine>,
    pub issuers: Vec<IssuerLine>,
    pub feed: Option<FeedLine>,
    pub upstreams: Vec<UpstreamLine>,
    /// Since the start, the most frequent first.
    pub refusals: Vec<RefusalLine>,
    pub certificates: Vec<Certificate>,
    /// Databases of addresses.
    pub databases: Vec<Summary>,
    pub process: Process,
}

#[derive(Debug, Serialize)]
pub struct ConfigurationLine {
    pub generation: u64,
    pub loaded_at: UnixMillis,
    /// The last reload, unless it succeeded.
    pub failure: Option<Failure>,
    /// Settings that have changed in the file and wait for a restart.
    pub restart: Vec<&'static str>,
}

/// Of all routes, and of requests that had none.
#[derive(Debug, Serialize)]
pub struct Traffic {
    pub connections: i64,
    pub in_flight: usize,
    /// Since the start.
    pub requests: u64,
    pub refused: u64,
    /// Answered by 5xx, by this edge or an upstream.
    pub failed: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
}

impl Overview {
    pub fn of(state: &State) -> Self {
        let parts = &state.parts;
        let (now, snapshot) = (parts.clock.now(), parts.picture.load());
        let history = parts.configuration.history();
        let reasons = state.unready();
        let readings: HashMap<String, Reading> = parts.metrics.readings().into_iter().collect();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: COMMIT,
            now,
            started: state.started,
            ready: reasons.is_empty(),
            draining: state.draining.load(std::sync::atomic::Ordering::Relaxed),
            reasons,
            warnings: readiness::warnings(&snapshot),
            configuration: ConfigurationLine {
                generation: snapshot.generation,
                loaded_at: history.loaded_at,
                failure: history.failure,
                restart: history.restart,
            },
            traffic: traffic(state, readings.values()),
            routes: routes::lines(&snapshot, &readings),
            issuers: snapshot.issuers.iter().map(|issuer| IssuerLine::of(issuer, now)).collect(),
            feed: parts.feed.as_ref().map(|feed| FeedLine::of(&feed.borrow(), now)),
            upstreams: routes::upstreams(&snapshot),
            refusals: routes::refusals(readings.values()),
            certificates: history.certificates,
            databases: snapshot.routes.databases.summaries(),
            process: Process::now(),
        }
    }
}

fn traffic<'r>(state: &State, readings: impl Iterator<Item = &'r Reading>) -> Traffic {
    let mut traffic = Traffic {
        connections: state.parts.metrics.connections.get(),
        in_flight: state.parts.in_flight.count(),
        requests: 0,
        refused: 0,
        failed: 0,
        received_bytes: 0,
        sent_bytes: 0,
    };
    for reading in readings {
        traffic.requests += reading.requests();
        traffic.refused += reading.refusals.iter().map(|(_, count)| count).sum::<u64>();
        traffic.failed += reading.class("5xx");
        traffic.received_bytes += reading.received;
        traffic.sent_bytes += reading.sent;
    }
    traffic
}
