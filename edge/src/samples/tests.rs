use common::clock::UnixMillis;
use common::waf::read::{self, Dialect};
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::rates::{Digester, Key, Moment, Table};
use crate::takeover::Watch;
use crate::waf::{Body, Clearance, Counting, Library, Nowhere, Said, compile};

fn visible(metric: &str, sampled: bool) -> Value {
    json!({"SampledRequestsEnabled": sampled, "CloudWatchMetricsEnabled": true, "MetricName": metric})
}

fn on_path(text: &str) -> Value {
    use base64::Engine as _;
    let search = base64::engine::general_purpose::STANDARD.encode(text);
    json!({"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "SearchString": search, "PositionalConstraint": "CONTAINS",
        "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}})
}

fn rule(name: &str, priority: u32, statement: &Value, action: &Value) -> Value {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action,
        "VisibilityConfig": visible(&format!("{name}-metric"), name != "unseen")})
}

fn web_acl(rules: &[Value]) -> Acl {
    let json = json!({"Name": "a", "ARN": "arn:aws:wafv2:r:1:regional/webacl/a/i", "DefaultAction": {"Allow": {}}, "Rules": rules,
        "VisibilityConfig": visible("own", true)});
    let group = json!({"Name": "g", "ARN": "arn:aws:wafv2:r:1:regional/rulegroup/g/i", "Capacity": 100,
        "Rules": [rule("inner", 0, &on_path("/inner"), &json!({"Block": {}})), rule("rate", 1, &rate(), &json!({"Block": {}}))],
        "VisibilityConfig": visible("g", true)});
    let mut library = Library::default();
    assert!(library.add_group(read::rule_group(&group, Dialect::default()).unwrap()));
    compile(&read::web_acl(&json, Dialect::default()).unwrap(), &library).unwrap()
}

fn rate() -> Value {
    json!({"RateBasedStatement": {"Limit": 10, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"}})
}

struct World {
    acl: Acl,
    tally: Tally,
    table: Table,
    room: Room,
}

impl World {
    fn new(rules: &[Value]) -> Self {
        let (acl, room) = (web_acl(rules), Room::default());
        let tally = Tally::new(&acl, Dice::seeded(7), room.clone());
        Self { acl, tally, table: Table::bounded(4 << 20, [0; 16]), room }
    }

    /// A request judged and noted; whether anything was made of it.
    fn send(&self, path: &str, headers: &HeaderMap) -> bool {
        let (digester, watch) = (Digester::new([0; 16]), Watch::new(&[0; 32]));
        let now = Moment::after(std::time::Duration::from_secs(100));
        let counting = Counting { table: &self.table, digester: &digester, watch: &watch, now, only_looks: false };
        let client = Some("192.0.2.7".parse().unwrap());
        let request = crate::waf::Request {
            method: "GET",
            path,
            query: Some("code=hunter2"),
            headers,
            body: Body::None,
            client,
            ja3: None,
            ja4: None,
            token: None,
            clearance: Clearance::default(),
        };
        let mut progress = Progress::default();
        let Said::Done(verdict) = self.acl.evaluate(request, &mut progress, &Nowhere, counting) else { panic!() };
        let seen = Request {
            at: UnixMillis(5_000),
            client,
            country: None,
            method: "GET",
            path,
            query: request.query,
            version: "HTTP/1.1",
            headers,
            clearance: request.clearance,
            status: 200,
        };
        let mut made = false;
        self.tally.note(&self.acl, &progress, &verdict, || {
            made = true;
            told(&seen, &self.acl, &progress, &verdict, &self.acl.protected)
        });
        made
    }

    /// Metric, requests, samples.
    fn drained(&self) -> Vec<(String, u64, usize)> {
        let drained = self.tally.drain();
        let mut all: Vec<_> =
            drained.iter().map(|one| (one.metric.to_string(), one.requests, one.samples.len())).collect();
        all.sort();
        all
    }
}

fn group(name: &str, action: &str) -> Value {
    json!({"Name": name, "Priority": 9, "OverrideAction": {action: {}}, "VisibilityConfig": visible("group-metric", true),
        "Statement": {"RuleGroupReferenceStatement": {"ARN": "arn:aws:wafv2:r:1:regional/rulegroup/g/i"}}})
}

fn of(metric: &str, requests: u64, samples: usize) -> (String, u64, usize) {
    (metric.to_owned(), requests, samples)
}

#[test]
fn each_request_counts_under_every_rule_that_matched_it() {
    let world = World::new(&[
        rule("counts", 0, &on_path("/"), &json!({"Count": {}})),
        rule("unseen", 1, &on_path("/x"), &json!({"Block": {}})),
        group("group", "None"),
    ]);
    for path in ["/a", "/a", "/inner", "/x"] {
        world.send(path, &HeaderMap::new());
    }
    let expected = [
        of("Default_Action", 2, 2),
        of("counts-metric", 4, 4),
        of("group-metric", 1, 1),
        of("inner-metric", 1, 1),
        of("own", 4, 4),
    ];
    assert_eq!(world.drained(), expected, "a rule that is not to be sampled is not");
    assert_eq!(world.drained(), [], "what was told is forgotten");
    assert_eq!((world.tally.bytes.load(Ordering::Relaxed), world.room.0.load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn a_sample_says_what_its_rule_did() {
    let world = World::new(&[rule("counts", 0, &on_path("/inner"), &json!({"Count": {}})), group("group", "Count")]);
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer hunter2".parse().unwrap());
    headers.insert("user-agent", "curl".parse().unwrap());
    world.send("/inner", &headers);
    let acted = |metric: &str, drained: &[Drained]| {
        let one = drained.iter().find(|one| &*one.metric == metric).unwrap();
        let acted = &one.samples[0].acted;
        (acted.action, acted.overridden, acted.within.as_deref().map(str::to_owned))
    };
    let drained = world.tally.drain();
    assert_eq!(acted("counts-metric", &drained), ("COUNT", None, None));
    assert_eq!(acted("group-metric", &drained), ("COUNT", Some("BLOCK"), Some("inner".to_owned())));
    assert_eq!(acted("Default_Action", &drained), ("ALLOW", None, None));
    let told = &drained[0].samples[0].told;
    assert_eq!((told.uri.as_str(), told.status), ("/inner?code=REDACTED", None));
    let headers: Vec<_> = told.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, [("authorization", "REDACTED"), ("user-agent", "curl")]);
}

#[test]
fn a_rule_keeps_its_metric_though_the_web_acl_has_the_same() {
    let json = json!({"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visible("m", true),
        "Rules": [{"Name": "r", "Priority": 0, "Statement": on_path("/evil"), "Action": {"Block": {}}, "VisibilityConfig": visible("m", true)}]});
    let acl = compile(&read::web_acl(&json, Dialect::default()).unwrap(), &Library::default()).unwrap();
    let tally = Tally::new(&acl, Dice::seeded(1), Room::default());
    let world = World { acl, tally, ..World::new(&[]) };
    world.send("/evil", &HeaderMap::new());
    world.send("/good", &HeaderMap::new());
    assert_eq!(world.drained(), [of("Default_Action", 1, 1), of("m", 1, 1)]);
}

#[test]
fn most_requests_of_many_cost_a_count_only_and_all_had_the_same_chance() {
    let world = World::new(&[]);
    let made = (0..5_000).filter(|number| world.send(&format!("/{number}"), &HeaderMap::new())).count();
    // Two metrics: 100 each, then 100·ln(50) replacements each.
    assert!((300..1_400).contains(&made), "{made}");
    let drained = world.tally.drain();
    assert!(drained.iter().all(|one| one.requests == 5_000 && one.samples.len() == MOST));
    assert!(drained.iter().all(|one| one.samples.iter().all(|sample| sample.weight == 50)));
    let dice = Dice::seeded(3);
    let mut kept = [0_u32; 10];
    for _ in 0..2_000 {
        let mut reservoir = Vec::new();
        for seen in 0..100_usize {
            match dice.place(seen as u64, 10) {
                Some(place) if place < reservoir.len() => reservoir[place] = seen,
                Some(_) => reservoir.push(seen),
                None => {}
            }
        }
        reservoir.iter().for_each(|seen| kept[seen / 10] += 1);
    }
    // 2,000 in each tenth; four standard deviations are some 170.
    assert!(kept.iter().all(|count| (1_830..2_170).contains(count)), "{kept:?}");
}

#[test]
fn bytes_have_an_end() {
    let world = World::new(&[]);
    let mut headers = HeaderMap::new();
    for number in 0..8 {
        headers.insert(
            http::HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap(),
            "y".repeat(1_000).parse().unwrap(),
        );
    }
    for _ in 0..1_000 {
        world.send("/", &headers);
    }
    let bytes = world.tally.bytes.load(Ordering::Relaxed);
    assert!(bytes <= MAX_BYTES && bytes > MAX_BYTES / 2, "{bytes}");
    let sum: usize =
        world.tally.slots.iter().flat_map(|slot| slot.kept().iter().map(Taken::bytes).collect::<Vec<_>>()).sum();
    assert_eq!(sum, bytes);
    world.room.0.store(MAX_BYTES_OF_ALL, Ordering::Relaxed);
    let other = Tally::new(&world.acl, Dice::seeded(1), world.room.clone());
    let full =
        World { acl: web_acl(&[]), tally: other, table: Table::bounded(4 << 20, [0; 16]), room: world.room.clone() };
    full.send("/", &headers);
    assert_eq!(full.drained(), [of("Default_Action", 1, 0), of("own", 1, 0)]);
}

/// Bytes are counted for as long as they are kept, also of what comes between the first metric that is drained and the last.
#[test]
fn requests_that_come_while_others_are_drained() {
    let world = World::new(&[]);
    let headers = HeaderMap::new();
    let agree = || {
        let kept = |slot: &Slot| slot.kept().iter().map(Taken::bytes).sum::<usize>();
        let sum: usize = world.tally.slots.iter().map(kept).sum();
        assert_eq!((world.tally.bytes.load(Ordering::Relaxed), world.room.0.load(Ordering::Relaxed)), (sum, sum));
        sum
    };
    world.send("/a-path-longer-than-the-others", &headers);
    let mut draining = world.tally.draining();
    assert!(draining.next().is_some_and(|first| first.requests == 1));
    world.send("/between", &headers);
    assert!(draining.next().is_some_and(|second| second.requests == 2) && draining.next().is_none());
    assert!(agree() > 0, "the first metric has one again");
    // Others take its place.
    for _ in 0..1_000 {
        world.send("/", &headers);
    }
    assert!(agree() > 0);
    drop(world.drained());
    assert_eq!(agree(), 0);
    // Though something were amiss, a counter neither wraps nor panics.
    give_back(&world.tally.bytes, 1);
    world.tally.bytes.store(usize::MAX, Ordering::Relaxed);
    world.send("/", &headers);
    assert_eq!(world.drained(), [of("Default_Action", 1, 0), of("own", 1, 0)]);
    world.tally.bytes.store(0, Ordering::Relaxed);
}

#[test]
fn a_rate_that_held_somebody_back_is_looked_at() {
    let world = World::new(&[rule("mine", 0, &rate(), &json!({"Block": {}})), group("group", "None")]);
    for _ in 0..10 {
        world.send("/", &HeaderMap::new());
    }
    assert_eq!(world.tally.hits().count(), 0);
    world.send("/", &HeaderMap::new());
    let hits: Vec<_> =
        world.tally.hits().map(|watch| (watch.rule.to_string(), watch.within.clone(), watch.quota)).collect();
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].0.as_str(), &hits[0].1), ("mine", &None));
    let now = Moment::after(std::time::Duration::from_secs(101));
    let held: Vec<Key> = world.table.over(now, &hits[0].2, 10).into_iter().map(|(key, _)| key).collect();
    assert_eq!(held.iter().map(|key| key.address().to_string()).collect::<Vec<_>>(), ["192.0.2.7"]);
    assert_eq!(world.tally.hits().count(), 0);
    let of_group = world.tally.rates.iter().find(|watch| watch.within.is_some()).unwrap();
    assert_eq!((&*of_group.rule, of_group.within.as_deref()), ("group", Some("rate")));
}

proptest! {
    /// No secret of a request is in what is told of it, whatever stands around it.
    #[test]
    fn no_sample_has_a_secret(
        secret in "[A-Za-z0-9]{16,24}",
        name in prop::sample::select(vec!["authorization", "cookie", "dpop", "x-amz-security-token", "x-aws-waf-token", "x-api-key"]),
        form in prop::sample::select(vec!["{}", "Bearer {}", "a={}; b={}", "aws-waf-token={}"]),
    ) {
        let world = World::new(&[]);
        let mut headers = HeaderMap::new();
        headers.insert(name, form.replace("{}", &secret).parse().unwrap());
        world.send(&format!("/a;token={secret}"), &headers);
        for one in world.tally.drain() {
            for sample in &one.samples {
                let all = format!("{:?}", sample.told);
                prop_assert!(!all.contains(&secret), "{all}");
            }
        }
    }
}
