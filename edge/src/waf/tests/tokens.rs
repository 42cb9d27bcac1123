use super::*;

fn acl_with(keys: &[(&str, &str)], more: &[Value]) -> Acl {
    let labels = keys.iter().enumerate().map(|(at, (scope, key))| {
        let statement = json!({"LabelMatchStatement": {"Scope": scope, "Key": key}});
        rule(&format!("r{at}"), at as u32, &statement, &json!({"Count": {}}))
    });
    let rules: Vec<Value> = labels.chain(more.iter().cloned()).collect();
    let mut json = acl_of(&rules);
    json["ChallengeConfig"] = json!({"ImmunityTimeProperty": {"ImmunityTime": 1_000}});
    json["CaptchaConfig"] = json!({"ImmunityTimeProperty": {"ImmunityTime": 100}});
    let mut acl = compiled(&json, &Library::default());
    acl.set_difficulty((10, 12), &[]).unwrap();
    acl
}

fn labels(acl: &Acl, clearance: Clearance) -> Vec<String> {
    let (_, progress) = Counters::new().said(acl, &Sent { clearance, ..Sent::get("/") });
    progress.labels.iter().map(|label| label.replace("awswaf:managed:", "")).collect()
}

fn solved(ago: u64, difficulty: u8) -> Option<Solved> {
    Some(Solved { ago, difficulty })
}

#[test]
fn what_the_token_is_worth() {
    let acl = acl_with(&[("LABEL", "awswaf:managed:token:accepted")], &[]);
    let good = Clearance { standing: Standing::Good, session: Some([0xab; 16]), ..Clearance::default() };
    let of = |standing| Clearance { standing, ..Clearance::default() };
    for (clearance, token, captcha) in [
        (of(Standing::Missing), "absent", "absent"),
        (of(Standing::Invalid), "invalid", "invalid"),
        (of(Standing::DomainMismatch), "domain_mismatch", "domain_mismatch"),
        (good, "not_solved", "not_solved"),
        (Clearance { challenge: solved(1_000, 10), ..good }, "accepted", "not_solved"),
        (Clearance { challenge: solved(1_001, 10), ..good }, "expired", "not_solved"),
        (Clearance { challenge: solved(1, 9), ..good }, "not_solved", "not_solved"),
        (Clearance { captcha: solved(100, 12), ..good }, "accepted", "accepted"),
        (Clearance { captcha: solved(101, 12), ..good }, "accepted", "expired"),
        (Clearance { captcha: solved(1, 11), ..good }, "accepted", "not_solved"),
        (Clearance { challenge: solved(2_000, 20), captcha: solved(3, 12), ..good }, "accepted", "accepted"),
    ] {
        let expected: Vec<String> = [("token", token), ("captcha", captcha)]
            .into_iter()
            .flat_map(|(namespace, name)| match name {
                "accepted" | "absent" => vec![format!("{namespace}:{name}")],
                reason => vec![format!("{namespace}:rejected"), format!("{namespace}:rejected:{reason}")],
            })
            .collect();
        assert_eq!(labels(&acl, clearance), expected, "{clearance:?}");
    }
}

#[test]
fn web_acls_that_do_not_care_for_tokens_have_no_such_labels() {
    let good = Clearance { standing: Standing::Good, session: Some([0xab; 16]), ..Clearance::default() };
    let challenge = rule("c", 90, &bytes(&json!({"UriPath": {}}), "EXACTLY", "/x"), &json!({"Challenge": {}}));
    let has = |acl: &Acl| (acl.reads_token(), !labels(acl, good).is_empty());
    assert_eq!(
        has(&acl_with(&[("LABEL", "awswaf:clientip:geo:country:DE"), ("LABEL", "token:absent")], &[])),
        (false, false)
    );
    assert_eq!(has(&acl_with(&[], &[challenge])), (true, true), "it asks");
    for (scope, key) in [
        ("LABEL", "awswaf:managed:token:absent"),
        ("LABEL", "awswaf:managed:captcha:rejected"),
        ("NAMESPACE", "awswaf:managed:token:rejected:"),
        ("NAMESPACE", "awswaf:managed:"),
    ] {
        assert_eq!(has(&acl_with(&[(scope, key)], &[])), (true, true), "{key}");
    }
}

#[test]
fn sessions_are_labels_where_a_rule_asks_for_them() {
    let session = |byte: u8| Clearance { standing: Standing::Good, session: Some([byte; 16]), ..Clearance::default() };
    let asks = acl_with(&[("NAMESPACE", "awswaf:managed:token:id:")], &[]);
    assert!(labels(&asks, session(0xab)).contains(&format!("token:id:{}", "ab".repeat(16))));
    let (_, progress) = Counters::new().said(&asks, &Sent { clearance: session(0xab), ..Sent::get("/") });
    assert!(progress.labels.iter().count() == progress.labels.told().count() + 1, "neither logs nor samples show it");
    let does_not = acl_with(&[("LABEL", "awswaf:managed:token:absent")], &[]);
    assert!(!labels(&does_not, session(0xab)).iter().any(|label| label.contains(":id:")));
    // As AWS's guide counts by client session.
    let rate = json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "CUSTOM_KEYS",
        "CustomKeys": [{"LabelNamespace": {"Namespace": "awswaf:managed:token:id:"}}]}});
    let acl = acl_with(&[], &[rule("rate", 0, &rate, &json!({"Block": {}}))]);
    let counters = Counters::new();
    let blocked = |clearance| {
        let (said, _) = counters.said(&acl, &Sent { clearance, ..Sent::get("/") });
        matches!(said, Said::Done(Verdict { ending: Ending::Block(_), .. }))
    };
    assert!((0..10).all(|_| !blocked(session(1))) && blocked(session(1)));
    assert!(!blocked(session(2)) && (0..20).all(|_| !blocked(Clearance::default())), "who has no token is not counted");
}
