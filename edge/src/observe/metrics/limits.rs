//! Counters of rate limits. Labels are names of routes and limits, and words of ours.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::snapshot::limit::LimitMeter;
use crate::snapshot::route::RouteTable;

const RESULTS: [&str; 4] = ["admitted", "refused", "would_refuse", "skipped"];

#[derive(Clone, Debug, Default)]
pub struct LimitMetrics {
    requests: Family<LimitLabels, Counter>,
    /// Routes and limits.
    names: Arc<Mutex<HashSet<(String, String)>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LimitLabels {
    route: String,
    limit: String,
    result: &'static str,
}

impl LimitMetrics {
    /// The counters of one limit.
    pub fn meter(&self, route: &str, limit: &str) -> LimitMeter {
        let names = (route.to_owned(), limit.to_owned());
        let counter = |result| self.requests.get_or_create_owned(&labels(&names, result));
        let [admitted, refused, would_refuse, skipped] = RESULTS.map(counter);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(names);
        LimitMeter { admitted, refused, would_refuse, skipped }
    }

    /// Forgets limits that this table does not have.
    pub fn keep(&self, table: &RouteTable) {
        let limits = table.routes.iter().flat_map(|route| {
            let of_route = route.limits.iter().flat_map(|of_route| &of_route.limits);
            of_route.map(|limit| (&*route.name, &*limit.name))
        });
        let stay: HashSet<(&str, &str)> = limits.collect();
        self.names.lock().unwrap_or_else(PoisonError::into_inner).retain(|names| {
            let stays = stay.contains(&(names.0.as_str(), names.1.as_str()));
            if !stays {
                for result in RESULTS {
                    self.requests.remove(&labels(names, result));
                }
            }
            stays
        });
    }

    pub fn register(&self, registry: &mut Registry) {
        let requests = self.requests.clone();
        registry.register(
            "limit_requests",
            "Requests at a rate limit, by route, limit and what became of them",
            requests,
        );
    }
}

/// Counts that go to other edges and come from them.
#[derive(Clone, Debug, Default)]
pub struct SharingMeter {
    pub said: Counter,
    pub heard: Counter,
    /// Of those heard: of limits that this edge does not have.
    pub unknown: Counter,
}

impl SharingMeter {
    pub fn register(&self, registry: &mut Registry) {
        let Self { said, heard, unknown } = self.clone();
        registry.register("shared_limit_counts_said", "Counts of shared limits that the issuer was sent", said);
        registry.register("shared_limit_counts_heard", "Counts of other edges that were merged", heard);
        let text = "Counts of other edges under limits that this edge does not have";
        registry.register("shared_limit_counts_unknown", text, unknown);
    }
}

fn labels((route, limit): &(String, String), result: &'static str) -> LimitLabels {
    LimitLabels { route: route.clone(), limit: limit.clone(), result }
}
