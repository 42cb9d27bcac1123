use super::*;

fn contains(field: &Value, search: &str) -> Value {
    bytes(field, "CONTAINS", search)
}

#[test]
fn every_value_of_a_header_is_inspected() {
    let field = json!({"SingleHeader": {"Name": "X-Tag"}});
    let sent = Sent::get("/").with("x-tag", "good").with("x-tag", "bad, worse");
    assert!(matches(&contains(&field, "worse"), &sent));
    assert!(matches(&bytes(&field, "EXACTLY", "good"), &sent));
    assert!(!matches(&bytes(&field, "EXACTLY", "bad"), &sent));
    assert!(!matches(&json!({"NotStatement": {"Statement": contains(&field, "good")}}), &sent));
    assert!(
        matches(&json!({"NotStatement": {"Statement": contains(&field, "good")}}), &Sent::get("/")),
        "without the header it does not match"
    );
}

#[test]
fn headers_by_name_and_scope() {
    let field = |pattern: Value, scope: &str| json!({"Headers": {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": "CONTINUE"}});
    let sent = Sent::get("/").with("X-One", "alpha").with("X-Two", "beta");
    assert!(matches(&contains(&field(json!({"All": {}}), "ALL"), "x-two"), &sent));
    assert!(matches(&contains(&field(json!({"All": {}}), "VALUE"), "beta"), &sent));
    assert!(!matches(&contains(&field(json!({"All": {}}), "VALUE"), "x-two"), &sent));
    assert!(!matches(&contains(&field(json!({"All": {}}), "KEY"), "beta"), &sent));
    assert!(!matches(&contains(&field(json!({"ExcludedHeaders": ["X-TWO"]}), "ALL"), "beta"), &sent));
    assert!(matches(&contains(&field(json!({"IncludedHeaders": ["X-TWO"]}), "ALL"), "beta"), &sent));
}

#[test]
fn headers_are_inspected_up_to_8_kilobytes_and_200() {
    let field = |oversize: &str| json!({"Headers": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": oversize}});
    let long = Sent::get("/").with("x-a", &"a".repeat(9_000)).with("x-b", "evil");
    assert!(!matches(&contains(&field("CONTINUE"), "evil"), &long));
    assert!(
        matches(&contains(&field("MATCH"), "evil"), &long),
        "what is too long to inspect matches where the rule says so"
    );
    assert!(!matches(&contains(&field("NO_MATCH"), "aaa"), &long));
    assert!(matches(&contains(&field("CONTINUE"), "aaa"), &long), "what fits is inspected");
    let many = (0..201).fold(Sent::get("/"), |sent, number| sent.with(&format!("x-{number}"), "v"));
    assert!(matches(&contains(&field("MATCH"), "nothing"), &many));
    let few = (0..200).fold(Sent::get("/"), |sent, number| sent.with(&format!("x-{number}"), "v"));
    assert!(!matches(&contains(&field("MATCH"), "nothing"), &few));
}

#[test]
fn cookies_by_name() {
    let field = |pattern: Value, scope: &str| json!({"Cookies": {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": "MATCH"}});
    let sent = Sent::get("/").with("cookie", "a=1; Session=abc=def").with("cookie", "b=evil");
    assert!(matches(&contains(&field(json!({"All": {}}), "ALL"), "evil"), &sent));
    assert!(matches(&bytes(&field(json!({"IncludedCookies": ["Session"]}), "VALUE"), "EXACTLY", "abc=def"), &sent));
    assert!(
        !matches(&contains(&field(json!({"IncludedCookies": ["session"]}), "VALUE"), "abc"), &sent),
        "names of cookies have case"
    );
    assert!(!matches(&contains(&field(json!({"ExcludedCookies": ["b"]}), "ALL"), "evil"), &sent));
    assert!(matches(
        &contains(&field(json!({"All": {}}), "ALL"), "none"),
        &Sent::get("/").with("cookie", &format!("a={}", "b".repeat(8_192)))
    ));
}

#[test]
fn arguments_of_the_query() {
    let one = json!({"SingleQueryArgument": {"Name": "UserName"}});
    let all = json!({"AllQueryArguments": {}});
    let sent = Sent::get("/?username=abc&Region=boston&region=seattle&flag&=nameless");
    assert!(matches(&bytes(&one, "EXACTLY", "abc"), &sent));
    assert!(matches(&bytes(&json!({"SingleQueryArgument": {"Name": "region"}}), "EXACTLY", "seattle"), &sent));
    assert!(matches(&bytes(&all, "EXACTLY", "nameless"), &sent));
    assert!(!matches(&contains(&all, "flag"), &sent), "names are not inspected");
    assert!(!matches(&contains(&one, "a"), &Sent::get("/")));
}

#[test]
fn a_query_is_prepared_before_it_is_taken_apart() {
    let with = |kinds: &[&str]| {
        let list: Vec<Value> =
            kinds.iter().enumerate().map(|(priority, kind)| json!({"Priority": priority, "Type": kind})).collect();
        on(
            "ByteMatchStatement",
            &json!({"SingleQueryArgument": {"Name": "a"}}),
            &[],
            &json!({"SearchString": "1,2", "PositionalConstraint": "EXACTLY", "PreParseTextTransformations": list}),
        )
    };
    assert!(matches(&with(&["COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA"]), &Sent::get("/?a=1&b=x&A=2")));
    assert!(matches(
        &with(&["REPLACE_SEMICOLONS_WITH_AMPERSANDS", "COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA"]),
        &Sent::get("/?a=1;a=2")
    ));
    assert!(matches(&with(&["URL_DECODE", "COMBINE_DUPLICATE_QUERY_ARGS_BY_COMMA"]), &Sent::get("/?a=1%26a=2")));
    assert!(!matches(&with(&["NONE"]), &Sent::get("/?a=1&a=2")));
}

#[test]
fn method_path_order_and_what_an_edge_never_sees() {
    assert!(matches(&bytes(&json!({"Method": {}}), "EXACTLY", "POST"), &Sent::post("")));
    assert!(matches(&bytes(&json!({"UriPath": {}}), "EXACTLY", "/a%20b"), &Sent::get("/a%20b?c")));
    let order = json!({"HeaderOrder": {"OversizeHandling": "MATCH"}});
    assert!(matches(
        &bytes(&order, "EXACTLY", "host:user-agent:accept"),
        &Sent::get("/").with("Host", "a").with("User-Agent", "b").with("Accept", "c")
    ));
    for (name, fallback, expected) in
        [("JA3Fingerprint", "MATCH", true), ("JA4Fingerprint", "NO_MATCH", false), ("UriFragment", "MATCH", true)]
    {
        assert_eq!(
            matches(&bytes(&json!({ name: {"FallbackBehavior": fallback} }), "EXACTLY", "x"), &Sent::get("/")),
            expected,
            "{name}"
        );
    }
}

#[test]
fn a_body_is_inspected_as_far_as_it_was_read() {
    let field = |oversize: &str| json!({"Body": {"OversizeHandling": oversize}});
    let long = Sent { more: true, ..Sent::post("the beginning") };
    assert!(matches(&contains(&field("CONTINUE"), "begin"), &long));
    assert!(!matches(&contains(&field("CONTINUE"), "end"), &long));
    assert!(matches(&contains(&field("MATCH"), "end"), &long));
    assert!(!matches(&contains(&field("NO_MATCH"), "begin"), &long));
    assert!(!matches(&contains(&field("MATCH"), "x"), &Sent::get("/")), "no body");
}

#[test]
fn a_body_is_asked_for_by_the_first_rule_that_wants_it_and_nothing_is_done_twice() {
    let rules = [
        rule("a", 0, &json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP"}}), &json!({"Block": {}})),
        rule(
            "b",
            1,
            &bytes(&json!({"Method": {}}), "EXACTLY", "POST"),
            &json!({"Count": {"CustomRequestHandling": {"InsertHeaders": [{"Name": "b", "Value": "1"}]}}}),
        ),
        rule("c", 2, &contains(&json!({"Body": {}}), "evil"), &json!({"Block": {}})),
    ];
    let acl = acl(&rules);
    let counters = Counters::new();
    for number in 0..12 {
        let mut sent = Sent { unread: true, ..Sent::post("evil") };
        let mut progress = Progress::default();
        let first = acl.evaluate(sent.view(), &mut progress, &Nowhere, counters.counting());
        if number >= 10 {
            assert!(matches!(first, Said::Done(Verdict { step: Some(0), .. })), "without reading: {number} {first:?}");
            continue;
        }
        assert_eq!(first, Said::NeedsBody(16 * 1024), "{number}");
        sent.unread = false;
        let second = acl.evaluate(sent.view(), &mut progress, &Nowhere, counters.counting());
        assert!(matches!(second, Said::Done(Verdict { ending: Ending::Block(None), step: Some(2) })), "{second:?}");
        assert_eq!((progress.headers.len(), progress.matched.len()), (1, 1));
    }
}

#[test]
fn json_by_paths_and_scope() {
    let field = |pattern: Value, scope: &str, more: Value| {
        let mut inner = json!({"MatchPattern": pattern, "MatchScope": scope});
        for (key, value) in more.as_object().unwrap() {
            inner[key] = value.clone();
        }
        json!({ "JsonBody": inner })
    };
    let body = r#"{"a":{"c":"d","b":{"e":{"f":"g"}}}, "n": 17.5, "t":"\u0065vil \ud83d\ude00"}"#;
    // The Guide's example.
    for (scope, found) in [("ALL", "efg"), ("KEY", "ef"), ("VALUE", "g")] {
        for text in ["a", "b", "c", "d", "e", "f", "g"] {
            let statement = bytes(&field(json!({"IncludedPaths": ["/a/b"]}), scope, json!({})), "EXACTLY", text);
            assert_eq!(matches(&statement, &Sent::post(body)), found.contains(text), "{scope} {text}");
        }
    }
    let all = field(json!({"All": {}}), "VALUE", json!({}));
    assert!(matches(&bytes(&all, "EXACTLY", "17.5"), &Sent::post(body)));
    assert!(matches(&bytes(&all, "EXACTLY", "evil 😀"), &Sent::post(body)));
    assert!(matches(
        &bytes(&field(json!({"IncludedPaths": ["/l/1"]}), "ALL", json!({})), "EXACTLY", "y"),
        &Sent::post(r#"{"l":["x","y"]}"#)
    ));
    // Missing commas and colons, as the Guide lists them.
    for lenient in [
        r#"{"key1":"value1""key2":"value2"}"#,
        r#"{"key1":"value1","key2""value2"}"#,
        r#"{"key1"::"value1","key2""value2"}"#,
    ] {
        assert!(matches(&bytes(&all, "EXACTLY", "value2"), &Sent::post(lenient)), "{lenient}");
    }
    let broken = [
        r#"{"a":"evil","b":"#,
        r#"{"a":"evil","a":"x"}"#,
        r#""evil""#,
        r#"{"a":"evil"}x"#,
        r#"{"a":"evil",b:1}"#,
        "{\"a\":\"evil\"",
        "{\"a\":\"evil",
    ];
    for (fallback, expected) in [("MATCH", true), ("NO_MATCH", false), ("EVALUATE_AS_STRING", true)] {
        for body in broken {
            let statement =
                contains(&field(json!({"All": {}}), "VALUE", json!({"InvalidFallbackBehavior": fallback})), "evil");
            assert_eq!(matches(&statement, &Sent::post(body)), expected, "{fallback} {body}");
        }
    }
    for body in broken.into_iter().filter(|body| body.starts_with('{')) {
        assert!(
            matches(&contains(&field(json!({"All": {}}), "VALUE", json!({})), "evil"), &Sent::post(body)),
            "up to the error: {body}"
        );
    }
    let deep = format!("{}\"evil\"{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches(
        &contains(&field(json!({"All": {}}), "ALL", json!({"InvalidFallbackBehavior": "MATCH"})), "x"),
        &Sent::post(deep)
    ));
}
