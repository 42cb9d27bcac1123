use super::*;

const ARN: &str = "arn:aws:wafv2:eu-west-1:123456789012:regional/rulegroup/g/1";

fn library() -> Library {
    let uri = json!({"UriPath": {}});
    let mut labels = rule("labels", 0, &bytes(&uri, "STARTS_WITH", "/"), &json!({"Count": {}}));
    labels["RuleLabels"] = json!([{"Name": "any"}]);
    let local = json!({"AndStatement": {"Statements": [{"LabelMatchStatement": {"Scope": "LABEL", "Key": "any"}}, bytes(&uri, "CONTAINS", "evil")]}});
    let mut blocks = rule(
        "blocks",
        1,
        &local,
        &json!({"Block": {"CustomResponse": {"ResponseCode": 418, "CustomResponseBodyKey": "tea"}}}),
    );
    blocks["RuleLabels"] = json!([{"Name": "bad:evil"}]);
    let group = json!({"Name": "g", "ARN": ARN, "Capacity": 100, "VisibilityConfig": visibility(), "Rules": [labels, blocks,
        rule("after", 2, &bytes(&uri, "CONTAINS", "evil"), &json!({"Allow": {}}))],
        "CustomResponseBodies": {"tea": {"ContentType": "TEXT_PLAIN", "Content": "short and stout"}}});
    let mut library = Library::default();
    assert!(library.add_group(read::rule_group(&group, TEXT).unwrap()));
    assert!(!library.add_group(read::rule_group(&group, TEXT).unwrap()), "an ARN names one thing");
    library.add_managed("Tollgate", "G", read::rule_group(&group, TEXT).unwrap());
    library
}

fn reference(override_action: &Value, more: &Value) -> Value {
    let mut inner = json!({ "ARN": ARN });
    for (key, value) in more.as_object().unwrap() {
        inner[key] = value.clone();
    }
    json!({"Name": "group", "Priority": 0, "OverrideAction": override_action, "VisibilityConfig": visibility(),
        "Statement": {"RuleGroupReferenceStatement": inner}})
}

fn said(rules: &[Value], path: &str) -> (Verdict, Progress, Acl) {
    let acl = compiled(&acl_of(rules), &library());
    let (Said::Done(verdict), progress) = Counters::new().said(&acl, &Sent::get(path)) else { panic!("no body") };
    (verdict, progress, acl)
}

fn by_label(key: &str) -> Value {
    rule("label", 9, &json!({"LabelMatchStatement": {"Scope": "LABEL", "Key": key}}), &json!({"Block": {}}))
}

#[test]
fn rules_of_a_group_act_as_they_say() {
    let (verdict, _, acl) = said(&[reference(&json!({"None": {}}), &json!({}))], "/evil");
    let Ending::Block(Some(response)) = &verdict.ending else { panic!("{verdict:?}") };
    assert_eq!((response.status, response.body.as_ref().map(|(_, text)| &**text)), (418, Some("short and stout")));
    let rule = acl.rule(verdict.step.unwrap()).unwrap();
    assert_eq!((&*rule.name, rule.group.as_deref()), ("blocks", Some("group")));
    assert_eq!(
        said(&[reference(&json!({"None": {}}), &json!({}))], "/good").0,
        Verdict { ending: Ending::Allow, step: None }
    );
    assert_eq!(acl.capacity, 100, "a group costs what it was declared to");
}

#[test]
fn a_group_that_counts_ends_at_what_would_have_ended_it() {
    let rules = [reference(&json!({"Count": {}}), &json!({})), by_label("awswaf:123456789012:rulegroup:g:bad:evil")];
    let (verdict, progress, acl) = said(&rules, "/evil");
    assert_eq!(acl.rule(verdict.step.unwrap()).map(|rule| &*rule.name), Some("label"), "labels stay");
    assert_eq!(progress.matched.iter().map(|one| (one.step, one.counted)).collect::<Vec<_>>(), [(1, false), (2, true)]);
    assert_eq!(said(&rules, "/good").0, Verdict { ending: Ending::Allow, step: None });
}

#[test]
fn actions_of_rules_are_set_by_the_reference() {
    let excluded = reference(&json!({"None": {}}), &json!({"ExcludedRules": [{"Name": "blocks"}]}));
    let (verdict, progress, acl) = said(&[excluded], "/evil");
    assert_eq!(acl.rule(verdict.step.unwrap()).map(|rule| &*rule.name), Some("after"));
    assert_eq!(acl.rule(progress.matched[1].step).unwrap().instead_of, Some("BLOCK"));
    let set = reference(
        &json!({"None": {}}),
        &json!({"RuleActionOverrides": [{"Name": "labels", "ActionToUse": {"Block": {}}}]}),
    );
    assert_eq!(said(&[set], "/good").0.ending, Ending::Block(None));
    let unknown = reference(&json!({"None": {}}), &json!({"ExcludedRules": [{"Name": "nobody"}]}));
    let error = compile(&read::web_acl(&acl_of(&[unknown]), TEXT).unwrap(), &library()).unwrap_err();
    assert_eq!(error.to_string(), "rule group: there is no rule nobody in g, whose action it sets");
}

#[test]
fn labels_of_a_group_need_their_namespace_outside() {
    let none = json!({"Count": {}});
    assert_eq!(said(&[reference(&none, &json!({})), by_label("bad:evil")], "/evil").0.step, None);
}

#[test]
fn a_group_outside_of_its_scope_is_left_out() {
    let managed = |scope: Value| {
        json!({"Name": "m", "Priority": 0, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility(),
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "Tollgate", "Name": "G", "ScopeDownStatement": scope}}})
    };
    let scope = bytes(&json!({"Method": {}}), "EXACTLY", "POST");
    let last = rule("last", 5, &bytes(&json!({"UriPath": {}}), "CONTAINS", "evil"), &json!({"Block": {}}));
    let (verdict, progress, acl) = said(&[managed(scope), last.clone()], "/evil");
    assert_eq!(acl.rule(verdict.step.unwrap()).map(|rule| &*rule.name), Some("last"));
    assert!(progress.labels.is_empty());
    let (verdict, ..) = said(&[managed(bytes(&json!({"Method": {}}), "EXACTLY", "GET")), last], "/evil");
    assert!(matches!(verdict.ending, Ending::Block(Some(_))));
}
