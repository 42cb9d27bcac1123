//! `GET /metrics`.

use super::super::harness::{Edge, request, second_key, signed};
use super::super::{bearer, claims, good_token};
use super::exposition::Exposition;
use super::settle;
use crate::app::tests::harness::Answer;

fn scrape(edge: &Edge) -> Exposition {
    settle(edge);
    Exposition::open_metrics(&edge.admin("GET", "/metrics").body)
}

/// With one more header field.
fn scrape_with(edge: &Edge, field: &str) -> Answer {
    edge.ask_admin(&format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n"))
}

#[test]
fn every_line_of_both_formats_is_as_specified() {
    let edge = Edge::start_with_routes(
        "[[upstream]]\nname = \"o\\\"dd\\\\\\n\"\nservers = [\"127.0.0.1:1\"]\n\
         [[route]]\nmatch = { path = \"/odd\" }\nupstream = \"o\\\"dd\\\\\\n\"\n",
    );
    for path in ["/api/x", "/public/x", "/down/x", "/odd", "/nowhere", "/a//b"] {
        edge.send(&request(path, &[]));
    }
    let newer = scrape(&edge);
    let answer = scrape_with(&edge, "Accept: text/plain;version=0.0.4");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let older = Exposition::text(&answer.body);
    assert_eq!(newer.names(), older.names(), "both formats have the same samples");
    assert!(newer.value("tollgate_edge_refusals_total", &[("route", "o\"dd\\\n /odd")]) >= 1.0);
    for name in
        ["process_resident_memory_bytes", "process_open_fds", "process_cpu_seconds_total", "process_start_time_seconds"]
    {
        assert!(newer.value(name, &[]) > 0.0 || name.contains("cpu"), "{name}");
    }
    assert_eq!(newer.value("tollgate_edge_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
}

#[test]
fn requests_are_counted_where_they_belong() {
    let edge = Edge::start();
    let good = bearer(&good_token());
    let api = "echo /api/*";
    for _ in 0..3 {
        assert_eq!(edge.send(&request("/api/x", &[("authorization", &good)])).status, 200);
    }
    edge.send(&request("/api/x", &[]));
    edge.send(&request("/nowhere", &[]));
    let body = b"POST /public/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(edge.send(body).status, 200);
    let at = scrape(&edge);
    assert_eq!(at.value("tollgate_edge_requests_total", &[("route", api), ("status", "2xx")]), 3.0);
    assert_eq!(at.value("tollgate_edge_requests_total", &[("route", api), ("status", "4xx")]), 1.0);
    assert_eq!(at.value("tollgate_edge_refusals_total", &[("route", api), ("reason", "missing_token")]), 1.0);
    assert_eq!(at.value("tollgate_edge_refusals_total", &[("route", "(none)"), ("reason", "no_route")]), 1.0);
    assert_eq!(at.value("tollgate_edge_request_duration_seconds_count", &[("route", api)]), 4.0);
    assert_eq!(at.value("tollgate_edge_upstream_first_byte_seconds_count", &[("route", api)]), 3.0);
    assert_eq!(at.value("tollgate_edge_request_duration_seconds_bucket", &[("route", api), ("le", "+Inf")]), 4.0);
    assert_eq!(at.value("tollgate_edge_request_body_bytes_total", &[("route", "echo /public/*")]), 5.0);
    assert!(at.value("tollgate_edge_response_body_bytes_total", &[("route", "echo /public/*")]) > 50.0);
    assert_eq!(at.value("tollgate_edge_known_tokens_misses_total", &[("issuer", "corp")]), 1.0);
    assert_eq!(at.value("tollgate_edge_known_tokens_hits_total", &[("issuer", "corp")]), 2.0);
    assert_eq!(at.value("tollgate_edge_known_tokens", &[("issuer", "corp")]), 1.0);
    assert_eq!(at.value("tollgate_edge_issuer_keys", &[("issuer", "corp")]), 1.0);
    assert!(at.value("tollgate_edge_connections_accepted_total", &[]) >= 6.0);
    assert_eq!(at.value("tollgate_edge_ready", &[]), 1.0);
}

#[test]
fn no_request_makes_a_series() {
    let edge = Edge::start();
    // Every reason that occurs below, once.
    let odd = |number: usize| -> Vec<u8> {
        match number % 8 {
            0 => request(&format!("/odd/{number}"), &[]),
            1 => request("/api/x", &[("authorization", &format!("Bearer {number}.x.y"))]),
            2 => format!("M{number} /public/x HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes(),
            3 => format!("GET /public/{number} HTTP/1.1\r\nHost: h{number}.test\r\n\r\n").into_bytes(),
            4 => request(&format!("/a//{number}"), &[]),
            5 => {
                let mut claims = claims();
                claims["sub"] = serde_json::json!(format!("user-{number}"));
                claims["iss"] = serde_json::json!(format!("https://issuer-{number}.test"));
                request("/api/x", &[("authorization", &bearer(&signed(&second_key(), &claims)))])
            }
            6 => format!("GET /public/x HTTP/1.1\r\nHost: a\r\nX-{number}: {number}\r\ntraceparent: {number}\r\n\r\n")
                .into_bytes(),
            _ => format!("GET /public/x HTTP/1.1\r\nHost: a b{number}\r\n\r\n").into_bytes(),
        }
    };
    for number in 0..8 {
        edge.send(&odd(number));
    }
    let before = scrape(&edge);
    for number in 8..1_008 {
        edge.send(&odd(number));
    }
    let after = scrape(&edge);
    let new: Vec<_> = after.series.keys().filter(|series| !before.series.contains_key(*series)).collect();
    assert!(new.is_empty(), "{new:#?}");
    let total: f64 =
        after.series.iter().filter(|(name, _)| name.starts_with("tollgate_edge_requests_total")).map(|(_, n)| n).sum();
    assert_eq!(total, 1_008.0, "all of them were counted");
}
