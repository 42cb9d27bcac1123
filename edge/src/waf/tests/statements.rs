use super::*;

#[test]
fn positions_of_a_text() {
    let uri = json!({"UriPath": {}});
    for (position, search, path, expected) in [
        ("EXACTLY", "/admin", "/admin", true),
        ("EXACTLY", "/admin", "/admin/", false),
        ("STARTS_WITH", "/admin", "/admin/x", true),
        ("STARTS_WITH", "admin", "/admin", false),
        ("ENDS_WITH", ".php", "/a.php", true),
        ("ENDS_WITH", ".php", "/a.php/", false),
        ("CONTAINS", "dmi", "/admin", true),
        ("CONTAINS", "DMI", "/admin", false),
        ("CONTAINS_WORD", "admin", "/admin/x", true),
        ("CONTAINS_WORD", "admin", "/admin_x", false),
        ("CONTAINS_WORD", "admin", "/xadmin/admin", true),
        ("CONTAINS_WORD", "/a", "/a-b", true),
    ] {
        assert_eq!(matches(&bytes(&uri, position, search), &Sent::get(path)), expected, "{position} {search} {path}");
    }
}

#[test]
fn texts_differ_by_case_until_a_transformation_takes_it() {
    let field = json!({"QueryString": {}});
    let exact = on(
        "ByteMatchStatement",
        &field,
        &["LOWERCASE"],
        &json!({"SearchString": "select", "PositionalConstraint": "CONTAINS"}),
    );
    assert!(matches(&exact, &Sent::get("/?q=SeLeCt")));
    assert!(!matches(&bytes(&field, "CONTAINS", "select"), &Sent::get("/?q=SeLeCt")));
}

#[test]
fn transformations_run_in_their_order() {
    let field = json!({"QueryString": {}});
    let search = json!({"SearchString": "<b>", "PositionalConstraint": "CONTAINS"});
    let decoded = on("ByteMatchStatement", &field, &["URL_DECODE", "HTML_ENTITY_DECODE"], &search);
    let other = on("ByteMatchStatement", &field, &["HTML_ENTITY_DECODE", "URL_DECODE"], &search);
    let sent = Sent::get("/?q=%26lt;b%26gt;");
    assert!(matches(&decoded, &sent));
    assert!(!matches(&other, &sent));
}

#[test]
fn and_or_and_not() {
    let uri = json!({"UriPath": {}});
    let (a, b) = (bytes(&uri, "CONTAINS", "a"), bytes(&uri, "CONTAINS", "b"));
    let and = json!({"AndStatement": {"Statements": [a, b]}});
    let or = json!({"OrStatement": {"Statements": [a, b]}});
    let not = json!({"NotStatement": {"Statement": or}});
    for (path, in_and, in_or) in [("/x", false, false), ("/a", false, true), ("/b", false, true), ("/ba", true, true)] {
        assert_eq!(matches(&and, &Sent::get(path)), in_and, "{path}");
        assert_eq!(matches(&or, &Sent::get(path)), in_or, "{path}");
        assert_eq!(matches(&not, &Sent::get(path)), !in_or, "{path}");
    }
}

#[test]
fn patterns_with_and_without_texts_to_look_for() {
    let query = json!({"QueryString": {}});
    let both =
        json!({"OrStatement": {"Statements": [regex(&query, "(?i)union.{1,10}select"), regex(&query, "[0-9]{4}")]}});
    assert!(matches(&both, &Sent::get("/?q=UNION+all+SELECT")));
    assert!(matches(&both, &Sent::get("/?pin=1234")));
    assert!(!matches(&both, &Sent::get("/?q=union&r=123")));
}

#[test]
fn a_set_of_patterns_matches_by_any_of_them() {
    let arn = "arn:aws:wafv2:eu-west-1:123456789012:regional/regexpatternset/x/y";
    let mut library = Library::default();
    let set =
        json!({"Name": "s", "ARN": arn, "RegularExpressionList": [{"RegexString": "^/a"}, {"RegexString": "b$"}]});
    assert!(library.add_regex_set(read::regex_set(&set).unwrap()));
    let statement = on("RegexPatternSetReferenceStatement", &json!({"UriPath": {}}), &[], &json!({ "ARN": arn }));
    let acl = compiled(&acl_of(&[blocks(&statement)]), &library);
    for (path, expected) in [("/a", true), ("/x/b", true), ("/x", false)] {
        let (said, _) = Counters::new().said(&acl, &Sent::get(path));
        assert_eq!(matches!(said, Said::Done(Verdict { ending: Ending::Block(_), .. })), expected, "{path}");
    }
    let missing = compile(&read::web_acl(&acl_of(&[blocks(&statement)]), TEXT).unwrap(), &Library::default());
    assert_eq!(missing.unwrap_err().to_string(), format!("rule r: there is no regex pattern set {arn}"));
}

#[test]
fn sizes_are_those_after_transformations() {
    let field = json!({"QueryString": {}});
    let size = |operator: &str, size: u64, chain: &[&str]| {
        on("SizeConstraintStatement", &field, chain, &json!({"ComparisonOperator": operator, "Size": size}))
    };
    let sent = Sent::get("/?%41%42");
    for (operator, bytes, expected) in
        [("EQ", 6, true), ("NE", 6, false), ("LE", 6, true), ("LT", 6, false), ("GE", 7, false), ("GT", 5, true)]
    {
        assert_eq!(matches(&size(operator, bytes, &[]), &sent), expected, "{operator} {bytes}");
    }
    assert!(matches(&size("EQ", 2, &["URL_DECODE"]), &sent));
    assert!(!matches(&size("GE", 0, &[]), &Sent::get("/")), "a request without the part does not match");
    assert!(matches(&size("EQ", 0, &[]), &Sent::get("/?")));
}

#[test]
fn sql_and_scripts() {
    let arguments = json!({"AllQueryArguments": {}});
    let sqli =
        |level: &str| on("SqliMatchStatement", &arguments, &["URL_DECODE"], &json!({ "SensitivityLevel": level }));
    let xss = on("XssMatchStatement", &arguments, &["URL_DECODE"], &json!({}));
    for query in ["id=1'+OR+'1'='1", "id=1+UNION+SELECT+password+FROM+users", "id=1;+DROP+TABLE+users--"] {
        assert!(matches(&sqli("LOW"), &Sent::get(&format!("/?{query}"))), "{query}");
    }
    for query in ["q=%3Cscript%3Ealert(1)%3C/script%3E", "q=%22%3E%3Cimg+src=x+onerror=alert(1)%3E"] {
        assert!(matches(&xss, &Sent::get(&format!("/?{query}"))), "{query}");
    }
    for query in [
        "name=O'Brien",
        "q=select+a+union+representative",
        "q=a+%3C+b",
        "id=018f3a3c-5b25-7b2e-9d4c-6e8f4ad7b2b1",
        "sort=-created_at",
        "mail=a.b@example.com",
    ] {
        let sent = Sent::get(&format!("/?{query}"));
        assert!(!matches(&sqli("LOW"), &sent) && !matches(&sqli("HIGH"), &sent) && !matches(&xss, &sent), "{query}");
    }
}
