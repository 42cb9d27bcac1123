use super::*;

fn rate(more: &Value) -> Value {
    let mut inner = json!({"Limit": 10, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"});
    for (key, value) in more.as_object().unwrap() {
        inner[key] = value.clone();
    }
    json!({ "RateBasedStatement": inner })
}

/// How many of so many requests pass.
fn passed(counters: &Counters, acl: &Acl, count: usize, sent: impl Fn(usize) -> Sent) -> usize {
    (0..count)
        .filter(|number| {
            matches!(counters.said(acl, &sent(*number)).0, Said::Done(Verdict { ending: Ending::Allow, .. }))
        })
        .count()
}

#[test]
fn exactly_the_limit_passes_in_a_window_and_each_address_has_its_own() {
    let acl = acl(&[blocks(&rate(&json!({})))]);
    let mut counters = Counters::new();
    assert_eq!(passed(&counters, &acl, 25, |_| Sent::get("/")), 10);
    assert_eq!(passed(&counters, &acl, 25, |_| Sent::get("/").from("192.0.2.2")), 10);
    // AWS counts blocked requests too, so who goes on sending stays blocked.
    counters.now += Duration::from_secs(50);
    assert_eq!(passed(&counters, &acl, 25, |_| Sent::get("/")), 0);
    counters.now += Duration::from_secs(62);
    assert_eq!(passed(&counters, &acl, 5, |_| Sent::get("/")), 5);
}

#[test]
fn a_network_of_64_bits_is_one_sender() {
    let acl = acl(&[blocks(&rate(&json!({})))]);
    let counters = Counters::new();
    assert_eq!(passed(&counters, &acl, 1_000, |number| Sent::get("/").from(&format!("2001:db8:0:1::{number:x}"))), 10);
    assert_eq!(passed(&counters, &acl, 5, |number| Sent::get("/").from(&format!("2001:db8:0:2::{number:x}"))), 5);
}

#[test]
fn what_is_out_of_scope_is_neither_counted_nor_matched() {
    let scope = bytes(&json!({"UriPath": {}}), "STARTS_WITH", "/login");
    let acl = acl(&[blocks(&rate(&json!({"ScopeDownStatement": scope})))]);
    let counters = Counters::new();
    assert_eq!(passed(&counters, &acl, 50, |_| Sent::get("/other")), 50);
    assert_eq!(passed(&counters, &acl, 50, |_| Sent::get("/login")), 10);
    assert_eq!(passed(&counters, &acl, 50, |_| Sent::get("/other")), 50);
    let all = self::acl(&[blocks(&rate(
        &json!({"AggregateKeyType": "CONSTANT", "ScopeDownStatement": bytes(&json!({"UriPath": {}}), "STARTS_WITH", "/login")}),
    ))]);
    assert_eq!(passed(&counters, &all, 50, |number| Sent::get("/login").from(&format!("198.51.100.{number}"))), 10);
}

#[test]
fn keys_of_several_parts_and_requests_that_lack_one() {
    let header = json!({"Header": {"Name": "X-Key", "TextTransformations": [{"Priority": 0, "Type": "LOWERCASE"}]}});
    let keys = json!([header, {"HTTPMethod": {}}]);
    let acl = acl(&[blocks(&rate(&json!({"AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": keys})))]);
    let counters = Counters::new();
    assert_eq!(passed(&counters, &acl, 50, |_| Sent::get("/")), 50, "without the header it is not counted");
    assert_eq!(
        passed(&counters, &acl, 50, |number| Sent::get("/").with("x-key", if number % 2 == 0 { "abc" } else { "ABC" })),
        10
    );
    assert_eq!(passed(&counters, &acl, 50, |_| Sent { method: "POST", ..Sent::get("/").with("x-key", "abc") }), 10);
    assert_eq!(passed(&counters, &acl, 50, |_| Sent::get("/").with("x-key", "other")), 10);
}

#[test]
fn labels_cookies_arguments_and_forwarded_addresses_are_keys() {
    let none = json!([{"Priority": 0, "Type": "NONE"}]);
    let forwarded = json!({"HeaderName": "X-Forwarded-For", "FallbackBehavior": "MATCH"});
    let mut labels = rule("labels", 0, &bytes(&json!({"UriPath": {}}), "STARTS_WITH", "/l"), &json!({"Count": {}}));
    labels["RuleLabels"] = json!([{"Name": "who:l"}]);
    let of = |keys: Value| {
        let limits =
            rate(&json!({"AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": keys, "ForwardedIPConfig": forwarded}));
        acl(&[labels.clone(), rule("limits", 1, &limits, &json!({"Block": {}}))])
    };
    let counters = Counters::new();
    let by_label = of(json!([{"LabelNamespace": {"Namespace": "who:"}}]));
    assert_eq!(
        [passed(&counters, &by_label, 20, |_| Sent::get("/l")), passed(&counters, &by_label, 20, |_| Sent::get("/x"))],
        [10, 20]
    );
    let by_cookie = of(json!([{"Cookie": {"Name": "s", "TextTransformations": none}}]));
    let cookie = |value: &str| Sent::get("/").with("cookie", &format!("a=b; s={value}"));
    assert_eq!(
        [passed(&counters, &by_cookie, 20, |_| cookie("1")), passed(&counters, &by_cookie, 20, |_| cookie("2"))],
        [10, 10]
    );
    let by_argument = of(
        json!([{"QueryArgument": {"Name": "U", "TextTransformations": none}}, {"UriPath": {"TextTransformations": none}}]),
    );
    assert_eq!(passed(&counters, &by_argument, 20, |_| Sent::get("/p?u=1")), 10);
    assert_eq!(passed(&counters, &by_argument, 20, |_| Sent::get("/q?u=1")), 10);
    let by_address = of(json!([{"ForwardedIP": {}}, {"HTTPMethod": {}}]));
    assert_eq!(passed(&counters, &by_address, 20, |_| Sent::get("/").with("x-forwarded-for", "203.0.113.5")), 10);
    assert_eq!(passed(&counters, &by_address, 20, |_| Sent::get("/")), 20);
}

#[test]
fn whoever_only_looks_counts_nothing() {
    let acl = acl(&[blocks(&rate(&json!({})))]);
    let counters = Counters::new();
    for _ in 0..50 {
        let looks = Counting { only_looks: true, ..counters.counting() };
        let said = acl.evaluate(Sent::get("/").view(), &mut Progress::default(), &Nowhere, looks);
        assert!(matches!(said, Said::Done(Verdict { ending: Ending::Allow, .. })));
    }
    assert_eq!(passed(&counters, &acl, 25, |_| Sent::get("/")), 10);
}
