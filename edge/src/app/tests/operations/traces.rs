//! Spans and `traceparent`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::harness::{Answer, Edge, NOW, request};
use super::super::{bearer, good_token};
use super::collector::Collector;
use super::{assert_clean, edit, lines, planted};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

fn traced(collector: &Collector, more: &str) -> Edge {
    Edge::start_with_routes(&collector.settings(more))
}

fn attributes(span: &Value) -> BTreeMap<&str, String> {
    let value = |value: &Value| match (&value["stringValue"], &value["intValue"]) {
        (Value::String(text), _) | (_, Value::String(text)) => text.clone(),
        _ => panic!("{value}"),
    };
    span["attributes"].as_array().unwrap().iter().map(|a| (a["key"].as_str().unwrap(), value(&a["value"]))).collect()
}

/// The parts of the only `traceparent` that the upstream saw.
fn seen(answer: &Answer) -> [String; 4] {
    let [parent] = answer.echoed("traceparent").try_into().unwrap();
    let parts: Vec<String> = parent.split('-').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && text.bytes().any(|b| b != b'0')
}

#[test]
fn a_trace_begins_here_and_the_upstream_goes_on() {
    let collector = Collector::answering(&[]);
    let edge = traced(&collector, "ratio = 1");
    let fields = [
        ("authorization", &*bearer(&good_token())),
        ("traceparent", &*format!("00-{TRACE}-{CALLER}-01")),
        ("tracestate", "a=b"),
    ];
    let answer = edge.send(&request("/api/x?q=1", &fields));
    let [version, trace, parent, flags] = seen(&answer);
    assert_eq!((version.as_str(), flags.as_str()), ("00", "01"));
    assert_ne!(trace, TRACE, "nobody outside is believed unless the operator says so");
    assert!(answer.echoed("tracestate").is_empty());
    let [span] = collector.spans(1).try_into().unwrap();
    assert!(is_hex(&trace, 32) && is_hex(&parent, 16));
    assert_eq!((&span["traceId"], &span["spanId"]), (&trace.into(), &parent.into()));
    assert!(span.get("parentSpanId").is_none());
    assert_eq!(
        (&span["name"], &span["kind"], &span["status"]),
        (&"GET echo /api/*".into(), &2.into(), &serde_json::json!({}))
    );
    let nanos = |name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(nanos("startTimeUnixNano"), NOW.0 * 1_000_000);
    assert!(nanos("endTimeUnixNano") > nanos("startTimeUnixNano"));
    let attributes = attributes(&span);
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "echo /api/*"),
        ("http.response.status_code", "200"),
        ("server.address", "api.test"),
        ("url.path", "/api/x"),
        ("url.scheme", "http"),
        ("network.protocol.version", "1.1"),
        ("client.address", "127.0.0.1"),
        ("tollgate.upstream", "echo"),
        ("tollgate.upstream.attempts", "1"),
        ("tollgate.client_id", "web"),
        ("tollgate.request_id", answer.header("x-request-id").unwrap()),
    ] {
        assert_eq!(attributes[name], value, "{name}");
    }
}

#[test]
fn a_caller_that_is_believed_decides_and_is_the_parent() {
    let collector = Collector::answering(&[]);
    let edge = traced(&collector, "ratio = 0\naccept = true");
    let with =
        |parent: &str, state: &str| edge.send(&request("/public/x", &[("traceparent", parent), ("tracestate", state)]));
    let answer = with(&format!("00-{TRACE}-{CALLER}-01"), "k=v");
    assert_eq!(answer.echoed("tracestate"), ["k=v"]);
    let [_, trace, parent, flags] = seen(&answer);
    assert_eq!((trace.as_str(), flags.as_str()), (TRACE, "01"));
    let [span] = collector.spans(1).try_into().unwrap();
    assert_eq!(
        (&span["traceId"], &span["parentSpanId"], &span["traceState"]),
        (&TRACE.into(), &CALLER.into(), &"k=v".into())
    );
    assert_eq!(span["spanId"], parent);
    // Not sampled there, so not here; garbage begins a trace of our own, which the ratio does not sample.
    assert_eq!(seen(&with(&format!("00-{TRACE}-{CALLER}-00"), "k=v"))[3], "00");
    let [_, trace, _, flags] = seen(&with("garbage", "k=v"));
    assert!(trace != TRACE && is_hex(&trace, 32) && flags == "00");
    assert!(with("garbage", "k=v").echoed("tracestate").is_empty());
}

#[test]
fn refusals_and_failures_have_their_reason_and_no_secret_leaves() {
    let collector = Collector::answering(&[]);
    let edge = traced(&collector, "ratio = 1");
    for path in ["/api/x", "/down/x", "/nowhere"] {
        edge.send(&planted(path));
    }
    let spans = collector.spans(3);
    let find = |reason: &str| {
        spans.iter().find(|span| attributes(span).get("tollgate.reason").is_some_and(|r| r == reason)).unwrap()
    };
    assert_eq!(find("malformed")["status"], serde_json::json!({}), "a refusal is no failure");
    assert_eq!(find("upstream_unavailable")["status"]["code"], 2);
    assert_eq!(find("no_route")["name"], "POST");
    assert_clean("a span", &Value::from(spans.clone()).to_string());
}

#[test]
fn a_collector_that_can_not_now_gets_the_batch_again() {
    let collector = Collector::answering(&[503, 429]);
    let edge = traced(&collector, "ratio = 1");
    edge.send(&request("/public/x", &[]));
    assert_eq!(collector.spans(1).len(), 1);
    let exported = || edge.admin("GET", "/metrics").body.contains("tollgate_edge_spans_exported_total 1\n");
    assert!((0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        exported()
    }));
}

#[test]
fn what_a_collector_refuses_is_dropped_and_counted() {
    let collector = Collector::answering(&[400]);
    let edge = traced(&collector, "ratio = 1");
    edge.send(&request("/public/x", &[]));
    let dropped = || edge.admin("GET", "/metrics").body.contains("tollgate_edge_spans_dropped_total 1\n");
    assert!((0..1_000).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        dropped()
    }));
}

#[test]
fn a_traced_request_has_its_line_and_names_its_trace() {
    let collector = Collector::answering(&[]);
    let edge = traced(&collector, "ratio = 1");
    edit(&edge, "access = \"off\"", "access = \"all\"\nsample = 0\nfile = \"access.log\"");
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    let [_, trace, ..] = seen(&edge.send(&request("/public/x", &[])));
    let log = edge.config_file().with_file_name("access.log");
    assert_eq!(lines(&log, 1)[0]["trace_id"], trace);
}

#[test]
fn without_traces_a_callers_headers_pass_as_they_are() {
    let edge = Edge::start();
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let answer = edge.send(&request("/public/x", &[("traceparent", &parent), ("tracestate", "k=v")]));
    assert_eq!((answer.echoed("traceparent"), answer.echoed("tracestate")), (vec![parent], vec!["k=v".to_owned()]));
}
