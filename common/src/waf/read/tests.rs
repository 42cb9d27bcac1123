use serde_json::{Value, json};

use super::*;
use crate::waf::capacity::{self, GroupName};
use crate::waf::model::{Action, Aggregation, KeyPart, Position, RuleAction, Statement};

const TEXT: Dialect = Dialect { search_strings: SearchStrings::Text };

fn acl_of(rules: &Value) -> Value {
    json!({"Name": "one", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": rules})
}

fn visibility() -> Value {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(statement: &Value) -> Value {
    json!({"Name": "r", "Priority": 1, "Statement": statement, "Action": {"Block": {}}, "VisibilityConfig": visibility()})
}

fn statement(statement: &Value) -> Result<Statement, Invalid> {
    let acl = web_acl(&acl_of(&json!([rule(statement)])), TEXT)?;
    Ok(acl.rules.into_iter().next().expect("one rule").statement)
}

fn on_path(name: &str, more: &Value) -> Value {
    let mut inner = json!({"FieldToMatch": {"UriPath": {}}, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]});
    for (key, value) in more.as_object().expect("an object") {
        inner[key] = value.clone();
    }
    json!({ name: inner })
}

fn byte_match(search: &str) -> Value {
    on_path("ByteMatchStatement", &json!({"SearchString": search, "PositionalConstraint": "CONTAINS"}))
}

#[test]
fn a_web_acl_as_get_web_acl_answers() {
    let mut inner = acl_of(&json!([rule(&byte_match("L2FkbWlu"))]));
    for (key, value) in [
        ("Id", json!("0dbd1a6c-5b25-4b2e-9d4c-6e8f4ad7b2b1")),
        ("ARN", json!("arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/one/0dbd1a6c-5b25-4b2e-9d4c-6e8f4ad7b2b1")),
        ("Description", json!("what it is for")),
        ("Capacity", json!(12)),
        ("ManagedByFirewallManager", json!(false)),
        ("LabelNamespace", json!("awswaf:123456789012:webacl:one:")),
        ("TokenDomains", json!(["Example.com"])),
        ("AssociationConfig", json!({"RequestBody": {"COGNITO_USER_POOL": {"DefaultSizeInspectionLimit": "KB_32"}}})),
        ("CaptchaConfig", json!({"ImmunityTimeProperty": {"ImmunityTime": 60}})),
    ] {
        inner[key] = value;
    }
    let acl = web_acl(&json!({"WebACL": inner, "LockToken": "x"}), Dialect::default()).unwrap();
    assert_eq!((acl.captcha_immunity, acl.challenge_immunity, acl.body_limit), (60, 300, Some(32 * 1024)));
    assert_eq!(
        (acl.label_namespace.as_str(), acl.token_domains),
        ("awswaf:123456789012:webacl:one:", vec!["example.com".to_owned()])
    );
    let [only] = acl.rules.as_slice() else { panic!("one rule") };
    assert_eq!(only.action, RuleAction::Own(Action::Block(None)));
    assert!(
        matches!(&only.statement, Statement::ByteMatch { search, position: Position::Contains, .. } if search == b"/admin"),
        "the API has texts in base64"
    );
}

#[test]
fn rules_are_in_the_order_of_their_priorities_and_transformations_too() {
    let chain = json!([{"Priority": 5, "Type": "LOWERCASE"}, {"Priority": 1, "Type": "URL_DECODE"}, {"Priority": 0, "Type": "NONE"}]);
    let mut second = rule(&byte_match("b"));
    second["Name"] = json!("second");
    second["Priority"] = json!(0);
    let first = rule(&on_path("XssMatchStatement", &json!({ "TextTransformations": chain })));
    let acl = web_acl(&acl_of(&json!([first, second])), TEXT).unwrap();
    assert_eq!(acl.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["second", "r"]);
    let Statement::Xss { target } = &acl.rules[1].statement else { panic!("{:?}", acl.rules[1]) };
    assert_eq!(target.transforms.iter().map(|one| one.name()).collect::<Vec<_>>(), ["URL_DECODE", "LOWERCASE"]);
}

#[test]
fn every_statement_and_what_it_costs() {
    let none = json!([{"Priority": 0, "Type": "NONE"}]);
    let two = json!([{"Priority": 0, "Type": "URL_DECODE"}, {"Priority": 1, "Type": "LOWERCASE"}]);
    let arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/ipset/x/y";
    let at = |field: Value, chain: &Value| json!({"FieldToMatch": field, "TextTransformations": chain});
    let with = |mut inner: Value, more: Value| {
        for (key, value) in more.as_object().expect("an object") {
            inner[key] = value.clone();
        }
        inner
    };
    let json_body =
        json!({"JsonBody": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": "MATCH"}});
    let cases = [
        (
            json!({"ByteMatchStatement": with(at(json!({"Method": {}}), &none), json!({"SearchString": "x", "PositionalConstraint": "EXACTLY"}))}),
            2,
        ),
        (
            json!({"ByteMatchStatement": with(at(json!({"AllQueryArguments": {}}), &two), json!({"SearchString": "x", "PositionalConstraint": "CONTAINS_WORD"}))}),
            40,
        ),
        (json!({"RegexMatchStatement": with(at(json_body.clone(), &none), json!({"RegexString": "a+"}))}), 6),
        (json!({"RegexPatternSetReferenceStatement": with(at(json!({"UriPath": {}}), &two), json!({"ARN": arn}))}), 45),
        (
            json!({"SizeConstraintStatement": with(at(json!({"Body": {"OversizeHandling": "MATCH"}}), &none), json!({"ComparisonOperator": "GT", "Size": 8192}))}),
            1,
        ),
        (
            json!({"SqliMatchStatement": at(json!({"Cookies": {"MatchPattern": {"IncludedCookies": ["a"]}, "MatchScope": "VALUE", "OversizeHandling": "CONTINUE"}}), &none)}),
            20,
        ),
        (json!({"SqliMatchStatement": with(at(json_body, &two), json!({"SensitivityLevel": "HIGH"}))}), 80),
        (
            json!({"XssMatchStatement": at(json!({"Headers": {"MatchPattern": {"ExcludedHeaders": ["Cookie"]}, "MatchScope": "ALL", "OversizeHandling": "CONTINUE"}}), &none)}),
            40,
        ),
        (json!({"GeoMatchStatement": {"CountryCodes": ["DE", "AT"]}}), 1),
        (
            json!({"AsnMatchStatement": {"AsnList": [64496], "ForwardedIPConfig": {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH"}}}),
            1,
        ),
        (json!({"IPSetReferenceStatement": {"ARN": arn}}), 1),
        (
            json!({"IPSetReferenceStatement": {"ARN": arn, "IPSetForwardedIPConfig": {"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH", "Position": "ANY"}}}),
            5,
        ),
        (json!({"LabelMatchStatement": {"Scope": "NAMESPACE", "Key": "a:b:"}}), 1),
        (json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}), 2),
        (
            json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "CUSTOM_KEYS", "ScopeDownStatement": byte_match("x"), "CustomKeys": [{"IP": {}}, {"Header": {"Name": "User-Agent", "TextTransformations": none}}]}}),
            72,
        ),
        (
            json!({"NotStatement": {"Statement": {"AndStatement": {"Statements": [byte_match("a"), {"OrStatement": {"Statements": [byte_match("b"), {"GeoMatchStatement": {"CountryCodes": ["FR"]}}]}}]}}}}),
            21,
        ),
        (
            json!({"SizeConstraintStatement": with(at(json!({"Claim": {"Name": "sub"}}), &none), json!({"ComparisonOperator": "EQ", "Size": 0}))}),
            1,
        ),
    ];
    for (json, cost) in cases {
        let read = statement(&json).unwrap_or_else(|invalid| panic!("{invalid}: {json}"));
        assert_eq!(capacity::of_statement(&read, &|_| None), Some(cost), "{json}");
    }
}

#[test]
fn groups_stand_alone_and_their_capacity_is_asked_for() {
    let arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/rulegroup/x/y";
    let group = json!({"Name": "g", "Priority": 1, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility(),
        "Statement": {"RuleGroupReferenceStatement": {"ARN": arn, "ExcludedRules": [{"Name": "e"}],
            "RuleActionOverrides": [{"Name": "o", "ActionToUse": {"Captcha": {}}}]}}});
    let managed = json!({"Name": "m", "Priority": 2, "OverrideAction": {"Count": {}}, "VisibilityConfig": visibility(),
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet", "ScopeDownStatement": byte_match("x")}}});
    let acl = web_acl(&acl_of(&json!([group, managed])), TEXT).unwrap();
    let known = |name: GroupName<'_>| match name {
        GroupName::Arn(named) => (named == arn).then_some(50),
        GroupName::Managed { vendor: "AWS", name: "AWSManagedRulesCommonRuleSet" } => Some(700),
        GroupName::Managed { .. } => None,
    };
    assert_eq!(capacity::of_rules(&acl.rules, &known), Some(760));
    assert_eq!(capacity::of_rules(&acl.rules, &|_| None), None);
    let Statement::Group(reference) = &acl.rules[0].statement else { panic!("{:?}", acl.rules[0]) };
    assert_eq!(reference.overrides.get("e"), Some(&Action::Count(Vec::new())));
    assert_eq!(reference.overrides.get("o"), Some(&Action::Captcha(Vec::new())));
    let own = json!({"RuleGroup": {"Name": "x", "ARN": arn, "Capacity": 5, "VisibilityConfig": visibility(), "Rules": [rule(&byte_match("x"))]}});
    assert!(rule_group(&own, TEXT).unwrap_err().reason.contains("capacity of 10"));
}

#[test]
fn aggregation_of_custom_keys() {
    let keys = json!([{"ForwardedIP": {}}, {"LabelNamespace": {"Namespace": "a:"}}, {"HTTPMethod": {}}, {"Claim": {"Name": "sub"}},
        {"Cookie": {"Name": "Session", "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}]}}]);
    let json = json!({"RateBasedStatement": {"Limit": 10, "EvaluationWindowSec": 60, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": keys,
        "ForwardedIPConfig": {"HeaderName": "X-Real-IP", "FallbackBehavior": "NO_MATCH"}}});
    let Statement::Rate(rate) = statement(&json).unwrap() else { panic!("a rate") };
    let Aggregation::Keys(parts) = &rate.aggregation else { panic!("{rate:?}") };
    assert!(matches!(&parts[0], KeyPart::ForwardedIp(forwarded) if forwarded.header == "x-real-ip"));
    assert!(matches!(&parts[4], KeyPart::Cookie(name, chain) if name == "Session" && chain.len() == 1));
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let rate = |inner: Value| json!({ "RateBasedStatement": inner });
    let nested = (0..20).fold(byte_match("x"), |inner, _| json!({"NotStatement": {"Statement": inner}}));
    let cases = [
        (json!({}), "STATEMENT", "exactly one member"),
        (json!({"ByteMatchStatement": {}, "XssMatchStatement": {}}), "STATEMENT", "several members"),
        (json!({"BiteMatchStatement": {}}), "STATEMENT", "is no statement"),
        (
            on_path("ByteMatchStatement", &json!({"PositionalConstraint": "CONTAINS"})),
            "BYTE_MATCH_STATEMENT",
            "is missing",
        ),
        (byte_match(""), "BYTE_MATCH_STATEMENT", "1 to 200 bytes"),
        (byte_match(&"x".repeat(201)), "BYTE_MATCH_STATEMENT", "1 to 200 bytes"),
        (
            on_path("ByteMatchStatement", &json!({"SearchString": "x", "PositionalConstraint": "WITHIN"})),
            "BYTE_MATCH_STATEMENT",
            "EXACTLY",
        ),
        (on_path("XssMatchStatement", &json!({"Sensitivity": "LOW"})), "XSS_MATCH_STATEMENT", "is not known here"),
        (on_path("XssMatchStatement", &json!({"TextTransformations": []})), "TEXT_TRANSFORMATION", "1 to 10 items"),
        (
            on_path("XssMatchStatement", &json!({"TextTransformations": [{"Priority": 0, "Type": "ROT13"}]})),
            "TEXT_TRANSFORMATION",
            "no text transformation",
        ),
        (
            on_path(
                "XssMatchStatement",
                &json!({"TextTransformations": [{"Priority": 0, "Type": "NONE"}, {"Priority": 0, "Type": "MD5"}]}),
            ),
            "TEXT_TRANSFORMATION",
            "twice",
        ),
        (on_path("XssMatchStatement", &json!({"FieldToMatch": {"Path": {}}})), "FIELD_TO_MATCH", "no field"),
        (
            on_path(
                "XssMatchStatement",
                &json!({"FieldToMatch": {"Headers": {"MatchPattern": {"All": {}}, "MatchScope": "ALL"}}}),
            ),
            "HEADER_MATCH_PATTERN",
            "is missing",
        ),
        (
            on_path(
                "XssMatchStatement",
                &json!({"FieldToMatch": {"JsonBody": {"MatchPattern": {"IncludedPaths": ["a"]}, "MatchScope": "ALL"}}}),
            ),
            "JSON_MATCH_PATTERN",
            "JSON pointer",
        ),
        (on_path("RegexMatchStatement", &json!({"RegexString": "(?=x)"})), "STATEMENT", "look-around"),
        (
            on_path("SizeConstraintStatement", &json!({"ComparisonOperator": "GT", "Size": -1})),
            "SIZE_CONSTRAINT_STATEMENT",
            "whole number",
        ),
        (json!({"GeoMatchStatement": {"CountryCodes": ["de"]}}), "GEO_MATCH_STATEMENT", "ISO 3166-1"),
        (
            json!({"LabelMatchStatement": {"Scope": "NAMESPACE", "Key": "a:b"}}),
            "LABEL_MATCH_STATEMENT",
            "ends in a colon",
        ),
        (json!({"AndStatement": {"Statements": [byte_match("x")]}}), "AND_STATEMENT", "2 or more"),
        (
            json!({"NotStatement": {"Statement": rate(json!({"Limit": 100, "AggregateKeyType": "IP"}))}}),
            "STATEMENT",
            "inside of another",
        ),
        (rate(json!({"Limit": 9, "AggregateKeyType": "IP"})), "RATE_BASED_STATEMENT", "from 10"),
        (rate(json!({"Limit": 10, "AggregateKeyType": "CONSTANT"})), "RATE_BASED_STATEMENT", "ScopeDownStatement"),
        (
            rate(json!({"Limit": 10, "AggregateKeyType": "IP", "EvaluationWindowSec": 30})),
            "RATE_BASED_STATEMENT",
            "60, 120, 300 or 600",
        ),
        (rate(json!({"Limit": 10, "AggregateKeyType": "FORWARDED_IP"})), "RATE_BASED_STATEMENT", "ForwardedIPConfig"),
        (
            rate(json!({"Limit": 10, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [{"IP": {}}]})),
            "CUSTOM_KEYS",
            "needs another",
        ),
        (nested, "STATEMENT", "more than 16"),
    ];
    for (json, field, reason) in cases {
        let invalid = statement(&json).expect_err(&json.to_string());
        assert_eq!(invalid.field, field, "{invalid}");
        assert!(invalid.reason.contains(reason), "{invalid}: {reason}");
        assert!(invalid.place.starts_with("Rules[0].Statement"), "{invalid}");
    }
    let invalid = web_acl(&acl_of(&json!([rule(&byte_match("x"))])), Dialect::default()).unwrap_err();
    assert_eq!(invalid.place, "Rules[0].Statement.ByteMatchStatement.SearchString");
    assert!(invalid.to_string().contains("base64"), "{invalid}");
}

#[test]
fn what_is_wrong_around_statements() {
    let good = rule(&byte_match("x"));
    let changed = |key: &str, value: Value| {
        let mut rule = good.clone();
        rule[key] = value;
        acl_of(&json!([rule]))
    };
    let mut twice = good.clone();
    twice["Name"] = json!("s");
    let acl = |key: &str, value: Value| {
        let mut acl = acl_of(&json!([good]));
        acl[key] = value;
        acl
    };
    let cases = [
        (acl("DefaultAction", json!({"Count": {}})), "Allow or Block"),
        (
            acl(
                "DefaultAction",
                json!({"Block": {"CustomResponse": {"ResponseCode": 404, "CustomResponseBodyKey": "k"}}}),
            ),
            "no custom response body",
        ),
        (acl("CustomResponseBodies", json!({"k": {"ContentType": "APPLICATION_JSON", "Content": "{"}})), "no JSON"),
        (
            acl("CustomResponseBodies", json!({"k": {"ContentType": "TEXT_PLAIN", "Content": "x".repeat(10_241)}})),
            "10240",
        ),
        (acl("Rules", json!([good, good])), "another rule of the name"),
        (acl("Rules", json!([good, twice])), "another rule of the priority"),
        (acl("Name", json!("a b")), "not allowed here"),
        (acl("Colour", json!("red")), "is not known here"),
        (acl("PostProcessFirewallManagerRuleGroups", json!([{}])), "Firewall Manager"),
        (changed("Action", json!({"Block": {"CustomResponse": {"ResponseCode": 600}}})), "200 to 599"),
        (
            changed(
                "Action",
                json!({"Allow": {"CustomRequestHandling": {"InsertHeaders": [{"Name": "a b", "Value": "c"}]}}}),
            ),
            "not allowed here",
        ),
        (
            changed(
                "Action",
                json!({"Allow": {"CustomRequestHandling": {"InsertHeaders": [{"Name": "a", "Value": "b\r\nc"}]}}}),
            ),
            "not allowed here",
        ),
        (changed("Action", json!({"Monetize": {}})), "CloudFront"),
        (changed("Action", json!(null)), "must have an Action"),
        (changed("OverrideAction", json!({"None": {}})), "no OverrideAction"),
        (changed("RuleLabels", json!([{"Name": "a::b"}])), "two in a row"),
        (changed("RuleLabels", json!([{"Name": "awswaf:x"}])), "reserved"),
        (changed("ChallengeConfig", json!({"ImmunityTimeProperty": {"ImmunityTime": 59}})), "from 60"),
        (json!([]), "must be an object"),
        (json!(null), "must be an object"),
    ];
    for (json, reason) in cases {
        let invalid = web_acl(&json, TEXT).expect_err(&json.to_string());
        assert!(invalid.reason.contains(reason), "{invalid}: {reason}");
    }
}

#[test]
fn sets_have_networks_of_one_version_and_patterns_that_compile() {
    let ips = |version: &str, addresses: Value| {
        ip_set(&json!({"IPSet": {"Name": "s", "IPAddressVersion": version, "Addresses": addresses}}))
    };
    let set = ips("IPV4", json!(["192.0.2.77/24", "198.51.100.1/32"])).unwrap();
    assert_eq!(set.networks.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.0/24", "198.51.100.1/32"]);
    for (version, address, reason) in [
        ("IPV4", "192.0.2.1", "needs a length"),
        ("IPV4", "2001:db8::/32", "other version"),
        ("IPV6", "::/0", "/0 is not allowed"),
        ("IPV6", "example.com", "no network"),
    ] {
        assert!(ips(version, json!([address])).unwrap_err().reason.contains(reason), "{address}");
    }
    assert!(
        ip_set(&json!({"Name": "s", "IPAddressVersion": "IPV4", "Addresses": vec!["192.0.2.1/32"; 10_001]})).is_err()
    );
    let patterns = |list: Value| regex_set(&json!({"Name": "p", "RegularExpressionList": list}));
    assert_eq!(patterns(json!([{"RegexString": "^a"}])).unwrap().patterns, ["^a"]);
    assert!(patterns(json!([{"RegexString": "("}])).is_err());
    assert!(patterns(json!(vec![json!({"RegexString": "a"}); 11])).is_err());
}
