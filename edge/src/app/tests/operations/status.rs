//! The status page of a running edge.

use serde_json::Value;

use super::super::harness::{Edge, free_addresses, request};
use super::super::{bearer, good_token};
use super::settle;

#[test]
fn the_page_tells_how_it_is() {
    let [https, _] = free_addresses();
    let tls = format!("https = \"{https}\"\ntls = {{ cert = \"cert.pem\", key = \"key.pem\" }}");
    let edge = Edge::start_listening(&tls, "", "");
    edge.send(&request("/api/x", &[("authorization", &bearer(&good_token()))]));
    edge.send(&request("/api/x", &[]));
    edge.send(&request("/down/x", &[]));
    settle(&edge);
    let page = edge.admin("GET", "/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for text in [
        "Ready</p>",
        "/api/*",
        "an access token of corp",
        "missing_token",
        "api.test",
        "https://issuer.test/pool",
        "127.0.0.1:1<",
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    assert_eq!(edge.admin("GET", "/status").status, 200);
    let facts: Value = serde_json::from_str(&edge.admin("GET", "/status.json").body).unwrap();
    let route = facts["routes"].as_array().unwrap().iter().find(|route| route["name"] == "echo /api/*").unwrap();
    assert_eq!((&route["requests"], &route["refused"], &route["failed"]), (&2.into(), &1.into(), &0.into()));
    assert!(route["p99_millis"].as_f64().unwrap() > 0.0);
    assert_eq!(facts["traffic"]["failed"], 1);
    assert_eq!(facts["issuers"][0]["keys"][0]["alg"], "RS256");
    assert_eq!(facts["certificates"][0]["names"][0], "api.test");
    assert_eq!((&facts["ready"], &facts["configuration"]["generation"]), (&true.into(), &1.into()));
    assert!(facts["process"]["resident_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn head_asks_without_the_body_and_other_methods_are_told() {
    let edge = Edge::start();
    let whole = edge.admin("GET", "/status");
    let head = edge.admin_head("/status");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(head.contains("content-security-policy: default-src 'none'"));
    assert!(whole.body.ends_with("</html>\n"));
    let refused = edge.admin("DELETE", "/status");
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(edge.admin("GET", "/other").status, 404);
}
