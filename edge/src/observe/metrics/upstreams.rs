//! Counters of upstreams. Labels are names of upstreams and words of ours.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::snapshot::upstream::{Outcome, UpstreamMeter};

#[derive(Clone, Debug, Default)]
pub struct UpstreamMetrics {
    tries: Family<UpstreamOutcome, Counter>,
    retries: Family<UpstreamLabel, Counter>,
    ejections: Family<UpstreamLabel, Counter>,
    connections: Family<UpstreamLabel, Counter>,
    names: Arc<Mutex<HashSet<String>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct UpstreamLabel {
    upstream: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct UpstreamOutcome {
    upstream: String,
    outcome: &'static str,
}

impl UpstreamMetrics {
    /// The counters of one upstream.
    pub fn meter(&self, name: &str) -> UpstreamMeter {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let label = UpstreamLabel { upstream: name.to_owned() };
        let outcome = |outcome: Outcome| {
            let label = UpstreamOutcome { upstream: name.to_owned(), outcome: outcome.as_str() };
            self.tries.get_or_create_owned(&label)
        };
        UpstreamMeter {
            outcomes: Outcome::ALL.map(outcome),
            repeated: self.retries.get_or_create_owned(&label),
            ejected: self.ejections.get_or_create_owned(&label),
            connected: self.connections.get_or_create_owned(&label),
        }
    }

    /// Forgets the others.
    pub fn keep(&self, names: &HashSet<&str>) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).retain(|name| {
            let stays = names.contains(name.as_str());
            if !stays {
                self.forget(name);
            }
            stays
        });
    }

    fn forget(&self, name: &str) {
        let label = UpstreamLabel { upstream: name.to_owned() };
        for family in [&self.retries, &self.ejections, &self.connections] {
            family.remove(&label);
        }
        for outcome in Outcome::ALL {
            self.tries.remove(&UpstreamOutcome { upstream: name.to_owned(), outcome: outcome.as_str() });
        }
    }

    pub fn register(&self, registry: &mut Registry) {
        let tries = self.tries.clone();
        registry.register("upstream_requests", "Requests to servers, by upstream and how they ended", tries);
        let retries = self.retries.clone();
        registry.register("upstream_retries", "Requests to servers that repeat one that failed", retries);
        let ejections = self.ejections.clone();
        registry.register("upstream_ejections", "Servers taken out because requests failed", ejections);
        registry.register("upstream_connections", "Connections made to servers", self.connections.clone());
    }
}
