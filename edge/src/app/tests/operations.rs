//! What the edge tells of itself: metrics, the access log, traces, the status page; and how its configuration is replaced.

mod collector;
mod exposition;
mod log;
mod metrics;
mod reload;
mod status;
mod traces;
mod waf_log;

use std::path::PathBuf;

use super::harness::Edge;

/// Texts that must appear nowhere, each planted in another place of requests.
const CANARIES: [&str; 8] = [
    "canary-authorization",
    "canary-cookie",
    "canary-query",
    "canary-body",
    "canary-header",
    "canary-trace-state",
    "canary-basic",
    "canary-token",
];

/// Replaces a text of the running edge's configuration file.
fn edit(edge: &Edge, from: &str, to: &str) {
    let text = std::fs::read_to_string(edge.config_file()).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(edge.config_file(), text.replacen(from, to, 1)).unwrap();
}

/// Waits until everything that was answered has been counted: that comes after the answer.
fn settle(edge: &Edge) {
    let idle = || edge.admin("GET", "/metrics").body.contains("tollgate_edge_in_flight 0\n");
    assert!((0..1_000).any(|_| idle() || {
        std::thread::sleep(std::time::Duration::from_millis(2));
        false
    }));
}

/// Writes the access log into a file from now on; `rules` are lines of `[log]`.
pub fn log_to_file(edge: &Edge, rules: &str) -> PathBuf {
    edit(edge, "access = \"off\"", &format!("{rules}\nfile = \"access.log\""));
    assert_eq!(edge.admin("POST", "/reload").status, 200);
    edge.config_file().with_file_name("access.log")
}

/// The lines of a log as soon as there are as many.
pub fn lines(path: &PathBuf, count: usize) -> Vec<serde_json::Value> {
    let text = (0..1_000)
        .find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            let text = std::fs::read_to_string(path).unwrap_or_default();
            (text.ends_with('\n') && text.lines().count() >= count).then_some(text)
        })
        .unwrap_or_else(|| panic!("{count} lines: {}", std::fs::read_to_string(path).unwrap_or_default()));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// A request with a canary in every place that a client can fill but its path, method and host.
fn planted(path: &str) -> Vec<u8> {
    format!(
        "POST {path}?token=canary-query HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer canary-authorization.canary-token.x\r\n\
         Cookie: session=canary-cookie\r\nProxy-Authorization: Basic canary-basic\r\nX-Api-Key: canary-header\r\n\
         tracestate: k=canary-trace-state\r\nContent-Length: 11\r\n\r\ncanary-body"
    )
    .into_bytes()
}

fn assert_clean(place: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{place} shows {canary}:\n{text}");
    }
}
