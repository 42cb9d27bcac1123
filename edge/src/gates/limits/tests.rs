//! What is counted together, and what a refusal leaves behind.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use common::canonical::{RequestHead, Version, canonical_request};
use common::clock::UnixMillis;
use common::settings::parse;
use http::HeaderMap;

use super::*;
use crate::facts::{Connection, Scheme};
use crate::rates::Moment;
use crate::snapshot::limit::LimitMeter;
use crate::snapshot::route::Route;

/// A gate of limits, at a moment that tests set.
struct Gate {
    route: Route,
    limits: Limits,
    at: Duration,
}

/// A request; the rest of it is always the same.
struct Request<'r> {
    method: &'r str,
    target: &'r str,
    client: &'r str,
    header: &'r str,
}

const REQUEST: Request<'_> = Request { method: "GET", target: "/a", client: "192.0.2.1", header: "" };

impl Gate {
    fn with(limits: &str) -> Self {
        let mut root = parse(&format!("limits = [{limits}]"), [], &[]).unwrap();
        let of_route = config::OfRoute { name: "r", methods: &[], has_token: false, has_feed: true };
        let read = config::limits(root.sections("limits").unwrap(), of_route, |_| LimitMeter::default()).unwrap();
        let route = Route { limits: read, ..Route::fixture() };
        Self { route, limits: Limits::bounded(1 << 20, [1; 16], [2; 16], Instant::now()), at: Duration::ZERO }
    }

    fn ask(&self, request: &Request<'_>) -> (Outcome, Limited) {
        let mut headers = HeaderMap::new();
        if !request.header.is_empty() {
            headers.append("x-key", request.header.parse().unwrap());
        }
        let (method, target) = (request.method, request.target.as_bytes());
        let head = RequestHead { method, target, version: Version::Http2, authority: Some(b"api.test") };
        let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
        let client = request.client.parse::<IpAddr>().ok();
        let connection = &Connection { client, scheme: Scheme::Http, tls: None };
        let (route, now, moment) = (&self.route, UnixMillis(1), Moment::after(self.at));
        let view = RequestView {
            canonical,
            connection,
            headers: &headers,
            session: None,
            route,
            body: crate::waf::Body::None,
            now,
            moment,
        };
        let mut facts = Facts::default();
        let outcome = check(view, &mut facts, &self.limits, Stage::Request);
        if outcome == Outcome::Continue {
            let again = check(view, &mut facts, &self.limits, Stage::Request);
            assert_eq!(again, Outcome::Continue, "asked again about the same request it counts nothing");
        }
        (outcome, facts.limited)
    }

    /// How many of so many requests pass.
    fn passes(&self, times: usize, request: &Request<'_>) -> usize {
        (0..times).filter(|_| self.ask(request).0 == Outcome::Continue).count()
    }

    fn remaining(&self, number: usize, request: &Request<'_>) -> u32 {
        let standing = self.ask(request).1.tightest.unwrap();
        assert_eq!(usize::from(standing.limit), number);
        standing.remaining
    }
}

#[test]
fn sixty_five_thousand_addresses_of_one_64_share_one_count() {
    let gate = Gate::with(r#"{ name = "a", key = ["address"], rate = "100/1m" }"#);
    let pass = (0..1_u32 << 16).filter(|host| {
        let client = &*format!("2001:db8:1:2:{:x}:{:x}:{:x}:1", host, host ^ 0x5555, host % 7);
        gate.ask(&Request { client, ..REQUEST }).0 == Outcome::Continue
    });
    assert_eq!(pass.count(), 100);
    assert_eq!(gate.passes(101, &Request { client: "2001:db8:1:3::1", ..REQUEST }), 100, "the next network");
    assert_eq!(gate.passes(101, &REQUEST), 100);
    assert_eq!(gate.passes(1, &Request { client: "::ffff:192.0.2.1", ..REQUEST }), 0, "the same one in IPv6 clothes");
    assert_eq!(gate.passes(1, &Request { client: "192.0.2.2", ..REQUEST }), 1);
    let wide = Gate::with(r#"{ name = "a", key = ["address"], rate = "2/1m", ipv6_prefix = 48, ipv4_prefix = 24 }"#);
    let clients = ["2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:4::1", "192.0.2.1", "192.0.2.9", "192.0.2.8"];
    let passed = clients.map(|client| gate_passes(&wide, client));
    assert_eq!(passed, [true, true, false, true, true, false]);
}

fn gate_passes(gate: &Gate, client: &str) -> bool {
    gate.passes(1, &Request { client, ..REQUEST }) == 1
}

#[test]
fn what_differs_in_the_key_is_counted_apart() {
    let gate = Gate::with(r#"{ name = "a", key = ["path", "method", "header:X-Key"], rate = "1/1m" }"#);
    let one = Request { header: "1", ..REQUEST };
    assert_eq!(gate.passes(2, &one), 1);
    for other in [
        Request { header: "2", ..REQUEST },
        Request { target: "/b", ..one },
        Request { method: "POST", ..one },
        Request { target: "/a/", ..one },
    ] {
        assert_eq!(gate.passes(2, &other), 1);
    }
    for same in
        [Request { target: "/%61", ..one }, Request { target: "/a?x=1", ..one }, Request { client: "::1", ..one }]
    {
        assert_eq!(gate.passes(1, &same), 0, "{}", same.target);
    }
}

#[test]
fn a_request_without_the_key_is_not_counted_or_refused_as_the_limit_says() {
    let skips = Gate::with(r#"{ name = "a", key = ["header:x-key"], rate = "1/1m" }"#);
    assert_eq!(skips.passes(9, &REQUEST), 9);
    assert_eq!(skips.ask(&REQUEST).1.tightest, None);
    let refuses = Gate::with(
        r#"{ name = "all", key = ["route"], rate = "5/1m" }, { name = "a", key = ["header:x-key"], rate = "9/1m", when_missing = "refuse" }"#,
    );
    let (outcome, limited) = refuses.ask(&REQUEST);
    assert_eq!((outcome, limited.refused_by), (Outcome::Reject(Reject::RateKeyMissing), Some(1)));
    assert_eq!(refuses.remaining(0, &Request { header: "1", ..REQUEST }), 4, "it was not counted");
    let nobody = Gate::with(r#"{ name = "a", key = ["address"], rate = "1/1m" }"#);
    assert_eq!(nobody.passes(3, &Request { client: "unknown", ..REQUEST }), 3);
}

#[test]
fn what_one_limit_refuses_no_other_counts() {
    let gate = Gate::with(
        r#"{ name = "all", key = ["route"], rate = "10/1m" }, { name = "one", key = ["address"], rate = "2/1m" }"#,
    );
    assert_eq!(gate.passes(50, &REQUEST), 2);
    let (outcome, limited) = gate.ask(&REQUEST);
    assert_eq!((outcome, limited.refused_by, limited.counted), (Outcome::Reject(Reject::RateLimited), Some(1), 0));
    let clients = ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"];
    let others: usize = clients.iter().map(|client| gate.passes(9, &Request { client, ..REQUEST })).sum();
    assert_eq!(others, 8, "of ten, two were used up");
}

#[test]
fn the_limit_that_leaves_least_is_told() {
    let gate = Gate::with(
        r#"{ name = "wide", key = ["route"], rate = "4/1h" }, { name = "narrow", key = ["address"], rate = "3/1m" }"#,
    );
    assert_eq!([gate.remaining(1, &REQUEST), gate.remaining(1, &REQUEST)], [2, 1]);
    let other = Request { client: "192.0.2.2", ..REQUEST };
    assert_eq!([gate.remaining(0, &other), gate.remaining(0, &other)], [1, 0]);
    let (_, limited) = gate.ask(&other);
    let standing = limited.tightest.unwrap();
    assert_eq!((limited.refused_by, standing.limit, standing.remaining), (Some(0), 0, 0));
    assert!(standing.wait > Duration::from_secs(3_600) && standing.wait <= Duration::from_secs(3_662));
}

#[test]
fn places_come_back_when_the_window_has_passed() {
    let mut gate = Gate::with(r#"{ name = "a", key = ["address"], rate = "3/1m" }"#);
    assert_eq!(gate.passes(5, &REQUEST), 3);
    let wait = gate.ask(&REQUEST).1.tightest.unwrap().wait;
    gate.at = wait - Duration::from_nanos(1);
    assert_eq!(gate.passes(5, &REQUEST), 0);
    gate.at = wait;
    assert_eq!(gate.passes(5, &REQUEST), 3);
}

#[test]
fn a_dry_run_refuses_nobody_and_says_whom_it_would_have() {
    let gate = Gate::with(
        r#"{ name = "dry", key = ["address"], rate = "2/1m", dry_run = true },
           { name = "strict", key = ["header:x-key"], rate = "1/1m", dry_run = true, when_missing = "refuse" },
           { name = "all", key = ["route"], rate = "100/1m" }"#,
    );
    let with_key = Request { header: "1", ..REQUEST };
    let told: Vec<_> = (0..4).map(|_| gate.ask(&with_key).1.would_refuse).collect();
    assert_eq!(told, [None, Some(1), Some(0), Some(0)], "the first that would have");
    assert_eq!(gate.ask(&Request { client: "::1", ..REQUEST }).1.would_refuse, Some(1));
    assert_eq!(gate.remaining(2, &with_key), 94);
    let limits = &gate.route.limits.as_ref().unwrap().limits;
    let counted = |number: usize| {
        let LimitMeter { admitted, refused, would_refuse, skipped } = &limits[number].meter;
        [admitted, refused, would_refuse, skipped].map(|counter| counter.get())
    };
    assert_eq!((counted(0), counted(1), counted(2)), ([3, 0, 3, 0], [1, 0, 4, 1], [6, 0, 0, 0]));
}

#[test]
fn a_limit_for_some_methods_leaves_the_others_alone() {
    let gate = Gate::with(r#"{ name = "writes", key = ["address"], rate = "1/1m", methods = ["POST", "PUT"] }"#);
    assert_eq!(gate.passes(5, &REQUEST), 5);
    assert_eq!(gate.passes(5, &Request { method: "POST", ..REQUEST }), 1);
    assert_eq!(gate.passes(5, &Request { method: "PUT", ..REQUEST }), 0);
}

#[test]
fn values_of_one_header_are_not_those_of_the_next() {
    let gate = Gate::with(r#"{ name = "a", key = ["header:a", "header:b"], rate = "1/1m" }"#);
    let limit = &gate.route.limits.as_ref().unwrap().limits[0];
    let head = RequestHead { method: "GET", target: b"/", version: Version::Http2, authority: Some(b"api.test") };
    let canonical = &canonical_request(head, std::iter::empty(), &Default::default()).unwrap();
    let (connection, facts) = (&Connection::UNKNOWN, Facts::default());
    let key = |fields: &[(&'static str, &str)]| {
        let headers: HeaderMap = fields
            .iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        let (route, now, moment) = (&gate.route, UnixMillis(1), Moment::default());
        let view = RequestView {
            canonical,
            connection,
            headers: &headers,
            session: None,
            route,
            body: crate::waf::Body::None,
            now,
            moment,
        };
        key::of(view, &facts, limit, &gate.limits.digester)
    };
    let one = key(&[("a", "1"), ("a", "2"), ("b", "3")]);
    assert_ne!(one, key(&[("a", "1"), ("b", "2"), ("b", "3")]));
    assert_eq!(one, key(&[("b", "3"), ("a", "1"), ("a", "2")]));
    assert_eq!((key(&[("a", "1")]), one.is_some()), (None, true));
}
