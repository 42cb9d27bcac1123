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
    };
    Route { acl: Some(Arc::new(rule)), ..Route::fixture() }
}

fn limits() -> Limits {
    Limits::bounded(1 << 20, [1; 16], [2; 16], Instant::now())
}

fn ask(route: &Route, headers: &HeaderMap, body: Body<'_>, facts: &mut Facts, limits: &Limits) -> Outcome {
    let head = RequestHead { method: "POST", target: b"/", version: Version::Http2, authority: Some(b"api.test") };
    let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
    let connection = &Connection { client: "192.0.2.1".parse().ok(), ..Connection::UNKNOWN };
    let moment = Moment::after(Duration::from_secs(100));
    let view = RequestView { canonical, connection, headers, route, body, now: UnixMillis(0), moment };
    let replay = Replay::bounded(1 << 20, Gauge::default());
    let challenges = Challenges::new(Settings::default(), Meter::default()).unwrap();
    check(view, facts, None, Shared { replay: &replay, challenges: &challenges, limits })
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
