//! What web ACLs refer to: sets and rule groups, by ARN or by vendor and name.

use std::collections::HashMap;
use std::sync::Arc;

use common::waf::capacity::GroupName;
use common::waf::managed::shipped;
use common::waf::model::{IpSet, RegexSet, RuleGroup};

use crate::waf::origin::Networks;

/// Sets and groups.
#[derive(Debug, Default)]
pub struct Library {
    networks: HashMap<String, Arc<Networks>>,
    patterns: HashMap<String, Vec<String>>,
    groups: HashMap<String, Arc<RuleGroup>>,
    managed: HashMap<(String, String), Arc<RuleGroup>>,
}

impl Library {
    /// The groups that come with Tollgate.
    pub fn with_managed_groups() -> Self {
        let mut library = Self::default();
        for one in shipped() {
            library.add_managed(one.vendor, one.name, one.group.clone());
        }
        library
    }

    /// Adds a set under its ARN; false where it has none, or another has the same.
    pub fn add_ip_set(&mut self, set: &IpSet) -> bool {
        let Some(arn) = &set.arn else { return false };
        self.networks.insert(arn.clone(), Arc::new(Networks::new(&set.networks))).is_none()
    }

    pub fn add_regex_set(&mut self, set: RegexSet) -> bool {
        let Some(arn) = set.arn else { return false };
        self.patterns.insert(arn, set.patterns).is_none()
    }

    pub fn add_group(&mut self, group: RuleGroup) -> bool {
        let Some(arn) = group.arn.clone() else { return false };
        self.groups.insert(arn, Arc::new(group)).is_none()
    }

    pub fn add_managed(&mut self, vendor: &str, name: &str, group: RuleGroup) {
        self.managed.insert((vendor.to_owned(), name.to_owned()), Arc::new(group));
    }

    pub fn networks(&self, arn: &str) -> Option<&Arc<Networks>> {
        self.networks.get(arn)
    }

    pub fn patterns(&self, arn: &str) -> Option<&Vec<String>> {
        self.patterns.get(arn)
    }

    pub fn group(&self, name: GroupName<'_>) -> Option<&Arc<RuleGroup>> {
        match name {
            GroupName::Arn(arn) => self.groups.get(arn),
            GroupName::Managed { vendor, name } => self.managed.get(&(vendor.to_owned(), name.to_owned())),
        }
    }
}
