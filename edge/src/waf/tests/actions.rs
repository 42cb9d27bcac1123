use super::*;

fn with_headers(name: &str) -> Value {
    json!({"CustomRequestHandling": {"InsertHeaders": [{"Name": name, "Value": "v"}]}})
}

fn always() -> Value {
    bytes(&json!({"UriPath": {}}), "STARTS_WITH", "/")
}

#[test]
fn the_first_rule_that_ends_it_stands_and_those_before_it_leave_their_marks() {
    let mut counts = rule("counts", 0, &always(), &json!({"Count": with_headers("counted")}));
    counts["RuleLabels"] = json!([{"Name": "seen"}, {"Name": "ns:seen"}]);
    let labelled = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "ns:seen"}});
    let rules = [
        counts,
        rule("not", 1, &bytes(&json!({"UriPath": {}}), "EXACTLY", "/other"), &json!({"Block": {}})),
        rule("allows", 2, &labelled, &json!({"Allow": with_headers("allowed")})),
        rule("blocks", 3, &always(), &json!({"Block": {}})),
    ];
    let acl = acl(&rules);
    let (said, progress) = Counters::new().said(&acl, &Sent::get("/x"));
    assert_eq!(said, Said::Done(Verdict { ending: Ending::Allow, step: Some(2) }));
    assert_eq!(progress.headers.iter().map(|header| header.name.as_str()).collect::<Vec<_>>(), ["counted", "allowed"]);
    assert_eq!(
        progress.labels.iter().map(|label| label.to_string()).collect::<Vec<_>>(),
        ["awswaf:000000000000:webacl:acl:seen", "awswaf:000000000000:webacl:acl:ns:seen"]
    );
    assert_eq!(progress.matched, [Match { step: 0, counted: false }]);
    assert!(matches!(
        Counters::new().said(&acl, &Sent::get("/other")).0,
        Said::Done(Verdict { ending: Ending::Block(None), step: Some(1) })
    ));
}

#[test]
fn labels_are_seen_by_later_rules_only() {
    let labelled = json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": "later"}});
    let mut labels = rule("labels", 1, &always(), &json!({"Count": {}}));
    labels["RuleLabels"] = json!([{"Name": "later"}]);
    let acl = acl(&[rule("asks", 0, &labelled, &json!({"Block": {}})), labels]);
    assert_eq!(
        Counters::new().said(&acl, &Sent::get("/")).0,
        Said::Done(Verdict { ending: Ending::Allow, step: None })
    );
}

#[test]
fn default_actions_and_custom_responses() {
    let mut json = acl_of(&[]);
    json["CustomResponseBodies"] = json!({"gone": {"ContentType": "APPLICATION_JSON", "Content": "{\"a\":1}"}});
    json["DefaultAction"] = json!({"Block": {"CustomResponse": {"ResponseCode": 410, "CustomResponseBodyKey": "gone", "ResponseHeaders": [{"Name": "x-why", "Value": "default"}]}}});
    let (said, _) = Counters::new().said(&compiled(&json, &Library::default()), &Sent::get("/"));
    let Said::Done(Verdict { ending: Ending::Block(Some(response)), step: None }) = said else { panic!("{said:?}") };
    assert_eq!((response.status, response.headers.len()), (410, 1));
    assert_eq!(
        response.body.as_ref().map(|(kind, text)| (kind.mime(), &**text)),
        Some(("application/json", "{\"a\":1}"))
    );
    json["DefaultAction"] = json!({"Allow": with_headers("default")});
    let (said, progress) = Counters::new().said(&compiled(&json, &Library::default()), &Sent::get("/"));
    assert_eq!((said, progress.headers.len()), (Said::Done(Verdict { ending: Ending::Allow, step: None }), 1));
}

#[test]
fn puzzles_and_challenges_count_once_solved_for_as_long_as_the_rule_says() {
    let mut captcha = rule("captcha", 0, &always(), &json!({"Captcha": with_headers("c")}));
    captcha["CaptchaConfig"] = json!({"ImmunityTimeProperty": {"ImmunityTime": 60}});
    let puzzle = acl(&[captcha]);
    let challenge = acl(&[rule("challenge", 0, &always(), &json!({"Challenge": {}}))]);
    let ending = |acl: &Acl, clearance| {
        let sent = Sent { clearance, ..Sent::get("/") };
        let (Said::Done(verdict), progress) = Counters::new().said(acl, &sent) else { panic!("no body is asked for") };
        (verdict.ending, progress.headers.len())
    };
    let solved = |captcha: Option<u64>, challenge: Option<u64>| {
        let [captcha, challenge] = [captcha, challenge].map(|ago| ago.map(|ago| Solved { ago, difficulty: 18 }));
        Clearance { captcha, challenge, standing: Standing::Good, session: None }
    };
    assert_eq!(ending(&puzzle, Clearance::default()), (Ending::Captcha, 0));
    assert_eq!(ending(&puzzle, solved(None, Some(1))), (Ending::Captcha, 0));
    assert_eq!(ending(&puzzle, solved(Some(61), None)), (Ending::Captcha, 0));
    assert_eq!(ending(&puzzle, solved(Some(60), None)), (Ending::Allow, 1));
    assert_eq!(ending(&challenge, Clearance::default()), (Ending::Challenge, 0));
    assert_eq!(ending(&challenge, solved(None, Some(300))), (Ending::Allow, 0));
    assert_eq!(ending(&challenge, solved(None, Some(301))), (Ending::Challenge, 0));
    assert_eq!(
        ending(&challenge, solved(Some(300), None)),
        (Ending::Allow, 0),
        "a solved puzzle is a solved challenge"
    );
}

#[test]
fn what_was_too_easy_does_not_count() {
    let rules = [("easy", "Challenge"), ("hard", "Challenge"), ("captcha", "Captcha"), ("block", "Block")];
    let rules: Vec<Value> =
        rules.iter().zip(0..).map(|((name, act), at)| rule(name, at, &always(), &json!({ *act: {} }))).collect();
    let mut acl = acl(&rules);
    assert!(acl.reads_token());
    assert_eq!(acl.set_difficulty((18, 20), &[("block".to_owned(), 22)]), Err("block".to_owned()));
    acl.set_difficulty((18, 20), &[("hard".to_owned(), 22)]).unwrap();
    let ended = |challenge: Option<u8>, captcha: Option<u8>| {
        let [challenge, captcha] =
            [challenge, captcha].map(|difficulty| difficulty.map(|difficulty| Solved { ago: 1, difficulty }));
        let sent = Sent {
            clearance: Clearance { captcha, challenge, standing: Standing::Good, session: None },
            ..Sent::get("/")
        };
        let (Said::Done(verdict), _) = Counters::new().said(&acl, &sent) else { panic!("no body is asked for") };
        verdict.step.unwrap()
    };
    assert_eq!((ended(None, None), ended(Some(17), None)), (0, 0));
    assert_eq!((ended(Some(18), None), ended(Some(21), None)), (1, 1));
    assert_eq!((ended(Some(22), None), ended(Some(22), Some(19))), (2, 2));
    assert_eq!((ended(Some(22), Some(20)), ended(None, Some(22))), (3, 3));
}
