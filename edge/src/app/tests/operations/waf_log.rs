//! AWS WAF's log.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::harness::{Edge, request};
use super::{assert_clean, edit, lines, planted};

fn visible() -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(name: &str, priority: u32, field: &Value, found: &str, action: &Value) -> Value {
    json!({"Name": name, "Priority": priority, "Action": action, "VisibilityConfig": visible(),
        "Statement": {"RegexMatchStatement": {"FieldToMatch": field, "RegexString": found,
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}}})
}

/// An edge with a web ACL on `/open/*`, and what is logged of it.
fn edge_with(logging: &str) -> (Edge, PathBuf) {
    let mut counts = rule("counts", 0, &json!({"UriPath": {}}), "seen", &json!({"Count": {}}));
    counts["RuleLabels"] = json!([{"Name": "seen"}]);
    let acl = json!({"Name": "acl", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visible(), "Rules": [
        counts,
        rule("blocks", 1, &json!({"Body": {}}), "canary", &json!({"Block": {"CustomResponse": {"ResponseCode": 418}}})),
        rule("puzzle", 2, &json!({"UriPath": {}}), "puzzle", &json!({"Captcha": {}}))]});
    let filter = json!({"LoggingConfiguration": {"RedactedFields": [{"QueryString": {}}], "LoggingFilter": {"DefaultBehavior": "DROP",
        "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [{"ActionCondition": {"Action": "COUNT"}}]}]}}});
    let prepare = |folder: &Path| {
        std::fs::write(folder.join("acl.json"), acl.to_string()).unwrap();
        std::fs::write(folder.join("logging.json"), filter.to_string()).unwrap();
    };
    let settings = format!(
        "[[route]]\nmatch = {{ path = \"/open/*\" }}\nupstream = \"echo\"\nacl = \"main\"\n\
         [[acl]]\nname = \"main\"\nfile = \"acl.json\"\nlogging = {logging}\n[waf_log]\nfile = \"waf.log\"\n"
    );
    let edge = Edge::start_prepared(prepare, "", "", &settings);
    let log = edge.config_file().with_file_name("waf.log");
    (edge, log)
}

#[test]
fn a_record_says_what_came_and_what_rules_said() {
    let (edge, log) = edge_with("true");
    let passed = edge.send(&request("/open/seen?q=tea&code=1", &[("User-Agent", "curl"), ("Cookie", "a=1")]));
    assert_eq!(passed.status, 200);
    assert_eq!(edge.send(&planted("/open/x")).status, 418);
    assert_eq!(edge.send(&request("/open/puzzle", &[])).status, 405);
    edge.send(&request("/public/x", &[]));
    let records = lines(&log, 3);
    assert_eq!(records.len(), 3, "none of a route without a web ACL");
    // A record is written after its answer, and so maybe after that of the next request.
    let of = |uri: &str| records.iter().find(|record| record["httpRequest"]["uri"] == uri).unwrap();
    let expected = json!({
        "timestamp": super::super::harness::NOW.0, "formatVersion": 1, "webaclId": "acl",
        "terminatingRuleId": "Default_Action", "terminatingRuleType": "REGULAR", "action": "ALLOW", "terminatingRuleMatchDetails": [],
        "httpSourceName": "-", "httpSourceId": "echo /open/*", "ruleGroupList": [], "rateBasedRuleList": [],
        "nonTerminatingMatchingRules": [{"ruleId": "counts", "action": "COUNT", "ruleMatchDetails": []}],
        "requestHeadersInserted": null, "responseCodeSent": null,
        "httpRequest": {"clientIp": "127.0.0.1", "country": "-",
            "headers": [{"name": "host", "value": "api.test"}, {"name": "user-agent", "value": "curl"}, {"name": "cookie", "value": "a=REDACTED"}],
            "uri": "/open/seen", "args": "q=tea&code=REDACTED", "httpVersion": "HTTP/1.1", "httpMethod": "GET",
            "requestId": passed.header("x-request-id").unwrap(), "fragment": "", "scheme": "http", "host": "api.test"},
        "labels": [{"name": "awswaf:managed:token:absent"}, {"name": "awswaf:managed:captcha:absent"},
            {"name": "awswaf:000000000000:webacl:acl:seen"}],
        "requestBodySize": 0, "requestBodySizeInspectedByWAF": 0,
    });
    assert_eq!(*of("/open/seen"), expected);
    let blocked = of("/open/x");
    assert_eq!(
        (&blocked["action"], &blocked["terminatingRuleId"], &blocked["responseCodeSent"]),
        (&json!("BLOCK"), &json!("blocks"), &json!(418))
    );
    assert_eq!((&blocked["requestBodySize"], &blocked["requestBodySizeInspectedByWAF"]), (&json!(11), &json!(11)));
    assert_eq!(
        of("/open/puzzle")["captchaResponse"],
        json!({"responseCode": 405, "solveTimestamp": 0, "failureReason": "TOKEN_MISSING"})
    );
    assert_clean("AWS WAF's log", &std::fs::read_to_string(&log).unwrap());
}

#[test]
fn a_file_says_what_is_kept_and_what_is_left_out() {
    let (edge, log) = edge_with("\"logging.json\"");
    edge.send(&request("/open/other?q=tea", &[]));
    edge.send(&request("/open/seen?q=tea", &[]));
    let records = lines(&log, 1);
    assert_eq!(records.len(), 1);
    assert_eq!(
        (&records[0]["httpRequest"]["uri"], &records[0]["httpRequest"]["args"]),
        (&json!("/open/seen"), &json!("REDACTED"))
    );
    // Somebody rotates it.
    let old = log.with_file_name("waf.log.old");
    std::fs::rename(&log, &old).unwrap();
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    edge.send(&request("/open/seen", &[]));
    assert_eq!((lines(&log, 1).len(), lines(&old, 1).len()), (1, 1));
    // And another switches it off.
    edit(&edge, "[waf_log]\nfile = \"waf.log\"", "");
    let refused = edge.admin("POST", "/reload");
    assert!(refused.status != 200 && refused.body.contains("needs a `[waf_log]`"), "{refused:?}");
    edit(&edge, "logging = \"logging.json\"", "");
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    edge.send(&request("/open/seen", &[]));
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 1);
    assert!(edge.admin("GET", "/metrics").body.contains("tollgate_edge_waf_log_lines_dropped_total 0"));
}
