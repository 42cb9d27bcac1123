//! Counters of web ACLs. Labels are names out of configurations and words of ours.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::snapshot::acl::{AclMeter, OF_POOLS, RuleMeter};
use crate::waf::Acl;

/// The label of what no rule has ended.
const DEFAULT: &str = "(default)";
const COUNT: &str = "COUNT";

#[derive(Clone, Debug, Default)]
pub struct AclMetrics {
    requests: Family<RuleLabels, Counter>,
    known: Arc<Mutex<HashSet<RuleLabels>>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RuleLabels {
    acl: String,
    /// The rule's name, behind that of its group where it is from one.
    rule: String,
    action: &'static str,
}

impl AclMetrics {
    /// The counters of a web ACL that the configuration calls `name`, looked up once.
    pub fn meter(&self, name: &str, acl: &Acl) -> AclMeter {
        let mut rules = vec![None; acl.steps()];
        for (step, rule) in acl.rules().filter(|(_, rule)| rule.metric.is_some()) {
            let full =
                rule.group.as_ref().map_or_else(|| rule.name.to_string(), |group| format!("{group}/{}", rule.name));
            let meter = RuleMeter {
                acted: self.counter(name, &full, rule.act.name()),
                counted: self.counter(name, &full, COUNT),
            };
            if let Some(place) = rules.get_mut(step) {
                *place = Some(meter);
            }
        }
        AclMeter { rules, default: Some(self.counter(name, DEFAULT, acl.default_action())) }
    }

    fn counter(&self, acl: &str, rule: &str, action: &'static str) -> Counter {
        let labels = RuleLabels { acl: acl.to_owned(), rule: rule.to_owned(), action };
        let counter = self.requests.get_or_create_owned(&labels);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(labels);
        counter
    }

    /// Forgets rules of a configuration's web ACLs that are not among these, by name.
    pub fn keep(&self, acls: &HashSet<&str>) {
        self.retain(|name| name.starts_with(OF_POOLS) || acls.contains(name));
    }

    /// Forgets rules of pools' web ACLs that are not among these.
    pub fn keep_of_pools(&self, acls: &HashSet<&str>) {
        self.retain(|name| !name.starts_with(OF_POOLS) || acls.contains(name));
    }

    fn retain(&self, keep: impl Fn(&str) -> bool) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|labels| {
            let stays = keep(labels.acl.as_str());
            if !stays {
                self.requests.remove(labels);
            }
            stays
        });
    }

    pub fn register(&self, registry: &mut Registry) {
        let requests = self.requests.clone();
        registry.register("acl_requests", "Requests that rules of web ACLs matched, by what came of it", requests);
    }
}
