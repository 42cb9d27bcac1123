//! What rules refer to.

use std::collections::BTreeSet;

use crate::waf::model::{Rule, Statement};

/// Something that is kept apart from the rules which use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference<'r> {
    /// By ARN.
    IpSet(&'r str),
    /// By ARN.
    RegexSet(&'r str),
    /// By ARN.
    Group(&'r str),
    /// A group that comes with the product ([`crate::waf::managed`]).
    Managed { vendor: &'r str, name: &'r str, version: Option<&'r str> },
}

/// Each reference once, however often and however deep it stands.
pub fn of_rules(rules: &[Rule]) -> BTreeSet<Reference<'_>> {
    let mut found = BTreeSet::new();
    rules.iter().for_each(|rule| walk(&rule.statement, &mut found));
    found
}

fn walk<'r>(statement: &'r Statement, found: &mut BTreeSet<Reference<'r>>) {
    match statement {
        Statement::And(inner) | Statement::Or(inner) => inner.iter().for_each(|statement| walk(statement, found)),
        Statement::Not(inner) => walk(inner, found),
        Statement::Rate(rate) => rate.scope_down.iter().for_each(|statement| walk(statement, found)),
        Statement::IpSet { arn, .. } => drop(found.insert(Reference::IpSet(arn))),
        Statement::RegexSet { arn, .. } => drop(found.insert(Reference::RegexSet(arn))),
        Statement::Group(group) => drop(found.insert(Reference::Group(&group.arn))),
        Statement::Managed(group) => {
            let (vendor, name, version) = (group.vendor.as_str(), group.name.as_str(), group.version.as_deref());
            found.insert(Reference::Managed { vendor, name, version });
            group.scope_down.iter().for_each(|statement| walk(statement, found));
        }
        Statement::ByteMatch { .. }
        | Statement::Regex { .. }
        | Statement::Size { .. }
        | Statement::Sqli { .. }
        | Statement::Xss { .. }
        | Statement::Geo { .. }
        | Statement::Asn { .. }
        | Statement::Label { .. }
        | Statement::Signal(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::waf::read::{Dialect, rules};

    #[test]
    fn each_once_wherever_it_stands() {
        let arn = |what: &str| format!("arn:aws:wafv2:r:1:regional/{what}/n/i");
        let set = json!({"IPSetReferenceStatement": {"ARN": arn("ipset")}});
        let patterns = json!({"RegexPatternSetReferenceStatement": {"ARN": arn("regexpatternset"), "FieldToMatch": {"Method": {}},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
        let country = json!({"GeoMatchStatement": {"CountryCodes": ["FR"]}});
        let both = json!({"AndStatement": {"Statements": [{"NotStatement": {"Statement": set}}, {"OrStatement": {"Statements": [country, patterns]}}]}});
        let statements = [
            (
                json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP", "ScopeDownStatement": both}}),
                "Action",
            ),
            (set.clone(), "Action"),
            (json!({"RuleGroupReferenceStatement": {"ARN": arn("rulegroup")}}), "OverrideAction"),
            (
                json!({"ManagedRuleGroupStatement": {"VendorName": "V", "Name": "G", "ScopeDownStatement": set}}),
                "OverrideAction",
            ),
        ];
        let visibility = json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
        let made = statements.iter().enumerate().map(|(at, (statement, action))| {
            let does = if *action == "Action" { json!({"Count": {}}) } else { json!({"None": {}}) };
            json!({"Name": format!("r{at}"), "Priority": at, "Statement": statement, *action: does, "VisibilityConfig": visibility})
        });
        let rules = rules(&made.collect(), Dialect::default()).unwrap();
        let expected = [
            Reference::IpSet(&arn("ipset")),
            Reference::RegexSet(&arn("regexpatternset")),
            Reference::Group(&arn("rulegroup")),
            Reference::Managed { vendor: "V", name: "G", version: None },
        ];
        assert_eq!(of_rules(&rules).into_iter().collect::<Vec<_>>(), expected);
    }
}
