//! Every rule of the groups that come with Tollgate (`common::waf::managed`) matches what it is for, and lets its near misses be.

use common::waf::managed::{shipped, sources};
use common::waf::model::RuleGroup;
use common::waf::read::{self, Dialect};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::rates::{Digester, Moment, Table};
use crate::waf::{Acl, Body, Clearance, Counting, Library, Nowhere, Progress, Request, compile};

const VECTORS: &str = include_str!("vectors.json");

fn visibility() -> Value {
    json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": false, "MetricName": "m"})
}

/// All rules of a group, which count what they match.
fn counting(vendor: &str, name: &str, group: &RuleGroup) -> Acl {
    let overrides: Vec<Value> =
        group.rules.iter().map(|rule| json!({"Name": rule.name, "ActionToUse": {"Count": {}}})).collect();
    let statement = json!({"VendorName": vendor, "Name": name, "RuleActionOverrides": overrides});
    let rule = json!({"Name": "g", "Priority": 0, "Statement": {"ManagedRuleGroupStatement": statement}, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility()});
    let acl = json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": [rule]});
    let mut library = Library::default();
    library.add_managed(vendor, name, group.clone());
    compile(&read::web_acl(&acl, Dialect::default()).unwrap(), &library).unwrap()
}

/// The names of the rules that match the request of a vector.
fn matched(acl: &Acl, request: &Value) -> Vec<String> {
    let text = |key: &str, other: &str| request[key].as_str().unwrap_or(other).to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    let (method, path, body) = (text("method", "GET"), text("path", "/"), text("body", ""));
    let view = Request {
        method: &method,
        path: &path,
        query: request["query"].as_str(),
        headers: &headers,
        body: if body.is_empty() { Body::None } else { Body::Read { bytes: body.as_bytes(), more: false } },
        client: None,
        ja3: None,
        ja4: None,
        token: None,
        clearance: Clearance::default(),
    };
    let watch = crate::takeover::Watch::new(&[3; 32]);
    let (digester, table) = (Digester::new([9; 16]), Table::bounded(1 << 20, [7; 16]));
    let now = Moment::after(std::time::Duration::from_secs(1_000));
    let mut progress = Progress::default();
    acl.evaluate(
        view,
        &mut progress,
        &Nowhere,
        Counting { table: &table, digester: &digester, watch: &watch, now, only_looks: false },
    );
    progress.matched.iter().map(|one| acl.rule(one.step).unwrap().name.to_string()).collect()
}

#[test]
fn each_rule_matches_its_vectors_and_no_near_miss() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let mut failed = Vec::new();
    for group in sources().unwrap() {
        let acl = counting("Tollgate", &group.name, &group);
        for rule in &group.rules {
            let vector = vectors.iter().find(|one| one["group"] == *group.name && one["rule"] == *rule.name);
            let Some(vector) = vector else {
                failed.push(format!("{} has no vectors", rule.name));
                continue;
            };
            let (matches, passes) = (vector["matches"].as_array().unwrap(), vector["passes"].as_array().unwrap());
            assert!(
                !matches.is_empty() && !passes.is_empty() && !vector["reason"].as_str().unwrap().is_empty(),
                "{}",
                rule.name
            );
            for (requests, should) in [(matches, true), (passes, false)] {
                for request in requests {
                    if matched(&acl, request).contains(&rule.name) != should {
                        failed.push(format!("{} {} {request}", rule.name, if should { "misses" } else { "matches" }));
                    }
                }
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn near_misses_pass_all_rules_of_level_1() {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let [core, ..] = sources().unwrap();
    let acl = counting("Tollgate", &core.name, &core);
    let of_core = vectors.iter().filter(|vector| vector["group"] == *core.name);
    for request in of_core.flat_map(|vector| vector["passes"].as_array().unwrap()) {
        assert_eq!(matched(&acl, request), Vec::<String>::new(), "{request}");
    }
}

#[test]
fn groups_of_aws_have_their_rules_and_look_where_their_names_say() {
    let groups = shipped();
    let count = |name: &str| groups.iter().find(|one| one.name == name).map(|one| one.group.rules.len());
    for (name, rules) in [
        ("AWSManagedRulesCommonRuleSet", 22),
        ("AWSManagedRulesAdminProtectionRuleSet", 1),
        ("AWSManagedRulesKnownBadInputsRuleSet", 11),
        ("AWSManagedRulesSQLiRuleSet", 5),
        ("AWSManagedRulesLinuxRuleSet", 3),
        ("AWSManagedRulesUnixRuleSet", 2),
        ("AWSManagedRulesWindowsRuleSet", 6),
        ("AWSManagedRulesPHPRuleSet", 3),
    ] {
        assert_eq!(count(name), Some(rules), "{name}");
    }
    let form = json!({"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "x"});
    for (group, request, expected) in [
        (
            "AWSManagedRulesCommonRuleSet",
            json!({"query": "a=%3Cscript%3E", "headers": {"User-Agent": "x"}}),
            "CrossSiteScripting_QUERYARGUMENTS",
        ),
        ("AWSManagedRulesCommonRuleSet", json!({"body": "a=%3Cscript%3E", "headers": form}), "CrossSiteScripting_BODY"),
        ("AWSManagedRulesCommonRuleSet", json!({}), "NoUserAgent_HEADER"),
        ("AWSManagedRulesCommonRuleSet", json!({"headers": {"User-Agent": "nessus"}}), "UserAgent_BadBots_HEADER"),
        ("AWSManagedRulesSQLiRuleSet", json!({"headers": {"Cookie": "a=1' OR '1'='1"}}), "SQLi_COOKIE"),
        (
            "AWSManagedRulesKnownBadInputsRuleSet",
            json!({"headers": {"User-Agent": "${jndi:ldap://x/}"}}),
            "Log4JRCE_HEADER",
        ),
        (
            "AWSManagedRulesWindowsRuleSet",
            json!({"query": "a=Invoke-Expression%20x"}),
            "PowerShellCommands_QUERYARGUMENTS",
        ),
        ("AWSManagedRulesLinuxRuleSet", json!({"query": "a=/proc/version"}), "LFI_QUERYSTRING"),
    ] {
        let group = groups.iter().find(|one| one.name == group).unwrap();
        assert_eq!(matched(&counting("AWS", group.name, &group.group), &request), [expected], "{request}");
    }
}
