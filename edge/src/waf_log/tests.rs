//! Against the examples of AWS's Developer Guide ("Log examples for web ACL traffic").

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::clock::UnixMillis;
use common::waf::read::{self, Dialect};
use http::{HeaderMap, HeaderName};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rates::{Digester, Moment, Table};
use crate::takeover::Watch;
use crate::waf::{Body, Clearance, Counting, Library, Nowhere, Said as Answer, Solved, Standing, compile};

const ARN: &str = "arn:aws:wafv2:ap-southeast-2:111122223333:regional/webacl/STMTest/1EXAMPLE";
const GROUP: &str = "arn:aws:wafv2:us-east-1:123456789012:regional/rulegroup/hello-world/c05lb698";

fn visible() -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(name: &str, priority: u32, statement: &Value, action: &Value) -> Value {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visible()})
}

fn none() -> Value {
    json!([{"Priority": 0, "Type": "NONE"}])
}

fn sqli(field: &Value) -> Value {
    json!({"SqliMatchStatement": {"FieldToMatch": field, "TextTransformations": none(), "SensitivityLevel": "HIGH"}})
}

fn xss(field: &Value) -> Value {
    json!({"XssMatchStatement": {"FieldToMatch": field, "TextTransformations": none()}})
}

fn header(name: &str) -> Value {
    json!({"SingleHeader": {"Name": name}})
}

fn on_path(text: &str) -> Value {
    json!({"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "SearchString": STANDARD.encode(text),
        "PositionalConstraint": "CONTAINS", "TextTransformations": none()}})
}

struct Sent<'s> {
    path: &'s str,
    query: Option<&'s str>,
    fields: &'s [(&'s str, &'s str)],
    clearance: Clearance,
    /// How often before.
    times: usize,
}

const GET: Sent<'static> = Sent {
    path: "/foo",
    query: None,
    fields: &[],
    clearance: Clearance { captcha: None, challenge: None, standing: Standing::Missing, session: None },
    times: 0,
};

fn acl_of(rules: &[Value], inner: &[Value]) -> Acl {
    let json = json!({"Name": "STMTest", "ARN": ARN, "DefaultAction": {"Allow": {}}, "Rules": rules, "VisibilityConfig": visible()});
    let group = json!({"Name": "g", "ARN": GROUP, "Capacity": 500, "Rules": inner, "VisibilityConfig": visible()});
    let mut library = Library::with_managed_groups();
    assert!(library.add_group(read::rule_group(&group, Dialect::default()).unwrap()));
    compile(&read::web_acl(&json, Dialect::default()).unwrap(), &library).unwrap()
}

/// The record of the last of them.
fn logged(acl: &Acl, logging: &Value, sent: &Sent<'_>) -> Option<Value> {
    let (table, digester) = (Table::bounded(4 << 20, [0; 16]), Digester::new([0; 16]));
    let watch = Watch::new(&[0; 32]);
    let counting = Counting {
        table: &table,
        digester: &digester,
        watch: &watch,
        now: Moment::after(Duration::from_secs(100)),
        only_looks: false,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in sent.fields {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let client = Some("1.1.1.1".parse().unwrap());
    let rules = LogRules::new(read::logging(logging).unwrap(), acl);
    let mut record = None;
    for _ in 0..=sent.times {
        let request = crate::waf::Request {
            method: "GET",
            path: sent.path,
            query: sent.query,
            headers: &headers,
            body: Body::None,
            client,
            ja3: None,
            ja4: None,
            token: None,
            clearance: sent.clearance,
        };
        let (mut noted, mut progress) = (Noted::default(), Progress::default());
        let answer = acl.evaluate_noting(&mut noted, request, &mut progress, &Nowhere, counting);
        let Answer::Done(verdict) = answer else { panic!("{answer:?}") };
        let base = Request {
            at: UnixMillis(1_576_280_412_771),
            client,
            country: Some(*b"AU"),
            method: "GET",
            path: sent.path,
            query: sent.query,
            version: "HTTP/1.1",
            headers: &headers,
            clearance: sent.clearance,
            status: 403,
        };
        let logged = Logged {
            request: base,
            request_id: "rid",
            scheme: "https",
            host: "localhost:1989",
            source: ("-", "-"),
            body: 0,
            ja3: None,
            ja4: None,
        };
        let said = Said { acl, progress: &progress, verdict: &verdict, noted: &noted };
        let line = rules.keeps(said).then(|| rules.line(said, &logged).unwrap());
        record = line.map(|line| {
            assert!(line.ends_with(b"\n") && line.iter().filter(|byte| **byte == b'\n').count() == 1);
            serde_json::from_slice(&line).unwrap()
        });
    }
    record
}

fn record(acl: &Acl, sent: &Sent<'_>) -> Value {
    logged(acl, &json!({}), sent).unwrap()
}

#[test]
fn a_rule_that_ended_it_by_sql() {
    let acl = acl_of(&[rule("STMTest_SQLi_XSS", 0, &sqli(&header("x-stm-test")), &json!({"Block": {}}))], &[]);
    let fields =
        [("host", "localhost:1989"), ("user-agent", "curl/7.61.1"), ("accept", "*/*"), ("x-stm-test", "10 AND 1=1")];
    let expected = json!({
        "timestamp": 1_576_280_412_771_u64, "formatVersion": 1, "webaclId": ARN,
        "terminatingRuleId": "STMTest_SQLi_XSS", "terminatingRuleType": "REGULAR", "action": "BLOCK",
        "terminatingRuleMatchDetails": [{"conditionType": "SQL_INJECTION", "sensitivityLevel": "HIGH", "location": "HEADER",
            "matchedData": ["10", "AND", "1"], "matchedFieldName": "x-stm-test"}],
        "httpSourceName": "-", "httpSourceId": "-", "ruleGroupList": [], "rateBasedRuleList": [], "nonTerminatingMatchingRules": [],
        "requestHeadersInserted": null, "responseCodeSent": null,
        "httpRequest": {"clientIp": "1.1.1.1", "country": "AU",
            "headers": [{"name": "host", "value": "localhost:1989"}, {"name": "user-agent", "value": "curl/7.61.1"},
                {"name": "accept", "value": "*/*"}, {"name": "x-stm-test", "value": "10 AND 1=1"}],
            "uri": "/foo", "args": "", "httpVersion": "HTTP/1.1", "httpMethod": "GET", "requestId": "rid",
            "fragment": "", "scheme": "https", "host": "localhost:1989"},
        "requestBodySize": 0, "requestBodySizeInspectedByWAF": 0,
    });
    assert_eq!(record(&acl, &Sent { fields: &fields, ..GET }), expected);
}

#[test]
fn rules_that_counted_and_what_they_added() {
    let handling = json!({"CustomRequestHandling": {"InsertHeaders": [{"Name": "Seen", "Value": "yes"}]}});
    let mut counts = rule("TestRule", 0, &sqli(&header("foo")), &json!({ "Count": handling }));
    counts["RuleLabels"] = json!([{"Name": "sql"}]);
    let acl = acl_of(&[counts], &[]);
    let record = record(&acl, &Sent { fields: &[("foo", "10 AND 1=1")], ..GET });
    assert_eq!((&record["terminatingRuleId"], &record["action"]), (&json!("Default_Action"), &json!("ALLOW")));
    assert_eq!(record["terminatingRuleMatchDetails"], json!([]));
    let details = json!([{"conditionType": "SQL_INJECTION", "sensitivityLevel": "HIGH", "location": "HEADER",
        "matchedData": ["10", "AND", "1"], "matchedFieldName": "foo"}]);
    let expected = json!([{"ruleId": "TestRule", "action": "COUNT", "ruleMatchDetails": details}]);
    assert_eq!(record["nonTerminatingMatchingRules"], expected);
    assert_eq!(record["requestHeadersInserted"], json!([{"name": "x-amzn-waf-seen", "value": "yes"}]));
    assert_eq!(record["labels"], json!([{"name": "awswaf:111122223333:webacl:STMTest:sql"}]));
}

fn reference(action: &str) -> Value {
    json!({"Name": "RG-Reference", "Priority": 1, "OverrideAction": {action: {}}, "VisibilityConfig": visible(),
        "Statement": {"RuleGroupReferenceStatement": {"ARN": GROUP, "RuleActionOverrides": [
            {"Name": "RuleC", "ActionToUse": {"Count": {}}}]}}})
}

fn inner() -> [Value; 3] {
    [
        rule("RuleC", 0, &on_path("/foo"), &json!({"Block": {}})),
        rule("RuleB-SQLi", 1, &sqli(&header("bar")), &json!({"Count": {}})),
        rule("RuleA-XSS", 2, &xss(&header("xssfoo")), &json!({"Block": {}})),
    ]
}

const ATTACK: [(&str, &str); 2] = [("xssfoo", "<frameset onload=alert(1)>"), ("bar", "10 AND 1=1")];

#[test]
fn rules_of_a_group() {
    let record = record(&acl_of(&[reference("None")], &inner()), &Sent { fields: &ATTACK, ..GET });
    assert_eq!(
        (&record["terminatingRuleId"], &record["terminatingRuleType"]),
        (&json!("RG-Reference"), &json!("GROUP"))
    );
    let data = |kind: &str, words: Value, name: &str| {
        let mut detail =
            json!({"conditionType": kind, "location": "HEADER", "matchedData": words, "matchedFieldName": name});
        if kind == "SQL_INJECTION" {
            detail["sensitivityLevel"] = json!("HIGH");
        }
        detail
    };
    let of_xss = data("XSS", json!(["<", "frameset"]), "xssfoo");
    assert_eq!(record["terminatingRuleMatchDetails"], json!([of_xss]));
    let expected = json!([{
        "ruleGroupId": GROUP,
        "terminatingRule": {"ruleId": "RuleA-XSS", "action": "BLOCK", "ruleMatchDetails": [of_xss]},
        "nonTerminatingMatchingRules": [
            {"ruleId": "RuleC", "action": "COUNT", "overriddenAction": "BLOCK", "ruleMatchDetails": []},
            {"ruleId": "RuleB-SQLi", "action": "COUNT", "ruleMatchDetails": [data("SQL_INJECTION", json!(["10", "AND", "1"]), "bar")]}],
        "excludedRules": null, "customerConfig": null}]);
    assert_eq!(record["ruleGroupList"], expected);
    assert_eq!(record["nonTerminatingMatchingRules"], json!([]));
}

#[test]
fn a_group_that_only_counts_and_a_managed_one() {
    let managed = json!({"Name": "managed", "Priority": 2, "OverrideAction": {"None": {}}, "VisibilityConfig": visible(),
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesSQLiRuleSet"}}});
    let acl = acl_of(&[reference("Count"), managed], &inner());
    let sent = Sent { fields: &ATTACK, query: Some("id=1%27%20UNION%20SELECT%20password%20FROM%20users--"), ..GET };
    let record = record(&acl, &sent);
    assert_eq!(
        (&record["terminatingRuleId"], &record["terminatingRuleType"]),
        (&json!("managed"), &json!("MANAGED_RULE_GROUP"))
    );
    let counted = json!([{"ruleId": "RG-Reference", "action": "COUNT", "ruleMatchDetails": []}]);
    assert_eq!(record["nonTerminatingMatchingRules"], counted);
    let groups = record["ruleGroupList"].as_array().unwrap();
    assert_eq!(groups[0]["terminatingRule"]["ruleId"], "RuleA-XSS", "it ended the group");
    assert_eq!(groups[1]["ruleGroupId"], "AWS#AWSManagedRulesSQLiRuleSet");
}

#[test]
fn captchas_and_challenges() {
    let acl = acl_of(&[rule("captcha-rule", 0, &on_path("/foo"), &json!({"Captcha": {}}))], &[]);
    let missing = record(&acl, &GET);
    assert_eq!((&missing["action"], &missing["terminatingRuleId"]), (&json!("CAPTCHA"), &json!("captcha-rule")));
    assert_eq!(missing["responseCodeSent"], 403, "what was sent");
    let expected = json!({"responseCode": 405, "solveTimestamp": 0, "failureReason": "TOKEN_MISSING"});
    assert_eq!(missing["captchaResponse"], expected);
    let solved = |ago| Clearance {
        captcha: Some(Solved { ago, difficulty: 0 }),
        standing: Standing::Good,
        ..Clearance::default()
    };
    let passed = record(&acl, &Sent { clearance: solved(2), ..GET });
    let response = json!({"responseCode": 0, "solveTimestamp": 1_576_280_410});
    let expected =
        json!([{"ruleId": "captcha-rule", "action": "CAPTCHA", "ruleMatchDetails": [], "captchaResponse": response}]);
    assert_eq!((&passed["action"], &passed["nonTerminatingMatchingRules"]), (&json!("ALLOW"), &expected));
    assert_eq!(passed["captchaResponse"], response);
    let expired = record(&acl, &Sent { clearance: solved(400), ..GET });
    assert_eq!(expired["captchaResponse"]["failureReason"], "TOKEN_EXPIRED");
    let acl = acl_of(&[rule("c", 0, &on_path("/foo"), &json!({"Challenge": {}}))], &[]);
    let invalid = Clearance { standing: Standing::Invalid, ..Clearance::default() };
    let record = record(&acl, &Sent { clearance: invalid, ..GET });
    assert_eq!(
        (&record["responseCodeSent"], &record["challengeResponse"]["failureReason"]),
        (&json!(403), &json!("TOKEN_INVALID"))
    );
}

#[test]
fn rates() {
    let by = |members: Value| {
        let mut rate = json!({"Limit": 10, "EvaluationWindowSec": 120});
        rate.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        acl_of(&[rule("RateBasedRule", 0, &json!({ "RateBasedStatement": rate }), &json!({"Block": {}}))], &[])
    };
    let keys = json!([{"Header": {"Name": "dogname", "TextTransformations": none()}},
        {"Cookie": {"Name": "sid", "TextTransformations": none()}},
        {"QueryArgument": {"Name": "token", "TextTransformations": none()}}]);
    let sent = Sent {
        fields: &[("dogname", "ella"), ("cookie", "sid=hunter2")],
        query: Some("token=hunter3"),
        times: 10,
        ..GET
    };
    let of_keys = record(&by(json!({"AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": keys})), &sent);
    assert_eq!((&of_keys["terminatingRuleType"], &of_keys["action"]), (&json!("RATE_BASED"), &json!("BLOCK")));
    let expected = json!([{"rateBasedRuleId": "RateBasedRule", "rateBasedRuleName": "RateBasedRule", "limitKey": "CUSTOMKEYS",
        "maxRateAllowed": 10, "evaluationWindowSec": "120", "customValues": [
            {"key": "HEADER", "name": "dogname", "value": "ella"}, {"key": "COOKIE", "name": "sid", "value": "REDACTED"},
            {"key": "QUERY_ARGUMENT", "name": "token", "value": "REDACTED"}]}]);
    assert_eq!(of_keys["rateBasedRuleList"], expected);
    assert!(!of_keys.to_string().contains("hunter"));
    let of_address = record(&by(json!({"AggregateKeyType": "IP"})), &sent);
    let rate = &of_address["rateBasedRuleList"][0];
    assert_eq!((&rate["limitKey"], &rate["limitValue"]), (&json!("IP"), &json!("1.1.1.1")));
    assert_eq!(record(&by(json!({"AggregateKeyType": "IP"})), &GET)["rateBasedRuleList"], json!([]), "it did not act");
}

/// Whoever reads a log is not to know which requests are one client's, though a rule counts by that.
#[test]
fn rates_of_sessions_tell_none() {
    let told = |namespace: &str, session: u8| {
        let keys = json!([{"LabelNamespace": {"Namespace": namespace}}]);
        let rate =
            json!({"Limit": 10, "EvaluationWindowSec": 120, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": keys});
        let acl = acl_of(&[rule("r", 0, &json!({ "RateBasedStatement": rate }), &json!({"Block": {}}))], &[]);
        let clearance = Clearance { standing: Standing::Good, session: Some([session; 16]), ..Clearance::default() };
        let record = record(&acl, &Sent { times: 10, clearance, ..GET });
        assert_eq!(record["action"], "BLOCK", "the whole key is counted");
        assert!(!record.to_string().contains(&format!("{session:x}").repeat(16)), "{record}");
        record["rateBasedRuleList"][0]["customValues"].clone()
    };
    let namespace = "awswaf:managed:token:id:";
    assert_eq!(told(namespace, 0xab), json!([{"key": "LABEL_NAMESPACE", "name": namespace, "value": "REDACTED"}]));
    let namespace = "awswaf:managed:token:";
    let value = told(namespace, 0xab)[0]["value"].clone();
    assert!(value.as_str().is_some_and(|value| value.starts_with(namespace) && !value.contains(":id:")), "{value}");
}

#[test]
fn what_the_configuration_leaves_out() {
    let acl = acl_of(&[rule("r", 0, &sqli(&header("foo")), &json!({"Block": {}}))], &[]);
    let logging = json!({"RedactedFields": [{"UriPath": {}}, {"QueryString": {}}, {"Method": {}}, {"SingleHeader": {"Name": "Foo"}}]});
    let sent = Sent { path: "/hunter1", query: Some("a=hunter2"), fields: &[("foo", "1' OR 'hunter'='hunter")], ..GET };
    let record = logged(&acl, &logging, &sent).unwrap();
    let request = &record["httpRequest"];
    assert_eq!(
        (&request["uri"], &request["args"], &request["httpMethod"]),
        (&json!("REDACTED"), &json!("REDACTED"), &json!("REDACTED"))
    );
    assert_eq!(request["headers"], json!([{"name": "foo", "value": "REDACTED"}]));
    assert_eq!(record["terminatingRuleMatchDetails"][0]["matchedData"], json!([]));
    assert!(!record.to_string().contains("hunter"));
}

#[test]
fn filters() {
    let mut counts = rule("counts", 0, &on_path("/counted"), &json!({"Count": {}}));
    counts["RuleLabels"] = json!([{"Name": "seen"}]);
    let acl =
        acl_of(&[counts, rule("blocks", 2, &on_path("/evil"), &json!({"Block": {}})), reference("None")], &inner());
    let keep = |conditions: Value| {
        json!({"LoggingFilter": {"DefaultBehavior": "DROP", "Filters": [
            {"Behavior": "KEEP", "Requirement": "MEETS_ALL", "Conditions": conditions}]}})
    };
    let action = |name: &str| json!({"ActionCondition": {"Action": name}});
    let label = json!({"LabelNameCondition": {"LabelName": "awswaf:111122223333:webacl:STMTest:seen"}});
    let kept = |conditions: Value, path: &str| logged(&acl, &keep(conditions), &Sent { path, ..GET }).is_some();
    assert!(kept(json!([action("BLOCK")]), "/evil") && !kept(json!([action("BLOCK")]), "/good"));
    assert!(kept(json!([action("ALLOW")]), "/good") && !kept(json!([action("ALLOW")]), "/evil"));
    assert!(kept(json!([action("COUNT"), label]), "/counted") && !kept(json!([action("COUNT"), label]), "/foo"));
    assert!(
        kept(json!([action("EXCLUDED_AS_COUNT")]), "/foo") && !kept(json!([action("EXCLUDED_AS_COUNT")]), "/counted")
    );
    assert!(!kept(json!([action("CAPTCHA")]), "/foo"));
}

proptest! {
    /// No secret of a request is in its record, whatever rules found in it.
    #[test]
    fn no_record_has_a_secret(
        secret in "[A-Za-z0-9]{16,24}",
        name in prop::sample::select(vec!["authorization", "cookie", "dpop", "x-amz-security-token", "x-aws-waf-token", "x-api-key"]),
        form in prop::sample::select(vec!["{}", "Bearer {}", "a={}; b={}", "aws-waf-token={}", "1' OR {}='{}"]),
        argument in prop::sample::select(vec!["code", "access_token", "password", "state"]),
    ) {
        let value = form.replace("{}", &secret);
        let query = format!("{argument}=1'%20OR%20{secret}='{secret}&q=1");
        let all = [sqli(&json!({"QueryString": {}})), sqli(&json!({"AllQueryArguments": {}})), sqli(&header(name)),
            sqli(&json!({"SingleQueryArgument": {"Name": argument}})), sqli(&json!({"Cookies": {"MatchPattern": {"All": {}},
                "MatchScope": "ALL", "OversizeHandling": "CONTINUE"}}))];
        let rules: Vec<Value> = all.iter().enumerate().map(|(at, one)| rule(&format!("r{at}"), at as u32, one, &json!({"Count": {}}))).collect();
        let acl = acl_of(&rules, &[]);
        let record = record(&acl, &Sent { query: Some(&query), fields: &[(name, &value)], ..GET }).to_string();
        prop_assert!(!record.contains(&secret), "{record}");
    }
}
