//! Counters of Cedar policies. Labels are names of routes and words of ours.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::snapshot::authorization::PolicyMeter;

const VERDICTS: [&str; 3] = ["permit", "deny", "error"];

#[derive(Clone, Debug, Default)]
pub struct PolicyMetrics {
    evaluations: Family<PolicyLabels, Counter>,
    routes: Arc<Mutex<HashSet<String>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PolicyLabels {
    route: String,
    verdict: &'static str,
}

impl PolicyMetrics {
    /// The counters of one route's policies.
    pub fn meter(&self, route: &str) -> PolicyMeter {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).insert(route.to_owned());
        let counter =
            |verdict| self.evaluations.get_or_create_owned(&PolicyLabels { route: route.to_owned(), verdict });
        let [permitted, denied, failed] = VERDICTS.map(counter);
        PolicyMeter { permitted, denied, failed }
    }

    /// Forgets the others.
    pub fn keep(&self, routes: &HashSet<&str>) {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).retain(|route| {
            let stays = routes.contains(route.as_str());
            if !stays {
                for verdict in VERDICTS {
                    self.evaluations.remove(&PolicyLabels { route: route.clone(), verdict });
                }
            }
            stays
        });
    }

    pub fn register(&self, registry: &mut Registry) {
        let evaluations = self.evaluations.clone();
        registry.register("policy_evaluations", "Evaluations of Cedar policies, by route and verdict", evaluations);
    }
}
