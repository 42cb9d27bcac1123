//! The rule groups that come with Tollgate: the one place where they are listed. `ManagedRuleGroupStatement`s name them; the issuer describes and
//! prices them, the edge evaluates them.

use crate::waf::Invalid;
use crate::waf::model::RuleGroup;
use crate::waf::read::{self, Dialect};

/// A rule group that comes with the product. It has no versions: a new one comes with a new release.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    pub vendor: &'static str,
    pub name: &'static str,
    /// One sentence, for lists of groups: 1 to 256 of letters, digits, blanks and `+=:#@/-,.` (the API model's `EntityDescription`).
    pub description: &'static str,
    /// The group as the API has it (the input of `CreateRuleGroup`): its capacity, rules and labels are said there and nowhere else.
    pub json: &'static str,
}

/// All of them, by vendor and name.
pub static SHIPPED: &[Shipped] = &[];

/// Why the text of a group that comes with the product can't be used: a defect of the product, which its tests find.
#[derive(Debug, thiserror::Error)]
pub enum BadGroup {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Invalid(#[from] Invalid),
}

/// The group of that name among these.
pub fn find<'s>(shipped: &'s [Shipped], vendor: &str, name: &str) -> Option<&'s Shipped> {
    shipped.iter().find(|group| group.vendor == vendor && group.name == name)
}

impl Shipped {
    /// The group, with the namespace that its labels have.
    pub fn group(&self) -> Result<RuleGroup, BadGroup> {
        let mut group = read::rule_group(&serde_json::from_str(self.json)?, Dialect::default())?;
        group.label_namespace = self.label_namespace();
        Ok(group)
    }

    /// `awswaf:managed:<vendor>:<name>:`, the vendor in small letters, as AWS has it.
    pub fn label_namespace(&self) -> String {
        format!("awswaf:managed:{}:{}:", self.vendor.to_ascii_lowercase(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_can_be_read_and_is_named_once() {
        let mut names: Vec<_> = SHIPPED.iter().map(|group| (group.vendor, group.name)).collect();
        for group in SHIPPED {
            let read = group.group().unwrap_or_else(|bad| panic!("{}: {bad}", group.name));
            assert_eq!(read.name, group.name);
            assert!(find(SHIPPED, group.vendor, group.name).is_some());
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn labels_have_the_namespace_of_the_vendor() {
        let json = r#"{"Name": "Bots", "Capacity": 1, "Rules": [],
            "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}}"#;
        let group = Shipped { vendor: "Tollgate", name: "Bots", description: "x", json };
        assert_eq!(group.group().unwrap().label_namespace, "awswaf:managed:tollgate:Bots:");
        assert!(find(&[group], "tollgate", "Bots").is_none());
    }
}
