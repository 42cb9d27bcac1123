//! The operations over both engines, and what edges are told: the feed of the pool, folded as an edge folds it, against what is stored.

use cognito_model::Fault;
use common::feed::{
    FeedName, FeedState, HeldBack, MetricSample, Position, Record, Report, SampledMetric, SampledRequest, Samples,
    Solving,
};
use common::ids::{EdgeId, PoolId};
use common::waf::Bundle;
use common::waf::references::{Reference, of_rules};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::engines::on_both_engines;
use crate::outbox;
use crate::store::{Migration, Query, Store};
use crate::world::{World, refusal, text};

on_both_engines!(
    what_is_read_back_is_what_was_written,
    a_lock_token_is_good_for_one_change,
    names_are_given_once_whoever_asks_first,
    nothing_that_is_used_can_be_deleted,
    lists_come_in_pages,
    a_pool_has_one_web_acl_and_its_edges_have_it,
    a_change_of_anything_behind_it_reaches_the_edges,
    the_end_of_a_pool_is_the_end_of_its_association,
    what_goes_to_edges_has_bounds,
    changes_side_by_side_leave_edges_with_what_is_stored,
    logging_goes_to_edges_with_the_web_acl,
    reports_of_edges_count_for_the_web_acl_that_the_pool_has,
    tags_are_kept_beside_what_they_are_on,
    every_change_is_recorded_once,
);

fn migrations() -> Vec<&'static Migration> {
    crate::migrations::all()
}

fn visibility() -> Value {
    json!({ "SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m" })
}

fn with(base: &Value, more: Value) -> Value {
    let mut request = base.clone();
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn set(name: &str, addresses: &[&str]) -> Value {
    json!({ "Name": name, "Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": addresses })
}

fn rule(statement: Value) -> Value {
    json!({ "Name": "r", "Priority": 0, "Statement": statement, "Action": { "Block": {} }, "VisibilityConfig": visibility() })
}

fn in_set(arn: &str) -> Value {
    rule(json!({ "IPSetReferenceStatement": { "ARN": arn } }))
}

fn group_reference(arn: &str) -> Value {
    json!({ "Name": "g", "Priority": 1, "Statement": { "RuleGroupReferenceStatement": { "ARN": arn } },
        "OverrideAction": { "None": {} }, "VisibilityConfig": visibility() })
}

fn acl(name: &str, rules: Value) -> Value {
    json!({ "Name": name, "Scope": "REGIONAL", "DefaultAction": { "Allow": {} }, "Rules": rules, "VisibilityConfig": visibility() })
}

fn group(name: &str, rules: Value) -> Value {
    json!({ "Name": name, "Scope": "REGIONAL", "Capacity": 50, "Rules": rules, "VisibilityConfig": visibility() })
}

/// What identifies one of them in requests.
#[derive(Clone, Debug)]
struct Made {
    what: &'static str,
    name: String,
    id: String,
    arn: String,
    lock_token: String,
}

impl Made {
    fn known(&self) -> Value {
        json!({ "Name": self.name, "Scope": "REGIONAL", "Id": self.id, "LockToken": self.lock_token })
    }

    fn named(&self) -> Value {
        json!({ "Name": self.name, "Scope": "REGIONAL", "Id": self.id })
    }
}

/// `CreateIPSet` and so on, since operations have static names.
fn operation(verb: &str, what: &str) -> &'static str {
    let name = format!("{verb}{what}");
    cognito_model::Service::Waf
        .operations()
        .iter()
        .map(|operation| operation.name)
        .find(|known| *known == name)
        .unwrap()
}

async fn make(world: &World, what: &'static str, request: Value) -> Made {
    let answer = world.ask_waf(operation("Create", what), request).await.unwrap();
    let summary = &answer["Summary"];
    let member = |name: &str| text(&summary[name]);
    Made { what, name: member("Name"), id: member("Id"), arn: member("ARN"), lock_token: member("LockToken") }
}

async fn read(world: &World, made: &Made) -> Value {
    let answer = world.ask_waf(operation("Get", made.what), made.named()).await.unwrap();
    answer[made.what].clone()
}

/// With the present lock token, which it follows.
async fn update(world: &World, made: &mut Made, request: Value) -> Result<(), Fault> {
    let answer = world.ask_waf(operation("Update", made.what), with(&made.known(), request)).await?;
    made.lock_token = text(&answer["NextLockToken"]);
    Ok(())
}

async fn delete(world: &World, made: &Made) -> Result<Value, Fault> {
    world.ask_waf(operation("Delete", made.what), made.known()).await
}

fn pool_arn(world: &World) -> String {
    format!("arn:aws:cognito-idp:eu-test-1:000000000000:userpool/{}", world.pool)
}

async fn associate(world: &World, acl: &Made) -> Result<Value, Fault> {
    world.ask_waf("AssociateWebACL", json!({ "ResourceArn": pool_arn(world), "WebACLArn": acl.arn })).await
}

/// What an edge of the pool has: the log folded record by record, and a snapshot, which must say the same.
async fn at_edges(world: &World) -> Option<Bundle> {
    let pool = PoolId::parse(world.pool.as_str()).unwrap();
    let feed = FeedName::from(pool.clone());
    let rows = world.services.store.read(outbox::snapshot(&feed, world.now())).await.unwrap();
    let (position, records) = outbox::read_snapshot(&rows).unwrap().unwrap();
    let snapshot = FeedState::from_records(position, &records).unwrap().web_acl(&pool).unwrap();
    let query = Query::new("SELECT body FROM feed_log WHERE feed = $1 ORDER BY seq").bind(feed.as_str());
    let log: Vec<_> = world.services.store.read(query).await.unwrap();
    let log: Vec<Record> = log.iter().map(|row| row.bytes(0).unwrap().into()).collect();
    let folded = FeedState::from_records(position, &log).unwrap().web_acl(&pool).unwrap();
    let sorted = |bundle: Option<Bundle>| {
        bundle.map(|mut bundle| {
            bundle.parts.sort_unstable();
            bundle
        })
    };
    let (snapshot, folded) = (sorted(snapshot), sorted(folded));
    assert_eq!(snapshot, folded);
    whole_at_every_step(position, &log, &pool);
    snapshot
}

/// Wherever a connection was cut: what an edge has is whole. Each web ACL came after all that it refers to, and nothing went before it.
fn whole_at_every_step(position: Position, log: &[Record], pool: &PoolId) {
    for end in 1..=log.len() {
        let state = FeedState::from_records(position, &log[..end]).unwrap();
        let Some(opened) = state.web_acl(pool).unwrap().map(|bundle| bundle.open().unwrap()) else { continue };
        let groups = opened.groups.iter().flat_map(|group| of_rules(&group.rules));
        for reference in of_rules(&opened.web_acl.rules).into_iter().chain(groups) {
            let there = match reference {
                Reference::IpSet(arn) => opened.ip_sets.iter().any(|set| set.arn.as_deref() == Some(arn)),
                Reference::RegexSet(arn) => opened.regex_sets.iter().any(|set| set.arn.as_deref() == Some(arn)),
                Reference::Group(arn) => opened.groups.iter().any(|group| group.arn.as_deref() == Some(arn)),
                Reference::Managed { .. } => true,
            };
            assert!(there, "after {end} records {reference:?} is missing");
        }
    }
}

async fn what_is_read_back_is_what_was_written(store: Store) {
    let world = World::new(store).await;
    let tags = json!({ "Tags": [{ "Key": "team", "Value": "a" }] });
    let request = with(&set("addresses", &["192.0.2.0/24", "198.51.100.7/32"]), json!({ "Description": "from afar" }));
    let ip_set = make(&world, "IPSet", with(&request, tags)).await;
    assert_eq!(ip_set.arn, format!("arn:aws:wafv2:eu-test-1:000000000000:regional/ipset/addresses/{}", ip_set.id));
    assert_eq!(
        read(&world, &ip_set).await,
        json!({ "Name": "addresses", "Id": ip_set.id, "ARN": ip_set.arn, "Description": "from afar",
            "IPAddressVersion": "IPV4", "Addresses": ["192.0.2.0/24", "198.51.100.7/32"] })
    );
    let list = json!([{ "RegexString": "a+\\.b" }, { "RegexString": "ü" }]);
    let patterns = json!({ "Name": "p", "Scope": "REGIONAL", "RegularExpressionList": list });
    let patterns = make(&world, "RegexPatternSet", patterns).await;
    assert_eq!(read(&world, &patterns).await["RegularExpressionList"], list);

    let group = make(&world, "RuleGroup", group("g", json!([in_set(&ip_set.arn)]))).await;
    assert_eq!(read(&world, &group).await["Rules"], json!([in_set(&ip_set.arn)]));
    let by_arn = world.ask_waf("GetRuleGroup", json!({ "ARN": group.arn })).await.unwrap();
    assert_eq!((&by_arn["RuleGroup"]["Capacity"], &by_arn["LockToken"]), (&json!(50), &json!(group.lock_token)));

    let more = json!({ "Description": "what it is for", "TokenDomains": ["example.com"],
        "CaptchaConfig": { "ImmunityTimeProperty": { "ImmunityTime": 60 } },
        "CustomResponseBodies": { "b": { "ContentType": "TEXT_PLAIN", "Content": "no" } } });
    let request = with(&acl("acl", json!([in_set(&ip_set.arn), group_reference(&group.arn)])), more);
    let web_acl = make(&world, "WebACL", request.clone()).await;
    let mut expected = with(
        &request,
        json!({ "Id": web_acl.id, "ARN": web_acl.arn, "Capacity": 51,
        "LabelNamespace": "awswaf:000000000000:webacl:acl:", "ManagedByFirewallManager": false }),
    );
    expected.as_object_mut().unwrap().remove("Scope");
    assert_eq!(read(&world, &web_acl).await, expected);
    let by_arn = world.ask_waf("GetWebACL", json!({ "ARN": web_acl.arn })).await.unwrap();
    assert_eq!(by_arn["WebACL"], expected);
    let both = with(&web_acl.named(), json!({ "ARN": "arn:aws:wafv2:eu-test-1:000000000000:regional/webacl/x/y" }));
    assert!(refusal(world.ask_waf("GetWebACL", both).await).starts_with("WAFInvalidParameterException: "));
    assert!(refusal(world.ask_waf("GetWebACL", json!({})).await).starts_with("WAFInvalidParameterException: "));
    let cloud = json!({ "Scope": "CLOUDFRONT" });
    assert_eq!(
        refusal(world.ask_waf("ListWebACLs", cloud).await),
        "WAFInvalidParameterException: Error reason: The scope is not valid., field: SCOPE_VALUE, parameter: CLOUDFRONT"
    );
    let check = json!({ "Scope": "REGIONAL", "Rules": [in_set(&ip_set.arn), group_reference(&group.arn)] });
    assert_eq!(world.ask_waf("CheckCapacity", check).await.unwrap(), json!({ "Capacity": 51 }));
}

async fn a_lock_token_is_good_for_one_change(store: Store) {
    let world = World::new(store).await;
    let mut ip_set = make(&world, "IPSet", set("s", &[])).await;
    let stale = ip_set.clone();
    update(&world, &mut ip_set, json!({ "Addresses": ["10.0.0.0/8"] })).await.unwrap();
    assert_eq!(read(&world, &ip_set).await["Addresses"], json!(["10.0.0.0/8"]));
    let mut again = stale.clone();
    let refused = refusal(update(&world, &mut again, json!({ "Addresses": [] })).await);
    assert!(refused.starts_with("WAFOptimisticLockException: "), "{refused}");
    assert!(refusal(delete(&world, &stale).await).starts_with("WAFOptimisticLockException: "));

    // Of many with one token, one is taken.
    let requests = (0..6).map(|n| {
        let request = json!({ "Addresses": [format!("10.0.{n}.0/24")] });
        world.ask_waf("UpdateIPSet", with(&ip_set.known(), request))
    });
    let outcomes = join_all(requests).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes.into_iter().filter(Result::is_err).map(refusal);
    refused.for_each(|said| assert!(said.starts_with("WAFOptimisticLockException: "), "{said}"));

    let other = with(&ip_set.known(), json!({ "Name": "t", "Addresses": [] }));
    assert!(refusal(world.ask_waf("UpdateIPSet", other).await).starts_with("WAFNonexistentItemException: "));
}

async fn names_are_given_once_whoever_asks_first(store: Store) {
    let world = World::new(store).await;
    let outcomes = join_all((0..5).map(|_| world.ask_waf("CreateIPSet", set("s", &[])))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(outcome), "WAFDuplicateItemException: There is another one of the name s.");
    }
    // Kinds don't share names.
    make(&world, "WebACL", acl("s", json!([]))).await;
    make(&world, "RuleGroup", group("s", json!([]))).await;
}

async fn nothing_that_is_used_can_be_deleted(store: Store) {
    let world = World::new(store).await;
    let ip_set = make(&world, "IPSet", set("s", &[])).await;
    let group = make(&world, "RuleGroup", group("g", json!([in_set(&ip_set.arn)]))).await;
    let mut web_acl = make(&world, "WebACL", acl("a", json!([group_reference(&group.arn)]))).await;
    associate(&world, &web_acl).await.unwrap();
    for made in [&ip_set, &group, &web_acl] {
        let refused = refusal(delete(&world, made).await);
        assert!(refused.starts_with("WAFAssociatedItemException: "), "{refused}");
    }
    let empty = json!({ "DefaultAction": { "Block": {} }, "Rules": [], "VisibilityConfig": visibility() });
    update(&world, &mut web_acl, empty).await.unwrap();
    delete(&world, &group).await.unwrap();
    delete(&world, &ip_set).await.unwrap();
    world.ask_waf("DisassociateWebACL", json!({ "ResourceArn": pool_arn(&world) })).await.unwrap();
    delete(&world, &web_acl).await.unwrap();
    for made in [&ip_set, &group, &web_acl] {
        let refused = refusal(world.ask_waf(operation("Get", made.what), made.named()).await);
        assert!(refused.starts_with("WAFNonexistentItemException: "), "{refused}");
        assert!(refusal(delete(&world, made).await).starts_with("WAFNonexistentItemException: "));
    }
    let refers = world.ask_waf("CreateWebACL", acl("b", json!([in_set(&ip_set.arn)]))).await;
    assert!(refusal(refers).starts_with("WAFNonexistentItemException: "));
}

async fn lists_come_in_pages(store: Store) {
    let world = World::new(store).await;
    let mut names: Vec<String> = (0..23).map(|n| format!("set-{n}")).chain(["x".repeat(128)]).collect();
    for name in &names {
        make(&world, "IPSet", set(name, &[])).await;
    }
    names.sort_unstable();
    for limit in [1, 7, 23, 24, 100] {
        let (mut seen, mut marker) = (Vec::new(), None);
        loop {
            let mut request = json!({ "Scope": "REGIONAL", "Limit": limit });
            if let Some(marker) = &marker {
                request["NextMarker"] = Value::clone(marker);
            }
            let page = world.ask_waf("ListIPSets", request).await.unwrap();
            seen.extend(page["IPSets"].as_array().unwrap().iter().map(|row| text(&row["Name"])));
            marker = page.get("NextMarker").cloned();
            let Some(marker) = &marker else { break };
            assert!(text(marker).len() <= 256, "the model's bound");
        }
        assert_eq!(seen, names, "{limit}");
    }
    let foreign = json!({ "Scope": "REGIONAL", "Limit": 1 });
    let marker = world.ask_waf("ListIPSets", foreign).await.unwrap()["NextMarker"].clone();
    let refused = world.ask_waf("ListWebACLs", json!({ "Scope": "REGIONAL", "NextMarker": marker })).await;
    assert!(refusal(refused).starts_with("WAFInvalidParameterException: "));
}

async fn a_pool_has_one_web_acl_and_its_edges_have_it(store: Store) {
    let world = World::new(store).await;
    let resource = json!({ "ResourceArn": pool_arn(&world) });
    assert_eq!(world.ask_waf("GetWebACLForResource", resource.clone()).await.unwrap(), json!({}));
    assert_eq!(at_edges(&world).await, None);
    let ip_set = make(&world, "IPSet", set("s", &["192.0.2.0/24"])).await;
    let group = make(&world, "RuleGroup", group("g", json!([in_set(&ip_set.arn)]))).await;
    let first = make(&world, "WebACL", acl("a", json!([group_reference(&group.arn)]))).await;
    let second = make(&world, "WebACL", acl("b", json!([]))).await;
    assert_eq!(at_edges(&world).await, None, "what no pool has goes to no edge");

    associate(&world, &first).await.unwrap();
    assert_eq!(
        world.ask_waf("GetWebACLForResource", resource.clone()).await.unwrap()["WebACL"],
        read(&world, &first).await
    );
    let opened = at_edges(&world).await.unwrap().open().unwrap();
    assert_eq!((opened.web_acl.name.as_str(), opened.web_acl.arn.as_deref()), ("a", Some(first.arn.as_str())));
    assert_eq!(opened.ip_sets[0].arn.as_ref(), Some(&ip_set.arn));
    assert_eq!(opened.groups[0].arn.as_ref(), Some(&group.arn));
    let of = |made: &Made| json!({ "WebACLArn": made.arn });
    let resources =
        async |made: &Made| world.ask_waf("ListResourcesForWebACL", of(made)).await.unwrap()["ResourceArns"].clone();
    assert_eq!((resources(&first).await, resources(&second).await), (json!([pool_arn(&world)]), json!([])));
    let balancers = with(&of(&first), json!({ "ResourceType": "APPLICATION_LOAD_BALANCER" }));
    assert_eq!(world.ask_waf("ListResourcesForWebACL", balancers).await.unwrap()["ResourceArns"], json!([]));

    associate(&world, &second).await.unwrap();
    let opened = at_edges(&world).await.unwrap();
    assert_eq!(
        (opened.open().unwrap().web_acl.name.as_str(), opened.parts.len()),
        ("b", 0),
        "what it does not use went"
    );
    world.ask_waf("DisassociateWebACL", resource.clone()).await.unwrap();
    world.ask_waf("DisassociateWebACL", resource.clone()).await.unwrap();
    assert_eq!(at_edges(&world).await, None);
    assert_eq!(world.ask_waf("GetWebACLForResource", resource).await.unwrap(), json!({}));

    let absent = "arn:aws:cognito-idp:eu-test-1:000000000000:userpool/eu-test-1_Absent";
    let request = |resource: &str, acl: &str| json!({ "ResourceArn": resource, "WebACLArn": acl });
    for (resource, acl, exception) in [
        (absent, first.arn.as_str(), "WAFNonexistentItemException"),
        (pool_arn(&world).as_str(), group.arn.as_str(), "WAFNonexistentItemException"),
        ("arn:aws:elasticloadbalancing:eu-1:1:loadbalancer/app/x/y", &first.arn, "WAFInvalidParameterException"),
    ] {
        let refused = refusal(world.ask_waf("AssociateWebACL", request(resource, acl)).await);
        assert!(refused.starts_with(exception), "{refused}");
    }
}

async fn a_change_of_anything_behind_it_reaches_the_edges(store: Store) {
    let world = World::new(store).await;
    let mut ip_set = make(&world, "IPSet", set("s", &["192.0.2.0/24"])).await;
    let mut group = make(&world, "RuleGroup", group("g", json!([in_set(&ip_set.arn)]))).await;
    let mut web_acl = make(&world, "WebACL", acl("a", json!([group_reference(&group.arn)]))).await;
    associate(&world, &web_acl).await.unwrap();
    update(&world, &mut ip_set, json!({ "Addresses": ["203.0.113.0/24"] })).await.unwrap();
    let opened = at_edges(&world).await.unwrap().open().unwrap();
    assert_eq!(opened.ip_sets[0].networks, ["203.0.113.0/24".parse().unwrap()]);

    let other = make(&world, "IPSet", set("other", &["10.0.0.0/8"])).await;
    let request = json!({ "Rules": [in_set(&other.arn)], "VisibilityConfig": visibility() });
    update(&world, &mut group, request).await.unwrap();
    let opened = at_edges(&world).await.unwrap().open().unwrap();
    assert_eq!(opened.ip_sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>(), ["other"]);

    let request = json!({ "DefaultAction": { "Block": {} }, "Rules": [], "VisibilityConfig": visibility() });
    update(&world, &mut web_acl, request).await.unwrap();
    let bundle = at_edges(&world).await.unwrap();
    assert_eq!(bundle.parts.len(), 0);
    assert_eq!(bundle.open().unwrap().web_acl.default_action.name(), "BLOCK");
    // A bad change changes nothing, at edges neither.
    let bad = json!({ "DefaultAction": { "Count": {} }, "VisibilityConfig": visibility() });
    assert!(refusal(update(&world, &mut web_acl, bad).await).starts_with("WAFInvalidParameterException: "));
    assert_eq!(at_edges(&world).await.unwrap(), bundle);
}

async fn the_end_of_a_pool_is_the_end_of_its_association(store: Store) {
    let world = World::new(store).await;
    let web_acl = make(&world, "WebACL", acl("a", json!([]))).await;
    associate(&world, &web_acl).await.unwrap();
    world.ask("DeleteUserPool", json!({ "UserPoolId": world.pool })).await.unwrap();
    let listed = world.ask_waf("ListResourcesForWebACL", json!({ "WebACLArn": web_acl.arn })).await.unwrap();
    assert_eq!(listed["ResourceArns"], json!([]));
    let refused = refusal(associate(&world, &web_acl).await);
    assert!(refused.starts_with("WAFNonexistentItemException: "), "{refused}");
    delete(&world, &web_acl).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM waf_associations").await, 0);
}

async fn what_goes_to_edges_has_bounds(store: Store) {
    let world = World::new(store).await;
    let many: Vec<String> =
        (0..10_000_u32).map(|n| format!("2001:db8:aaaa:bbbb:cccc:dddd:{:x}:{:x}/128", n / 256, n % 256)).collect();
    let request =
        |name: String| json!({ "Name": name, "Scope": "REGIONAL", "IPAddressVersion": "IPV6", "Addresses": many });
    let mut arns = Vec::new();
    for n in 0..25 {
        arns.push(make(&world, "IPSet", request(format!("s{n}"))).await.arn);
    }
    let rules = |arns: &[String]| -> Value {
        let rule =
            |(at, arn): (usize, &String)| with(&in_set(arn), json!({ "Name": format!("r{at}"), "Priority": at }));
        arns.iter().enumerate().map(rule).collect()
    };
    let mut web_acl = make(&world, "WebACL", acl("a", rules(&arns[..10]))).await;
    associate(&world, &web_acl).await.unwrap();
    assert_eq!(at_edges(&world).await.unwrap().open().unwrap().ip_sets.len(), 10, "some MB are no trouble");
    let larger = json!({ "DefaultAction": { "Allow": {} }, "Rules": rules(&arns), "VisibilityConfig": visibility() });
    let refused = refusal(update(&world, &mut web_acl, larger).await);
    assert!(refused.starts_with("WAFLimitsExceededException: A web ACL before a user pool"), "{refused}");
    assert_eq!(at_edges(&world).await.unwrap().open().unwrap().ip_sets.len(), 10);
    // One more address than AWS allows.
    let more: Vec<String> = many.iter().cloned().chain(["2001:db8::/32".to_owned()]).collect();
    let refused = world.ask_waf("CreateIPSet", with(&request("more".into()), json!({ "Addresses": more }))).await;
    assert!(refusal(refused).starts_with("WAFInvalidParameterException: "));
}

async fn changes_side_by_side_leave_edges_with_what_is_stored(store: Store) {
    let world = World::new(store).await;
    let sets = [make(&world, "IPSet", set("s0", &[])).await, make(&world, "IPSet", set("s1", &[])).await];
    let acls = [
        make(&world, "WebACL", acl("a0", json!([in_set(&sets[0].arn)]))).await,
        make(&world, "WebACL", acl("a1", json!([in_set(&sets[1].arn)]))).await,
    ];
    // Two that change sets, one that changes the association: each as fast as it can.
    let changing = |made: &Made| {
        let mut made = made.clone();
        let world = &world;
        async move {
            for n in 0..8 {
                let request = json!({ "Addresses": [format!("10.{n}.0.0/16")] });
                let outcome = update(world, &mut made, request).await;
                assert!(outcome.is_ok() || refusal(outcome).starts_with("WAFUnavailableEntityException: "));
            }
        }
    };
    let associating = async {
        for n in 0..8 {
            let outcome = associate(&world, &acls[n % 2]).await;
            assert!(outcome.is_ok() || refusal(outcome).starts_with("WAFUnavailableEntityException: "));
        }
    };
    tokio::join!(changing(&sets[0]), changing(&sets[1]), associating);
    let resource = json!({ "ResourceArn": pool_arn(&world) });
    let stored = world.ask_waf("GetWebACLForResource", resource).await.unwrap()["WebACL"].clone();
    let bundle = at_edges(&world).await.unwrap();
    let web_acl: Value = serde_json::from_str(&bundle.web_acl).unwrap();
    assert_eq!(web_acl["WebACL"], stored);
    let used = sets.iter().find(|set| stored["Rules"].to_string().contains(&set.arn)).unwrap();
    let [part] = bundle.parts.as_slice() else { panic!("{bundle:?}") };
    assert_eq!(serde_json::from_str::<Value>(part).unwrap()["IPSet"], read(&world, used).await);
}

async fn logging_goes_to_edges_with_the_web_acl(store: Store) {
    let world = World::new(store).await;
    let web_acl = make(&world, "WebACL", acl("a", json!([]))).await;
    associate(&world, &web_acl).await.unwrap();
    let about = json!({ "ResourceArn": web_acl.arn });
    let none = refusal(world.ask_waf("GetLoggingConfiguration", about.clone()).await);
    assert!(none.starts_with("WAFNonexistentItemException: "), "{none}");
    let configuration = json!({
        "ResourceArn": web_acl.arn, "LogDestinationConfigs": ["arn:aws:logs:eu-test-1:000000000000:log-group:aws-waf-logs-a"],
        "RedactedFields": [{ "SingleHeader": { "Name": "authorization" } }],
        "LoggingFilter": { "DefaultBehavior": "DROP", "Filters": [{ "Behavior": "KEEP", "Requirement": "MEETS_ANY",
            "Conditions": [{ "ActionCondition": { "Action": "BLOCK" } }] }] },
    });
    let put = json!({ "LoggingConfiguration": configuration });
    let answer = world.ask_waf("PutLoggingConfiguration", put).await.unwrap();
    let expected = with(
        &configuration,
        json!({ "LogType": "WAF_LOGS", "LogScope": "CUSTOMER", "ManagedByFirewallManager": false }),
    );
    assert_eq!(answer["LoggingConfiguration"], expected);
    let read = world.ask_waf("GetLoggingConfiguration", about.clone()).await.unwrap();
    assert_eq!(read["LoggingConfiguration"], expected);
    let listed = world.ask_waf("ListLoggingConfigurations", json!({ "Scope": "REGIONAL" })).await.unwrap();
    assert_eq!(listed["LoggingConfigurations"], json!([expected]));
    assert_eq!(at_edges(&world).await.unwrap().open().unwrap().logging, Some(expected));
    world.ask_waf("DeleteLoggingConfiguration", about.clone()).await.unwrap();
    assert_eq!(at_edges(&world).await.unwrap().open().unwrap().logging, None);
    let gone = refusal(world.ask_waf("DeleteLoggingConfiguration", about).await);
    assert!(gone.starts_with("WAFNonexistentItemException: "), "{gone}");
}

async fn reports_of_edges_count_for_the_web_acl_that_the_pool_has(store: Store) {
    let world = World::new(store).await;
    let rate = json!({ "RateBasedStatement": { "Limit": 10, "AggregateKeyType": "IP", "EvaluationWindowSec": 60 } });
    let made = make(&world, "WebACL", acl("a", json!([rule(rate)]))).await;
    let other = make(&world, "WebACL", acl("b", json!([]))).await;
    associate(&world, &made).await.unwrap();
    let pool = PoolId::parse(world.pool.as_str()).unwrap();
    let edge = EdgeId::parse("fra-1").unwrap();
    let solving = Solving { status: 405, solved_at: 0, failure: Some("TOKEN_MISSING".into()) };
    let request = SampledRequest {
        at: world.now(),
        client: Some([192, 0, 2, 7].into()),
        country: Some(*b"AU"),
        method: "POST".into(),
        uri: "/".into(),
        version: "HTTP/1.1".into(),
        headers: vec![("host".into(), "login.test".into())],
        labels: vec!["a:b".into()],
        inserted: vec![],
        status: Some(405),
        captcha: Some(solving),
        challenge: None,
    };
    let samples = |pool: &PoolId, web_acl: &Made| {
        let sample =
            |request| MetricSample { request, weight: 4, action: "CAPTCHA".into(), overridden: None, within: None };
        let metric = SampledMetric { metric: "m".into(), requests: 9, samples: vec![sample(0), sample(7)] };
        let (requests, metrics) = (vec![request.clone()], vec![metric]);
        Report::Samples(Samples { pool: pool.clone(), web_acl: web_acl.arn.clone(), requests, metrics })
    };
    let held = |web_acl: &Made| {
        let addresses = vec![[192, 0, 2, 7].into(), "2001:db8::".parse().unwrap()];
        let (pool, web_acl) = (pool.clone(), web_acl.arn.clone());
        Report::HeldBack(HeldBack { pool, web_acl, rule: "r".into(), within: None, addresses })
    };
    let stranger = PoolId::parse("eu-test-1_Nobody").unwrap();
    for report in [samples(&pool, &made), samples(&pool, &other), samples(&stranger, &made), held(&other), held(&made)]
    {
        super::take_report(&world.services, &edge, report, world.now()).await.unwrap();
    }
    let window = json!({ "StartTime": world.now().seconds() - 600, "EndTime": world.now().seconds() + 1 });
    let ask = |web_acl: &Made, metric: &str| json!({ "WebAclArn": web_acl.arn, "RuleMetricName": metric, "Scope": "REGIONAL", "MaxItems": 100, "TimeWindow": window });
    let found = world.ask_waf("GetSampledRequests", ask(&made, "m")).await.unwrap();
    assert_eq!(found["PopulationSize"], 9, "once, though others said so of other pools and web ACLs");
    let [one] = found["SampledRequests"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!((&one["Action"], &one["Weight"], &one["ResponseCodeSent"]), (&json!("CAPTCHA"), &json!(4), &json!(405)));
    assert_eq!(
        one["CaptchaResponse"],
        json!({ "ResponseCode": 405, "SolveTimestamp": 0, "FailureReason": "TOKEN_MISSING" })
    );
    assert_eq!(one["Request"]["Headers"], json!([{ "Name": "host", "Value": "login.test" }]));
    assert_eq!((&one["Request"]["ClientIP"], &one["Request"]["Country"]), (&json!("192.0.2.7"), &json!("AU")));
    let of_other = world.ask_waf("GetSampledRequests", ask(&other, "m")).await.unwrap();
    assert_eq!(of_other["PopulationSize"], 0);
    let about = json!({ "Scope": "REGIONAL", "WebACLName": "a", "WebACLId": made.id, "RuleName": "r" });
    let keys = world.ask_waf("GetRateBasedStatementManagedKeys", about).await.unwrap();
    assert_eq!(keys["ManagedKeysIPV4"]["Addresses"], json!(["192.0.2.7/32"]));
    assert_eq!(keys["ManagedKeysIPV6"]["Addresses"], json!(["2001:db8::/64"]));
}

async fn tags_are_kept_beside_what_they_are_on(store: Store) {
    let world = World::new(store).await;
    let tags = |names: &[String]| -> Value {
        names.iter().map(|name| json!({ "Key": name, "Value": name.to_uppercase() })).collect()
    };
    let mut names: Vec<String> = (0..50).map(|n| format!("name-{n}-{}", "ü".repeat(100))).collect();
    let request = with(&set("s", &[]), json!({ "Tags": tags(&names[..2]) }));
    let ip_set = make(&world, "IPSet", request).await;
    let about = json!({ "ResourceARN": ip_set.arn });
    world.ask_waf("TagResource", with(&about, json!({ "Tags": tags(&names) }))).await.unwrap();
    let one_more = json!({ "Tags": [{ "Key": "one more", "Value": "" }] });
    let refused = refusal(world.ask_waf("TagResource", with(&about, one_more)).await);
    assert!(refused.starts_with("WAFLimitsExceededException: "), "{refused}");
    let (mut seen, mut marker) = (Vec::new(), Value::Null);
    loop {
        let request = with(&about, json!({ "Limit": 7, "NextMarker": marker }));
        let page = world.ask_waf("ListTagsForResource", request).await.unwrap();
        let list = page["TagInfoForResource"]["TagList"].as_array().unwrap();
        seen.extend(list.iter().map(|tag| text(&tag["Key"])));
        marker = page["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    seen.sort_unstable();
    names.sort_unstable();
    assert_eq!(seen, names);
    world.ask_waf("UntagResource", with(&about, json!({ "TagKeys": names[1..] }))).await.unwrap();
    let left = world.ask_waf("ListTagsForResource", about.clone()).await.unwrap();
    assert_eq!(left["TagInfoForResource"]["TagList"], tags(&names[..1]));
    let reserved = json!({ "Tags": [{ "Key": "AWS:x", "Value": "" }] });
    assert!(
        refusal(world.ask_waf("TagResource", with(&about, reserved)).await).starts_with("WAFInvalidParameterException")
    );
    delete(&world, &ip_set).await.unwrap();
    assert_eq!(world.count("SELECT COUNT(*) FROM waf_tags").await, 0);
    assert!(refusal(world.ask_waf("ListTagsForResource", about).await).starts_with("WAFNonexistentItemException"));
}

async fn every_change_is_recorded_once(store: Store) {
    let world = World::new(store).await;
    let web_acl = make(&world, "WebACL", acl("a", json!([]))).await;
    associate(&world, &web_acl).await.unwrap();
    delete(&world, &web_acl).await.unwrap_err();
    let query = Query::new(
        "SELECT operation, subject, result FROM audit WHERE operation LIKE '%WebACL' ORDER BY at, operation DESC",
    );
    let rows = world.services.store.read(query).await.unwrap();
    let rows: Vec<_> =
        rows.iter().map(|row| (row.text(0).unwrap(), row.text(1).unwrap(), row.text(2).unwrap())).collect();
    let pool = pool_arn(&world);
    assert_eq!(rows, [("CreateWebACL", web_acl.arn.as_str(), "ok"), ("AssociateWebACL", pool.as_str(), "ok")]);
}
