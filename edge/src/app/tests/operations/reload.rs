//! `POST /reload`, `POST /config/check`, and who may ask.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ScopedJoinHandle;

use serde_json::{Value, json};

use super::super::harness::{Connection, Edge, request};
use super::super::{bearer, good_token};
use super::{edit, settle};

fn ask(edge: &Edge, path: &str) -> (u16, Value) {
    let answer = edge.admin("POST", path);
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn a_check_takes_nothing_and_says_what_is_wrong() {
    let edge = Edge::start();
    assert_eq!(ask(&edge, "/config/check"), (200, json!({"valid": true, "restart": []})));
    edit(&edge, "path = \"/public/*\"", "path = \"/open/*\"");
    assert_eq!(ask(&edge, "/config/check").0, 200);
    assert_eq!(edge.send(&request("/open/x", &[])).status, 404, "nothing was taken");
    assert!(!edge.admin("GET", "/metrics").body.contains("/open/*"), "and nothing was counted");
    edit(&edge, "upstream = \"nobody\"", "upstream = \"nobdoy\"");
    let (status, body) = ask(&edge, "/config/check");
    assert_eq!((status, &body["generation"]), (422, &json!(1)));
    let error = body["error"].as_str().unwrap();
    assert!(error.ends_with("edge.toml: route[2].upstream: no upstream is called \"nobdoy\""), "{error}");
    assert_eq!(edge.admin("GET", "/config/check").status, 405);
}

#[test]
fn a_refused_reload_is_seen_and_the_old_configuration_serves() {
    let edge = Edge::start();
    edit(&edge, "threads = 2", "threads = = 2");
    let (status, body) = ask(&edge, "/reload");
    assert_eq!((status, &body["generation"]), (422, &json!(1)));
    assert!(body["error"].as_str().unwrap().contains("edge.toml: line 5: "), "{body}");
    assert_eq!(edge.send(&request("/public/x", &[])).status, 200);
    let metrics = edge.admin("GET", "/metrics").body;
    for line in ["config_last_reload_successful 0", "reloads_total 1", "reloads_failed_total 1", "generation 1"] {
        assert!(metrics.contains(&format!("tollgate_edge_{line}\n")), "{line}");
    }
    let status: Value = serde_json::from_str(&edge.admin("GET", "/status.json").body).unwrap();
    assert_eq!(status["configuration"]["failure"]["error"], body["error"]);
    assert!(edge.admin("GET", "/").body.contains("The last reload was refused"));
    edit(&edge, "threads = = 2", "threads = 2");
    assert_eq!(ask(&edge, "/reload"), (200, json!({"generation": 2, "restart": []})));
    let status: Value = serde_json::from_str(&edge.admin("GET", "/status.json").body).unwrap();
    assert_eq!(
        (&status["configuration"]["failure"], &status["configuration"]["generation"]),
        (&Value::Null, &json!(2))
    );
}

#[test]
fn what_takes_a_restart_is_named() {
    let edge = Edge::start();
    edit(&edge, "threads = 2", "threads = 3\nrealm = \"other\"");
    edit(
        &edge,
        "[log]",
        "[cache]\nverdicts = \"1MiB\"\nstate_dir = \"elsewhere\"\n[dpop]\nreplay_memory = \"1MiB\"\n[log]",
    );
    let named = ["listen.threads", "listen.realm", "cache.verdicts", "cache.state_dir", "dpop.replay_memory"];
    let expected = json!({"generation": 2, "restart": named});
    assert_eq!(ask(&edge, "/reload"), (200, expected));
    assert!(edge.admin("GET", "/").body.contains(&named.join(", ")));
}

#[test]
fn routes_that_a_reload_removes_leave_no_series() {
    let edge = Edge::start();
    edge.send(&request("/public/x", &[]));
    let shown = |route: &str| edge.admin("GET", "/metrics").body.contains(&format!("route=\"{route}\""));
    assert!(shown("echo /public/*"));
    edit(&edge, "path = \"/public/*\"", "path = \"/open/*\"");
    assert_eq!(ask(&edge, "/reload").0, 200);
    assert!(!shown("echo /public/*") && shown("echo /open/*") && shown("echo /api/*"));
}

#[test]
fn reloads_cost_no_request() {
    let edge = Edge::start();
    let (stop, served, good) = (AtomicBool::new(false), AtomicU64::new(0), bearer(&good_token()));
    std::thread::scope(|scope| {
        let (stop, served, good) = (&stop, &served, &good);
        let client = |mut connection: Connection| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(connection.send(&request("/api/x", &[("authorization", good)])).status, 200);
                served.fetch_add(1, Ordering::Relaxed);
            }
        };
        let clients = [edge.connect(), edge.connect()].map(|connection| scope.spawn(move || client(connection)));
        for generation in 2..22 {
            assert_eq!(ask(&edge, "/reload").1["generation"], generation);
            let before = served.load(Ordering::Relaxed);
            while served.load(Ordering::Relaxed) < before + 3 && !clients.iter().any(ScopedJoinHandle::is_finished) {
                std::thread::yield_now();
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    settle(&edge);
    let served = served.into_inner();
    let metrics = edge.admin("GET", "/metrics").body;
    let counted = format!("tollgate_edge_requests_total{{route=\"echo /api/*\",status=\"2xx\"}} {served}\n");
    assert!(metrics.contains(&counted), "counts go on over reloads: {served}\n{metrics}");
}

#[test]
fn a_token_guards_all_but_health() {
    let prepare = |folder: &std::path::Path| {
        let file = folder.join("admin.token");
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    };
    let edge = Edge::start_prepared(prepare, "admin_token_file = \"admin.token\"", "", "");
    let with = |method: &str, path: &str, field: &str| {
        edge.ask_admin(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n"))
    };
    let token = "Authorization: Bearer 0123456789abcdef";
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/status.json"),
        ("GET", "/metrics"),
        ("POST", "/reload"),
        ("POST", "/config/check"),
        ("GET", "/x"),
    ] {
        let refused = with(method, path, "Accept: */*");
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")), "{path}");
        assert_eq!(with(method, path, "Authorization: Bearer 0123456789abcdeF").status, 401, "{path}");
        assert_eq!(with(method, path, token).status, if path == "/x" { 404 } else { 200 }, "{path}");
    }
    assert_eq!(with("GET", "/healthz", "A: b").status, 200);
    let ready = with("GET", "/readyz", "A: b");
    assert_eq!((ready.status, ready.body.as_str()), (200, "{\"ready\":true}\n"), "without names");
    assert!(with("GET", "/readyz", token).body.contains("\"generation\":2"));
}

#[test]
fn a_page_of_another_site_reloads_nothing() {
    let edge = Edge::start();
    let answer = edge.ask_admin("POST /reload HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: cross-site\r\n\r\n");
    assert_eq!(answer.status, 403);
    assert!(edge.admin("GET", "/readyz").body.contains("\"generation\":1"));
}
