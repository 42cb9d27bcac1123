//! What a web ACL, a group or a set may be. Pure: the request, and what else there is, in; what is stored, or AWS's words for what is wrong, out.

use std::collections::BTreeSet;

use common::feed::MAX_BODY;
use common::waf::capacity::{self, GroupName};
use common::waf::managed::{self, Shipped};
use common::waf::model::Rule;
use common::waf::read::{self, Dialect};
use common::waf::references::{self, Reference};
use serde_json::{Map, Value, json};

use super::error::WafError;
use super::graph::Graph;
use super::model::{Address, Draft, Kind, labels};
use super::rows::MAX_REFERENCES;
use crate::config::Deployment;

/// Bytes of one of them as JSON: with what stands around it, it goes to edges as one record of the feed.
pub const MAX_BYTES: usize = MAX_BODY - 16 * 1024;

/// What a draft is checked against.
pub struct Surroundings<'a> {
    pub deployment: &'a Deployment,
    pub graph: &'a Graph,
    pub shipped: &'a [Shipped],
}

/// A draft that may be stored.
#[derive(Debug)]
pub struct Checked {
    pub body: String,
    pub capacity: u64,
    /// Ids of what it refers to.
    pub uses: BTreeSet<String>,
}

/// `capacity`: of a group, what it was declared to cost.
pub fn check(draft: &Draft, id: &str, capacity: u64, around: &Surroundings<'_>) -> Result<Checked, WafError> {
    let address = Address { kind: draft.kind, name: &draft.name, id };
    let mut object = draft.members.clone();
    object.insert("Name".to_owned(), draft.name.as_str().into());
    object.insert("Id".to_owned(), id.into());
    object.insert("ARN".to_owned(), address.arn(around.deployment).into());
    if let Some(description) = &draft.description {
        object.insert("Description".to_owned(), description.as_str().into());
    }
    let (object, capacity, uses) = match draft.kind {
        Kind::IpSet => {
            let whole = Value::Object(object);
            read::ip_set(&whole)?;
            (whole, 0, BTreeSet::new())
        }
        Kind::RegexSet => {
            let whole = Value::Object(object);
            read::regex_set(&whole)?;
            (whole, 0, BTreeSet::new())
        }
        Kind::RuleGroup => rule_group(object, capacity, around)?,
        Kind::WebAcl => web_acl(object, around)?,
    };
    let body = object.to_string();
    if body.len() > MAX_BYTES {
        return Err(WafError::Limit(format!("It has {} bytes as JSON, more than {MAX_BYTES}.", body.len())));
    }
    Ok(Checked { body, capacity, uses })
}

type Made = (Value, u64, BTreeSet<String>);

fn rule_group(mut object: Map<String, Value>, declared: u64, around: &Surroundings<'_>) -> Result<Made, WafError> {
    // Whether the rules cost more than was declared is asked below, in other words.
    let within = (1..=capacity::MAX).contains(&declared);
    object.insert("Capacity".to_owned(), if within { capacity::MAX } else { declared }.into());
    let whole = Value::Object(object);
    let group = read::rule_group(&whole, Dialect::default())?;
    let uses = uses(&group.rules, around)?;
    let cost = cost(&group.rules, around)?;
    if cost > declared {
        return Err(WafError::Limit(format!(
            "The rules need a capacity of {cost}, the group has {declared}, and the capacity of a group does not change."
        )));
    }
    let (added, asked) = labels(&group);
    let named = |labels: Vec<String>| labels.into_iter().map(|label| json!({ "Name": label })).collect::<Value>();
    let more = [
        ("Capacity", declared.into()),
        ("LabelNamespace", group.label_namespace.into()),
        ("AvailableLabels", named(added)),
        ("ConsumedLabels", named(asked)),
    ];
    Ok((with(whole, more), declared, uses))
}

fn web_acl(object: Map<String, Value>, around: &Surroundings<'_>) -> Result<Made, WafError> {
    let whole = Value::Object(object);
    let acl = read::web_acl(&whole, Dialect::default())?;
    let uses = uses(&acl.rules, around)?;
    let cost = cost(&acl.rules, around)?;
    let more = [
        ("Capacity", cost.into()),
        ("LabelNamespace", acl.label_namespace.into()),
        ("ManagedByFirewallManager", false.into()),
    ];
    Ok((with(whole, more), cost, uses))
}

/// The object with more members, or with others in their place.
fn with<const N: usize>(mut whole: Value, more: [(&str, Value); N]) -> Value {
    if let Value::Object(members) = &mut whole {
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    whole
}

/// What rules cost together.
///
/// # Errors
/// [`WafError::Limit`] above 5,000, [`WafError::Nonexistent`] for a group that nobody knows.
pub fn cost(rules: &[Rule], around: &Surroundings<'_>) -> Result<u64, WafError> {
    let of_group = |name: GroupName<'_>| match name {
        GroupName::Arn(arn) => {
            let address = Address::of_arn(arn, around.deployment)?;
            around.graph.at(address).map(|node| node.capacity)
        }
        GroupName::Managed { vendor, name } => Some(managed::find(around.shipped, vendor, name)?.group.capacity),
    };
    let cost = capacity::of_rules(rules, &of_group)
        .ok_or_else(|| WafError::Nonexistent("A rule group that a rule refers to does not exist.".to_owned()))?;
    if cost > capacity::MAX {
        let most = capacity::MAX;
        return Err(WafError::Limit(format!("The rules need a capacity of {cost}; a web ACL has {most} at most.")));
    }
    Ok(cost)
}

/// Ids of the sets and groups that rules refer to; each must be there.
pub fn uses(rules: &[Rule], around: &Surroundings<'_>) -> Result<BTreeSet<String>, WafError> {
    let references = references::of_rules(rules);
    if references.len() > MAX_REFERENCES {
        let many = references.len();
        return Err(WafError::Limit(format!(
            "The rules refer to {many} sets and groups, {MAX_REFERENCES} at most may be."
        )));
    }
    let mut uses = BTreeSet::new();
    for reference in references {
        let (kind, arn) = match reference {
            Reference::IpSet(arn) => (Kind::IpSet, arn),
            Reference::RegexSet(arn) => (Kind::RegexSet, arn),
            Reference::Group(arn) => (Kind::RuleGroup, arn),
            Reference::Managed { vendor, name, version } => {
                shipped(around.shipped, vendor, name, version)?;
                continue;
            }
        };
        let address = Address::of_arn(arn, around.deployment).filter(|address| address.kind == kind);
        match address.filter(|address| around.graph.at(*address).is_some()) {
            Some(address) => uses.insert(address.id.to_owned()),
            None => return Err(WafError::Nonexistent(format!("There is no {} {arn}.", kind.member()))),
        };
    }
    Ok(uses)
}

/// A group that comes with Tollgate, as requests name it.
pub fn shipped<'s>(
    shipped: &'s [Shipped],
    vendor: &str,
    name: &str,
    version: Option<&str>,
) -> Result<&'s Shipped, WafError> {
    match (managed::find(shipped, vendor, name), version) {
        (Some(group), None) => Ok(group),
        (None, _) => {
            Err(WafError::Nonexistent(format!("There is no managed rule group {name} of the vendor {vendor}.")))
        }
        (Some(_), Some(version)) => Err(WafError::Nonexistent(format!(
            "The managed rule group {name} has no versions, so none called {version}."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::graph::Node;
    use super::*;

    const GROUP: &str = r#"{"Name": "Bots", "Capacity": 4990, "Rules": [],
        "VisibilityConfig": {"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"}}"#;
    static SHIPPED: std::sync::LazyLock<[Shipped; 1]> =
        std::sync::LazyLock::new(|| [Shipped::of("Tollgate", "Bots", "x", GROUP).unwrap()]);

    fn deployment() -> Deployment {
        Deployment {
            public_url: String::new(),
            region: "r".into(),
            account_id: "000000000000".into(),
            domains: Default::default(),
        }
    }

    fn arn(kind: Kind, name: &str) -> String {
        Address { kind, name, id: &format!("id-{name}") }.arn(&deployment())
    }

    /// A set `s`, patterns `p`, a group `g` that costs 100.
    fn graph() -> Graph {
        let node =
            |kind, name: &str, capacity| (format!("id-{name}"), Node { kind, name: name.into(), bytes: 1, capacity });
        let nodes = [node(Kind::IpSet, "s", 0), node(Kind::RegexSet, "p", 0), node(Kind::RuleGroup, "g", 100)];
        Graph { nodes: nodes.into(), ..Graph::default() }
    }

    fn visibility() -> Value {
        json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
    }

    fn rule(at: usize, statement: Value, action: (&str, Value)) -> Value {
        let (member, does) = action;
        json!({"Name": format!("r{at}"), "Priority": at, "Statement": statement, member: does, "VisibilityConfig": visibility()})
    }

    fn blocks(at: usize, statement: Value) -> Value {
        rule(at, statement, ("Action", json!({"Block": {}})))
    }

    fn refers(at: usize, statement: Value) -> Value {
        rule(at, statement, ("OverrideAction", json!({"None": {}})))
    }

    fn in_set(arn: &str) -> Value {
        json!({"IPSetReferenceStatement": {"ARN": arn}})
    }

    fn checked(kind: Kind, members: Value, capacity: u64) -> Result<Checked, WafError> {
        let (deployment, graph) = (deployment(), graph());
        let around = Surroundings { deployment: &deployment, graph: &graph, shipped: &*SHIPPED };
        let mut draft = Draft::new(kind, "n".into(), Some("about it".into()));
        draft.members = members.as_object().unwrap().clone();
        check(&draft, "the-id", capacity, &around)
    }

    fn acl(rules: &[Value]) -> Result<Checked, WafError> {
        checked(
            Kind::WebAcl,
            json!({"DefaultAction": {"Allow": {}}, "Rules": rules, "VisibilityConfig": visibility()}),
            0,
        )
    }

    fn said(outcome: Result<Checked, WafError>) -> String {
        let fault = cognito_model::Fault::from(outcome.unwrap_err());
        format!("{}: {}", fault.exception.name(), fault.message)
    }

    #[test]
    fn a_web_acl_is_stored_as_it_came_with_what_is_known_of_it() {
        let group = json!({"RuleGroupReferenceStatement": {"ARN": arn(Kind::RuleGroup, "g")}});
        let rules = [blocks(0, in_set(&arn(Kind::IpSet, "s"))), refers(1, group)];
        let made = acl(&rules).unwrap();
        assert_eq!((made.capacity, made.uses), (101, ["id-g".to_owned(), "id-s".to_owned()].into()));
        let body: Value = serde_json::from_str(&made.body).unwrap();
        assert_eq!(
            body,
            json!({
                "Name": "n", "Id": "the-id", "ARN": "arn:aws:wafv2:r:000000000000:regional/webacl/n/the-id",
                "Description": "about it", "DefaultAction": {"Allow": {}}, "Rules": rules, "VisibilityConfig": visibility(),
                "Capacity": 101, "LabelNamespace": "awswaf:000000000000:webacl:n:", "ManagedByFirewallManager": false,
            })
        );
    }

    #[test]
    fn what_is_referred_to_must_be_there_and_be_what_it_is_taken_for() {
        let nonexistent = |rule: Value| {
            let said = said(acl(&[rule]));
            assert!(said.starts_with("WAFNonexistentItemException: "), "{said}");
        };
        nonexistent(blocks(0, in_set(&arn(Kind::IpSet, "other"))));
        nonexistent(blocks(0, in_set(&arn(Kind::RegexSet, "p"))));
        nonexistent(blocks(0, in_set("arn:aws:wafv2:r:999999999999:regional/ipset/s/id-s")));
        nonexistent(refers(0, json!({"RuleGroupReferenceStatement": {"ARN": arn(Kind::IpSet, "s")}})));
        nonexistent(refers(0, json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "Bots"}})));
        nonexistent(refers(
            0,
            json!({"ManagedRuleGroupStatement": {"VendorName": "Tollgate", "Name": "Bots", "Version": "1"}}),
        ));
    }

    #[test]
    fn capacity_has_an_end() {
        let bots = json!({"ManagedRuleGroupStatement": {"VendorName": "Tollgate", "Name": "Bots"}});
        assert_eq!(acl(&[refers(0, bots.clone())]).unwrap().capacity, 4_990);
        let group = json!({"RuleGroupReferenceStatement": {"ARN": arn(Kind::RuleGroup, "g")}});
        assert!(said(acl(&[refers(0, bots), refers(1, group)])).starts_with("WAFLimitsExceededException: "));
        let group = |rules: &[Value], capacity| {
            checked(Kind::RuleGroup, json!({"Rules": rules, "VisibilityConfig": visibility()}), capacity)
        };
        let rules = [blocks(0, in_set(&arn(Kind::IpSet, "s"))), blocks(1, in_set(&arn(Kind::IpSet, "s")))];
        assert_eq!(group(&rules, 2).unwrap().uses.len(), 1);
        assert!(said(group(&rules, 1)).starts_with("WAFLimitsExceededException: The rules need a capacity of 2"));
        assert!(said(group(&rules, 5_001)).starts_with("WAFInvalidParameterException: "));
    }

    #[test]
    fn references_and_bytes_have_an_end() {
        let ids: Vec<String> = (0..51).map(|n| arn(Kind::IpSet, &format!("x{n}"))).collect();
        let rules: Vec<Value> = ids.iter().enumerate().map(|(at, arn)| blocks(at, in_set(arn))).collect();
        assert!(said(acl(&rules)).starts_with("WAFLimitsExceededException: The rules refer to 51 "));
        let names: Vec<Value> = (0..3_000).map(|n| Value::from(format!("{n}{}", "x".repeat(200)))).collect();
        let long = checked(
            Kind::WebAcl,
            json!({"DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "ApplicationConfig": {"Attributes": names}}),
            0,
        );
        assert!(said(long).starts_with("WAFLimitsExceededException: It has "));
    }

    #[test]
    fn what_is_wrong_is_said_with_field_parameter_and_reason() {
        let fault = cognito_model::Fault::from(acl(&[blocks(0, json!({}))]).unwrap_err());
        let body: Value = serde_json::from_slice(&fault.body()).unwrap();
        assert_eq!(body["__type"], "WAFInvalidParameterException");
        assert_eq!((body["Field"].as_str(), body["Parameter"].as_str()), (Some("STATEMENT"), Some("{…}")));
        let reason = body["Reason"].as_str().unwrap();
        assert!(reason.starts_with("Rules[0].Statement is empty"), "{reason}");
        assert_eq!(body["message"], format!("Error reason: {reason}, field: STATEMENT, parameter: {{…}}"));
    }

    #[test]
    fn a_group_says_which_labels_it_adds_and_asks_for() {
        let mut adds = blocks(0, json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "seen:before"}}));
        adds["RuleLabels"] = json!([{"Name": "seen:now"}]);
        let made = checked(Kind::RuleGroup, json!({"Rules": [adds], "VisibilityConfig": visibility()}), 10).unwrap();
        let body: Value = serde_json::from_str(&made.body).unwrap();
        assert_eq!(body["Capacity"], 10);
        assert_eq!(body["AvailableLabels"], json!([{"Name": "awswaf:000000000000:rulegroup:n:seen:now"}]));
        assert_eq!(body["ConsumedLabels"], json!([{"Name": "seen:before"}]));
    }
}
