//! The access log.

use super::super::harness::{Edge, request};
use super::super::{bearer, good_token};
use super::{assert_clean, lines, log_to_file, planted};
use crate::observe::hash_subject;

#[test]
fn a_line_says_what_happened_and_to_whom() {
    let edge = Edge::start();
    let log = log_to_file(&edge, "access = \"all\"");
    let target = "/api/caf%C3%A9?secret=1";
    let passed = edge.send(&request(target, &[("authorization", &bearer(&good_token()))]));
    edge.send(&request("/api/x", &[]));
    edge.send(&request("/down/x", &[]));
    edge.send(&request("/a/../b", &[]));
    let lines = lines(&log, 4);
    let line = &lines[0];
    assert_eq!(line["request_id"], passed.header("x-request-id").unwrap());
    for (name, value) in [
        ("route", "echo /api/*"),
        ("method", "GET"),
        ("host", "api.test"),
        ("path", "/api/caf%C3%A9"),
        ("protocol", "HTTP/1.1"),
        ("client", "127.0.0.1"),
        ("iss", super::super::harness::ISS),
        ("client_id", "web"),
    ] {
        assert_eq!(line[name], value, "{line}");
    }
    assert_eq!(line["sub_hash"], hash_subject(super::super::harness::ISS, "ada"));
    assert_eq!(
        (line["status"].as_u64(), line["attempts"].as_u64(), line["received"].as_u64()),
        (Some(200), Some(1), Some(0))
    );
    assert!(line["upstream"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    assert!(line["first_byte_micros"].as_u64().unwrap() <= line["micros"].as_u64().unwrap(), "{line}");
    assert_eq!(line["sent"].as_u64().unwrap(), passed.body.len() as u64);
    assert!(line["kid"].is_string() && line.get("reason").is_none() && line.get("trace_id").is_none(), "{line}");
    assert_eq!((&lines[1]["reason"], &lines[1]["status"]), (&"missing_token".into(), &401.into()));
    assert_eq!((&lines[2]["reason"], &lines[2]["attempts"]), (&"upstream_unavailable".into(), &1.into()));
    assert_eq!((&lines[3]["reason"], &lines[3]["detail"]), (&"ambiguous_path".into(), &"dot_segment".into()));
    assert!(lines[3].get("path").is_none(), "what has no canonical form is not written");
}

#[test]
fn no_secret_of_a_request_is_written() {
    let edge = Edge::start();
    let log = log_to_file(&edge, "access = \"all\"");
    for path in ["/api/x", "/public/x", "/down/x", "/nowhere", "/a//b"] {
        edge.send(&planted(path));
    }
    lines(&log, 5);
    assert_clean("the access log", &std::fs::read_to_string(&log).unwrap());
    for page in ["/metrics", "/", "/status.json", "/readyz"] {
        assert_clean(page, &edge.admin("GET", page).body);
    }
}

#[test]
fn successes_are_sampled_and_refusals_are_not() {
    let edge = Edge::start();
    let log = log_to_file(&edge, "access = \"all\"\nsample = \"10%\"");
    let mut connection = edge.connect();
    for _ in 0..100 {
        connection.send(&request("/public/x", &[]));
    }
    for _ in 0..20 {
        connection.send(&request("/api/x", &[]));
    }
    // The last line of the last refusal comes after all others.
    let lines = lines(&log, 28);
    let refused = lines.iter().filter(|line| line.get("reason").is_some()).count();
    assert_eq!(refused, 20);
    assert!((8..=12).contains(&(lines.len() - refused)), "{}", lines.len());
}

#[test]
fn a_log_that_was_rotated_goes_on_in_a_new_file() {
    let edge = Edge::start();
    let log = log_to_file(&edge, "access = \"all\"");
    edge.send(&request("/public/1", &[]));
    lines(&log, 1);
    let rotated = log.with_file_name("access.log.1");
    std::fs::rename(&log, &rotated).unwrap();
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    edge.send(&request("/public/2", &[]));
    assert_eq!(lines(&log, 1)[0]["path"], "/public/2");
    assert_eq!(lines(&rotated, 1).len(), 1);
}
