//! The rule groups that come with Tollgate, as web ACLs: what is measured where no other one is named.

use serde_json::{Value, json};

const CORE: &str = "TollgateCoreRuleSet";
const STRICT: &str = "TollgateStrictRuleSet";

/// A web ACL in AWS WAF's JSON for a paranoia level: the core group at level 1, the strict one beside it at level 2.
pub fn web_acl(level: u8) -> String {
    let groups: &[&str] = if level < 2 { &[CORE] } else { &[CORE, STRICT] };
    let rules: Vec<Value> = groups.iter().enumerate().map(|(priority, name)| group(priority, name)).collect();
    let acl = json!({"Name": "shipped", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility("shipped"), "Rules": rules});
    acl.to_string()
}

fn group(priority: usize, name: &str) -> Value {
    json!({"Name": name, "Priority": priority, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility(name),
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "Tollgate", "Name": name}}})
}

fn visibility(metric: &str) -> Value {
    json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": metric})
}

#[cfg(test)]
mod tests {
    use common::waf::managed::shipped;
    use common::waf::model::Statement;
    use common::waf::read::{Dialect, web_acl as read};

    use super::*;

    #[test]
    fn each_level_has_groups_that_come_with_the_program() {
        for (level, expected) in [(1, [CORE].as_slice()), (2, &[CORE, STRICT])] {
            let acl = read(&serde_json::from_str(&web_acl(level)).unwrap(), Dialect::default()).unwrap();
            let named: Vec<&str> = acl
                .rules
                .iter()
                .map(|rule| match &rule.statement {
                    Statement::Managed(group) => group.name.as_str(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(named, expected);
            assert!(named.iter().all(|name| shipped().iter().any(|one| one.vendor == "Tollgate" && one.name == *name)));
        }
    }
}
