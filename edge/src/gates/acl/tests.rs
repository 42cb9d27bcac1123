use std::sync::Arc;
use std::time::{Duration, Instant};

use common::canonical::{RequestHead, Version, canonical_request};
use common::clock::UnixMillis;
use common::waf::read::{self, Dialect};
use http::{HeaderMap, HeaderValue};
use prometheus_client::metrics::gauge::Gauge;
use serde_json::{Value, json};

use super::*;
use crate::challenge::Meter;
use crate::challenge::config::Settings;
use crate::facts::Connection;
use crate::rates::{Limits, Moment};
use crate::replay::Replay;
use crate::snapshot::acl::{AclLog, AclMeter};
use crate::snapshot::route::Route;
use crate::takeover::Watch;
use crate::waf::{Library, Nowhere, compile};

/// A route with a limit of ten requests, and a rule that inspects bodies.
fn route(encoded: EncodedBodies) -> Route {
    let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let rule = |name: &str, priority: u32, statement: Value, action: Value| json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visibility});
    let evil = json!({"RegexMatchStatement": {"FieldToMatch": {"Body": {}}, "RegexString": "evil", "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    let rate = json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP"}});
    let acl = json!({"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility,
        "Rules": [rule("rate", 0, rate, json!({"Block": {}})), rule("evil", 1, evil, json!({"Block": {}}))]});
    let acl = compile(&read::web_acl(&acl, Dialect::default()).unwrap(), &Library::default()).unwrap();
    let rule = AclRule {
        name: "a".into(),
        acl,
        meter: AclMeter::default(),
        asks: Default::default(),
        encoded,
        logs: AclLog::default(),
        locate: Arc::new(Nowhere),
        tells: Default::default(),
    };
    Route { acl: Some(Arc::new(rule)), ..Route::fixture() }
}

fn limits() -> Limits {
    Limits::bounded(1 << 20, [1; 16], [2; 16], Instant::now())
}

fn ask(route: &Route, headers: &HeaderMap, body: Body<'_>, facts: &mut Facts, limits: &Limits) -> Outcome {
    ask_by(route, headers, body, limits, |view, shared| check(view, facts, None, shared))
}

fn ask_by(
    route: &Route,
    headers: &HeaderMap,
    body: Body<'_>,
    limits: &Limits,
    gate: impl FnOnce(RequestView<'_>, Shared<'_>) -> Outcome,
) -> Outcome {
    let head = RequestHead { method: "POST", target: b"/", version: Version::Http2, authority: Some(b"api.test") };
    let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
    let connection = &Connection { client: "192.0.2.1".parse().ok(), ..Connection::UNKNOWN };
    let moment = Moment::after(Duration::from_secs(100));
    let view = RequestView { canonical, connection, headers, session: None, route, body, now: UnixMillis(0), moment };
    let replay = Replay::bounded(1 << 20, Gauge::default());
    let challenges = Challenges::new(Settings::default(), Meter::default()).unwrap();
    gate(view, Shared { replay: &replay, challenges: &challenges, limits, watch: &Watch::new(&[3; 32]) })
}

#[test]
fn a_request_that_comes_again_is_counted_once() {
    let (route, table) = (route(EncodedBodies::Refuse), limits());
    let headers = HeaderMap::new();
    for _ in 0..10 {
        let mut facts = Facts::default();
        assert_eq!(ask(&route, &headers, Body::Unread, &mut facts, &table), Outcome::NeedBody(16 * 1024));
        let good = Body::Read { bytes: b"good", more: false };
        // With the body, and once more with what an issuer has said of the token.
        for _ in 0..2 {
            assert_eq!(ask(&route, &headers, good, &mut facts, &table), Outcome::Continue);
        }
    }
    assert_eq!(ask(&route, &headers, Body::Unread, &mut Facts::default(), &table), Outcome::Reject(Reject::AclBlocked));
}

#[test]
fn a_verdict_stands() {
    let (route, table) = (route(EncodedBodies::Refuse), limits());
    let (headers, mut facts) = (HeaderMap::new(), Facts::default());
    let evil = Body::Read { bytes: b"evil", more: false };
    assert_eq!(ask(&route, &headers, evil, &mut facts, &table), Outcome::Reject(Reject::AclBlocked));
    assert_eq!(ask(&route, &headers, Body::None, &mut facts, &table), Outcome::Reject(Reject::AclBlocked));
}

#[test]
fn encodings_other_than_identity_hide_a_body() {
    let table = limits();
    for (encoding, hides) in [("gzip", true), ("Identity", false), ("identity, br", true), ("", true)] {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_ENCODING, HeaderValue::from_static(encoding))]);
        let refused = ask(&route(EncodedBodies::Refuse), &headers, Body::Unread, &mut Facts::default(), &table);
        assert_eq!(refused == Outcome::Reject(Reject::BodyEncoded), hides, "{encoding}");
        let inspected = ask(&route(EncodedBodies::Inspect), &headers, Body::Unread, &mut Facts::default(), &table);
        assert_eq!(inspected, Outcome::NeedBody(16 * 1024), "{encoding}");
    }
}

mod of_pools {
    use common::cognito::TARGET;
    use common::ids::{ClientId, PoolId};
    use common::waf::Bundle;

    use super::*;
    use crate::snapshot::Snapshot;
    use crate::snapshot::acl::{PoolAcl, PoolRule};
    use crate::snapshot::tenants::Tenants;

    const CALL: &[u8] = br#"{"ClientId": "web"}"#;

    /// A pool whose web ACL has a rate of ten, and beside it rules of these names; they match nothing.
    fn snapshot(acl: Option<PoolAcl>) -> Snapshot {
        let pool = PoolId::parse("eu_A").unwrap();
        let mut tenants = Tenants::default();
        tenants.add_clients(&pool, [&ClientId::parse("web").unwrap()]);
        tenants.set_web_acl(&pool, acl);
        Snapshot { tenants: Arc::new(tenants), ..Snapshot::default() }
    }

    fn acl(others: &[&str]) -> PoolAcl {
        let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
        let rule = |(at, name): (usize, &str)| {
            let statement = match name {
                "rate" => json!({"RateBasedStatement": {"Limit": 10, "AggregateKeyType": "IP"}}),
                _ => json!({"GeoMatchStatement": {"CountryCodes": ["DE"]}}),
            };
            json!({"Name": name, "Priority": at, "Statement": statement, "Action": {"Block": {}}, "VisibilityConfig": visibility})
        };
        let rules: Vec<Value> = others.iter().copied().chain(["rate"]).enumerate().map(rule).collect();
        let text = json!({"WebACL": {"Name": "a", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": rules}});
        let opened = Bundle { web_acl: text.to_string(), parts: Vec::new() }.open().unwrap();
        let terms =
            Terms { usual: (18, 20), locate: Arc::new(Nowhere), logs: false, room: crate::samples::Room::default() };
        let rule = terms.of_pools(&opened, |_, _| AclMeter::default()).unwrap();
        PoolAcl::Of(Arc::new(PoolRule { rule, opened: Arc::new(opened) }))
    }

    fn call(snapshot: &Snapshot, body: Body<'_>, limits: &Limits, facts: &mut Facts) -> Outcome {
        let target = HeaderValue::from_static("AWSCognitoIdentityProviderService.InitiateAuth");
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(TARGET), target)]);
        let route = Route { attest: true, ..Route::fixture() };
        ask_by(&route, &headers, body, limits, |view, shared| pool::check(view, facts, snapshot, shared))
    }

    fn called(snapshot: &Snapshot, limits: &Limits) -> Outcome {
        call(snapshot, Body::Read { bytes: CALL, more: false }, limits, &mut Facts::default())
    }

    #[test]
    fn counts_go_on_where_a_new_version_has_the_rule_as_it_was() {
        let table = limits();
        let (before, after) = (snapshot(Some(acl(&[]))), snapshot(Some(acl(&["one", "two"]))));
        for _ in 0..10 {
            assert_eq!(called(&before, &table), Outcome::Continue);
        }
        assert_eq!(called(&after, &table), Outcome::Reject(Reject::AclBlocked));
        // A route's web ACL with the same names counts for itself.
        let own = route(EncodedBodies::Refuse);
        let good = Body::Read { bytes: b"good", more: false };
        assert_eq!(ask(&own, &HeaderMap::new(), good, &mut Facts::default(), &table), Outcome::Continue);
    }

    #[test]
    fn a_request_that_waited_for_its_body_is_counted_once() {
        let (table, snapshot) = (limits(), snapshot(Some(acl(&[]))));
        for _ in 0..10 {
            let mut facts = Facts::default();
            assert!(matches!(call(&snapshot, Body::Unread, &table, &mut facts), Outcome::NeedBody(_)));
            for _ in 0..2 {
                let read = Body::Read { bytes: CALL, more: false };
                assert_eq!(call(&snapshot, read, &table, &mut facts), Outcome::Continue);
            }
            assert_eq!(facts.pool_acl.unwrap().pool.as_str(), "eu_A");
        }
        assert_eq!(called(&snapshot, &table), Outcome::Reject(Reject::AclBlocked));
    }

    #[test]
    fn where_no_pool_has_one_nothing_is_read() {
        let (table, mut facts) = (limits(), Facts::default());
        assert_eq!(call(&snapshot(None), Body::Unread, &table, &mut facts), Outcome::Continue);
        assert!(facts.pool_acl.is_none());
        let unreadable = snapshot(Some(PoolAcl::Unreadable));
        assert_eq!(called(&unreadable, &table), Outcome::Reject(Reject::AclUnreadable));
    }
}
